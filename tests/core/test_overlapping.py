"""Codes of classes that overlap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.overlapping import MOST_CLASSES, classes_in, code, coded, is_class, painted
from delineate.core.types import IGNORE, DrawnObject

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
