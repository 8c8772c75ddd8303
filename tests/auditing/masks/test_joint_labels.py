"""Combinations of labels, counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from delineate.auditing.masks.joint_labels import box_of, joint_labels
from delineate.core.errors import SizeMismatchError
from delineate.core.types import IGNORE

MAPS = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6)),
    elements=st.sampled_from([0, 0, 0, 1, 2, 7, IGNORE]),
)


@given(maps=MAPS)
def test_every_combination_is_counted(maps: np.ndarray) -> None:
    """The counts are those of going through the pixels one by one."""
    columns = map(tuple, maps.reshape(len(maps), -1).T.tolist())
    expected = Counter(each for each in columns if IGNORE not in each)
    found = joint_labels(list(maps))
    pairs = zip(map(tuple, found.labels.tolist()), found.pixels.tolist(), strict=True)
    assert dict(pairs) == dict(expected)
    assert found.compared_px == sum(expected.values())
    assert set(found.classes) == {label for each in expected for label in each} - {0}


def test_nothing_drawn() -> None:
    """Empty maps have one combination, that of background."""
    found = joint_labels([np.zeros((4, 5), np.uint8)] * 3)
    assert found.labels.tolist() == [[0, 0, 0]]
    assert found.pixels.tolist() == [20]
    assert found.classes == ()


def test_different_sizes_are_refused() -> None:
    """The error names the sizes."""
    with pytest.raises(SizeMismatchError, match="found 4x5 and 5x4 px"):
        joint_labels([np.zeros(size, np.uint8) for size in ((4, 5), (5, 4))])


def test_the_box_and_its_margin() -> None:
    """The box holds all that is not 0, and its margin ends with the picture."""
    array = np.zeros((9, 12), np.uint8)
    array[1, 5] = array[4, 10] = 3
    assert np.array_equal(array[box_of(array)], array[1:5, 5:11])
    assert np.array_equal(array[box_of(array, 3)], array[0:8, 2:12])
