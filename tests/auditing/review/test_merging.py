"""Masks of one picture made into one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from delineate.auditing.pictures.orientation import (
    ORIENTATIONS,
    orientation_matrix,
    oriented,
    oriented_size,
)
from delineate.auditing.review.merging import merged, on_grid_of
from delineate.core.types import IGNORE

UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
BINARY = arrays(np.uint8, (3, 4), elements=st.integers(0, 1))
CLASSES = arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, IGNORE]))


def row(*values: int) -> NDArray[np.uint8]:
    """A label map of one row."""
    return np.array([values], np.uint8)


def test_union_intersection_and_majority_by_hand() -> None:
    """Three votes on each of four pixels: none, one, two and all."""
    masks = [row(0, 1, 1, 1), row(0, 0, 1, 1), row(0, 0, 0, 1)]
    assert merged(masks, "union").tolist() == [[0, 1, 1, 1]]
    assert merged(masks, "intersection").tolist() == [[0, 0, 0, 1]]
    assert merged(masks, "majority").tolist() == [[0, 0, 1, 1]]


def test_even_votes_are_background() -> None:
    """Of two masks a majority is what both mark; of two against two it is nothing."""
    assert merged([row(1, 1), row(0, 1)], "majority").tolist() == [[0, 1]]
    assert merged([row(1), row(1), row(0), row(0)], "majority").tolist() == [[0]]
    assert merged([row(1), row(2), row(0)], "majority").tolist() == [[0]]
    assert merged([row(1, 1), row(2, 2), row(2, 0), row(1, 1)], "majority").tolist() == [[0, 1]]


def test_classes_that_differ() -> None:
    """A union takes the class given most often, then the first mask's; the others take none."""
    masks = [row(2, 2), row(1, 1), row(0, 1)]
    assert merged(masks, "union").tolist() == [[2, 1]]
    assert merged(masks, "intersection").tolist() == [[0, 0]]
    assert merged(masks, "majority").tolist() == [[0, 1]]


def test_who_knows_nothing_has_no_vote() -> None:
    """Unknown pixels count for nobody, and stay unknown where none knows."""
    masks = [row(IGNORE, 1, IGNORE, IGNORE), row(1, IGNORE, 0, IGNORE)]
    for rule in ("union", "intersection", "majority"):
        assert merged(masks, rule).tolist() == [[1, 1, 0, IGNORE]]


@given(st.lists(BINARY, min_size=2, max_size=5))
def test_binary_masks_follow_logic(masks: list[NDArray[np.uint8]]) -> None:
    """On two classes the rules are or, and, and more than half."""
    stack = np.stack(masks)
    np.testing.assert_array_equal(merged(masks, "union"), stack.any(axis=0))
    np.testing.assert_array_equal(merged(masks, "intersection"), stack.all(axis=0))
    np.testing.assert_array_equal(merged(masks, "majority"), 2 * stack.sum(axis=0) > len(masks))


@given(st.lists(CLASSES, min_size=2, max_size=4), st.sampled_from(["intersection", "majority"]))
def test_order_matters_only_for_unions(masks: list[NDArray[np.uint8]], rule: str) -> None:
    """Intersection and majority do not ask who comes first."""
    np.testing.assert_array_equal(merged(masks, rule), merged(masks[::-1], rule))


@given(CLASSES, st.sampled_from(["union", "intersection", "majority"]))
def test_masks_that_agree_stay(mask: NDArray[np.uint8], rule: str) -> None:
    """Merging a mask with itself changes nothing."""
    np.testing.assert_array_equal(merged([mask, mask], rule), mask)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_each_orientation_is_undone(orientation: str) -> None:
    """An oriented mask laid on the upright grid is the upright one, and the other way round."""
    upright = np.random.default_rng(2).integers(0, 3, (5, 7), dtype=np.uint8)
    # The second picture is the one that this orientation makes upright.
    back = {"turned left": "turned right", "turned right": "turned left"}
    second = oriented(upright, back.get(orientation, orientation)).copy()
    size_px = oriented_size((5, 7), orientation)
    matrix = orientation_matrix(orientation, size_px).ravel().tolist()
    labels, matrices = [upright, second], [UPRIGHT, matrix]
    for place in (0, 1):
        for each in on_grid_of(place, labels, matrices):
            np.testing.assert_array_equal(each, labels[place])


def test_what_a_crop_does_not_show_is_unknown() -> None:
    """A crop has no vote outside of itself, and the whole picture has one inside of it."""
    whole = np.arange(20, dtype=np.uint8).reshape(4, 5)
    crop = whole[1:3, 2:5].copy()
    to_crop = (1.0, 0.0, -2.0, 0.0, 1.0, -1.0)
    on_whole = on_grid_of(0, [whole, crop], [UPRIGHT, to_crop])[1]
    np.testing.assert_array_equal(on_whole[1:3, 2:5], crop)
    assert (on_whole[0] == IGNORE).all()
    assert (on_whole[:, :2] == IGNORE).all()
    on_crop = on_grid_of(1, [whole, crop], [UPRIGHT, to_crop])[0]
    np.testing.assert_array_equal(on_crop, crop)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("union", [[0b11, 0b111, 0b01, 0b10, IGNORE]]),
        ("intersection", [[0b00, 0b001, 0b01, 0b10, IGNORE]]),
        ("majority", [[0b01, 0b011, 0b01, 0b10, IGNORE]]),
    ],
)
def test_classes_that_overlap_are_merged_each_for_itself(
    rule: str, expected: list[list[int]]
) -> None:
    """Three masks vote on each class of a pixel; those that know nothing have no vote."""
    stack = [
        np.array([[0b01, 0b011, 0b01, IGNORE, IGNORE]], np.uint8),
        np.array([[0b01, 0b011, 0b01, 0b10, IGNORE]], np.uint8),
        np.array([[0b10, 0b101, 0b01, 0b10, IGNORE]], np.uint8),
    ]
    assert merged(stack, rule, is_overlapping=True).tolist() == expected


@given(arrays(np.uint8, (3, 2, 4), elements=st.integers(0, 7) | st.just(IGNORE)))
def test_a_single_overlapping_class_is_merged_as_any(stack: np.ndarray) -> None:
    """Where codes hold one class alone, the merged mask is that of plain labels."""
    plain = np.where(stack == IGNORE, IGNORE, stack & 1).astype(np.uint8)
    for rule in ("union", "intersection", "majority"):
        expected = merged(list(plain), rule)
        np.testing.assert_array_equal(merged(list(plain), rule, is_overlapping=True), expected)
