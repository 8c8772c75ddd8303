"""Laying one picture on another: the map found is the map planted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import (
    aligned,
    box_axes,
    composed,
    inverted,
    level,
    oriented_box,
    snapped,
    whole_box,
    with_orientation,
)
from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.core.seeds import stream

SIZE_PX = (180, 240)
SAME = np.array([[1.0, 0, 0], [0, 1, 0]])
CORNERS = np.array([[0, 0, 1], [239, 0, 1], [0, 179, 1], [239, 179, 1]])


def texture(number: int) -> NDArray[np.float32]:
    """(180, 240) blobs of several sizes."""
    rng = stream(number, "drawn texture")
    noise = [cv2.GaussianBlur(rng.normal(size=SIZE_PX), (0, 0), s) for s in (2.0, 5.0, 14.0)]
    return np.asarray(128 + 28 * sum(n / n.std() for n in noise), np.float32)


def apart_px(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How far two maps lead apart at the corners."""
    return float(np.abs(CORNERS @ (one - other).T).max())


@pytest.mark.parametrize("stretch", [0.9, 1.0, 1.12])
def test_a_planted_map_is_found(stretch: float) -> None:
    """From a guess that is off by 2 % of the side to a tenth of a pixel, through noise and tone."""
    picture = texture(1)
    planted = np.array([[stretch, 0, 7.3], [0, 1.05, -4.6]])
    second = cv2.warpAffine(picture, planted, SIZE_PX[::-1], borderMode=cv2.BORDER_REFLECT)
    second = 0.7 * second + 20 + stream(0, "noise").normal(0, 2, SIZE_PX)
    guess = planted + np.array([[0, 0, 4.0], [0, 0, -3.0]])
    found = aligned(picture, np.clip(second, 0, 255).astype(np.uint8), guess)
    assert apart_px(found, planted) < 0.15


def test_boxes_go_to_boxes_by_their_edges() -> None:
    """A picture of twice the size begins half a pixel before the centre of its first pixel."""
    axes = box_axes((0, 0, 10, 20), (0, 0, 20, 40))
    assert axes.tolist() == [[2, 0, 0.5], [0, 2, 0.5]]


def test_maps_undo_themselves() -> None:
    """A map after its inverse changes nothing."""
    axes = np.array([[1.3, 0, -4.0], [0, 0.8, 2.5]])
    np.testing.assert_allclose(composed(axes, inverted(axes)), SAME, atol=1e-12)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_box_turns_with_its_picture(orientation: str) -> None:
    """What is in the box stays in it under every orientation."""
    picture = np.zeros((9, 13), np.uint8)
    picture[2:5, 1:11] = 1
    turned = oriented(picture, orientation)
    top, left, bottom, right = (
        round(edge) for edge in oriented_box((2, 1, 5, 11), orientation, (9, 13))
    )
    assert turned[top:bottom, left:right].all()
    assert turned.sum() == (bottom - top) * (right - left)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientation_joins_the_map(orientation: str) -> None:
    """The map onto the turned picture, joined with the turn, finds the same pixels."""
    picture = texture(2).astype(np.uint8)
    turned = np.ascontiguousarray(oriented(picture, orientation))
    matrix = with_orientation(SAME, orientation, SIZE_PX)
    back = cv2.warpAffine(
        picture, matrix, turned.shape[::-1], flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    )
    np.testing.assert_array_equal(back, turned)


def test_near_whole_pixels_the_map_is_exact() -> None:
    """Whole shifts and whole pictures snap; anything else is left as it was found."""
    near = np.array([[1.001, 0, 2.9], [0, 1.0, -5.2]])
    assert snapped(near, SIZE_PX, SIZE_PX).tolist() == [[1, 0, 3], [0, 1, -5]]
    half = box_axes(whole_box(SIZE_PX), whole_box((90, 120)))
    np.testing.assert_allclose(snapped(half + 0.001 * SAME, SIZE_PX, (90, 120)), half)
    odd = np.array([[1.1, 0, -7.3], [0, 0.9, 4.4]])
    np.testing.assert_array_equal(snapped(odd, SIZE_PX, SIZE_PX), odd)


def test_levels_never_enlarge() -> None:
    """A small picture stays as it is; a large one shrinks, with the map back."""
    assert level(np.zeros((20, 30), np.uint8), 128).grey.shape == (20, 30)
    small = level(np.zeros((200, 400), np.uint8), 100)
    assert small.grey.shape == (50, 100)
    assert small.to_native.tolist() == [[4, 0, 1.5], [0, 4, 1.5]]


def test_sixteen_bits_are_laid_like_eight() -> None:
    """The depth of the pictures changes nothing."""
    picture = texture(3)
    second = np.roll(picture, (0, 3), (0, 1))
    deep = (second * 200).clip(0, 65535).astype(np.uint16)
    found = snapped(aligned(picture, deep, SAME), SIZE_PX, SIZE_PX)
    assert found.tolist() == [[1, 0, 3], [0, 1, 0]]
