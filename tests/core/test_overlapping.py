"""Codes of classes that overlap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.errors import SettingsError
from delineate.core.overlapping import (
    MOST_CLASSES,
    classes_in,
    code,
    coded,
    codes_of,
    is_class,
    painted,
    require_codes,
    topmost,
)
from delineate.core.types import IGNORE, DrawnObject, LabelClass, default_classes

MASKS = st.lists(arrays(np.bool_, (3, 4)), min_size=1, max_size=MOST_CLASSES)


def test_a_pixel_of_two_classes_by_hand() -> None:
    """Classes 1 and 3 together are the code 5; ignored pixels belong to none."""
    labels = np.array([[0, 0b001, 0b101, 0b100, IGNORE]], np.uint8)
    assert is_class(labels, 1, is_overlapping=True).tolist() == [[False, True, True, False, False]]
    assert is_class(labels, 3, is_overlapping=True).tolist() == [[False, False, True, True, False]]
    assert is_class(labels, 5, is_overlapping=False).tolist() == [
        [False, False, True, False, False]
    ]
    assert classes_in(labels, is_overlapping=True) == (1, 3)
    assert classes_in(labels, is_overlapping=False) == (1, 4, 5)


@given(MASKS)
def test_codes_give_every_mask_back(masks: list[np.ndarray]) -> None:
    """Whatever overlaps, each class has the pixels that were drawn of it, and no others."""
    labels = coded([DrawnObject(i, mask) for i, mask in enumerate(masks, 1)], (3, 4))
    for index, mask in enumerate(masks, 1):
        assert (is_class(labels, index, is_overlapping=True) == mask).all()
    held = tuple(index for index, mask in enumerate(masks, 1) if mask.any())
    assert classes_in(labels, is_overlapping=True) == held


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_ignored_is_so_for_every_class(order: tuple[int, int]) -> None:
    """In whatever order they come; where objects are painted the later lies above instead."""
    whole = np.ones((2, 2), np.bool_)
    both = [DrawnObject(2, whole), DrawnObject(IGNORE, np.eye(2, dtype=np.bool_))]
    objects = [both[at] for at in order]
    assert coded(objects, (2, 2)).tolist() == [[IGNORE, code(2)], [code(2), IGNORE]]
    above = 2 if order == (1, 0) else IGNORE
    assert painted(objects, (2, 2)).tolist() == [[above, 2], [2, above]]


def test_pictures_show_the_highest_class() -> None:
    """Whatever was drawn last, codes know no order: the class of the highest number is shown."""
    here = np.ones((1, 1), np.bool_)
    objects = [DrawnObject(3, here), DrawnObject(2, here)]
    assert topmost(coded(objects, (1, 1))).tolist() == [[3]]


@given(arrays(np.uint8, (2, 3), elements=st.integers(0, MOST_CLASSES) | st.just(IGNORE)))
def test_single_classes_survive_their_codes(labels: np.ndarray) -> None:
    """A pixel of one class is of that class by its code."""
    np.testing.assert_array_equal(topmost(codes_of(labels)), labels)


def test_eight_classes_cannot_overlap() -> None:
    """The eighth bit is that of the unknown; an ignored class in a list counts for none."""
    require_codes([*default_classes(8), LabelClass(IGNORE, "void", (0, 0, 0))], "data")
    with pytest.raises(SettingsError, match="data: expected at most 7 classes that overlap"):
        require_codes(default_classes(9), "data")
