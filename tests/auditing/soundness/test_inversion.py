"""Masks whose foreground is everything but the objects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from delineate.auditing.soundness.inversion import Inverted, inverted, sign_of_inversion
from delineate.core.types import IGNORE


def blobs() -> np.ndarray:
    """Four discs inside the frame, one at its edge."""
    labels = np.zeros((80, 100), np.uint8)
    for centre in ((20, 20), (60, 25), (50, 60), (85, 15), (0, 50)):
        cv2.circle(labels, centre, 9, 1, -1)
    return labels


def cells() -> np.ndarray:
    """Foreground parted by thin walls, as cells are by membranes."""
    labels = np.ones((80, 100), np.uint8)
    labels[::16], labels[:, ::20] = 0, 0
    return np.roll(labels, (7, 9), axis=(0, 1))


def test_objects_are_no_holes_until_they_are_inverted():
    """Blobs are right as they are; the rest of the frame as foreground is not."""
    assert sign_of_inversion(blobs(), None) is None
    assert sign_of_inversion(1 - blobs(), None) == "holes"


def test_cells_between_walls_are_foreground():
    """Foreground may fill most of a frame and its edge where it is not one piece with holes."""
    assert cells().mean() > 0.8
    assert sign_of_inversion(cells(), None) is None
    assert sign_of_inversion(1 - cells(), None) is None


def test_an_object_that_fills_the_frame_is_no_surround():
    """Corners of background are not holes."""
    labels = np.zeros((80, 100), np.uint8)
    cv2.circle(labels, (50, 40), 55, 1, -1)
    assert sign_of_inversion(labels, None) is None


def test_the_dark_around_a_picture_is_background():
    """Vessels have no holes, but the black around a fundus tells."""
    view = np.zeros((80, 100), np.uint8)
    cv2.circle(view, (50, 40), 38, 1, -1)
    labels = np.zeros_like(view)
    cv2.line(labels, (15, 40), (85, 40), 1, 3)
    assert sign_of_inversion(labels, view > 0) is None
    assert sign_of_inversion(1 - labels, view > 0) == "surround"
    only_around = np.where(view > 0, labels, 1).astype(np.uint8)
    assert sign_of_inversion(only_around, view > 0) is None


def test_ignored_pixels_are_neither():
    """A rim that is ignored is no foreground."""
    labels = 1 - blobs()
    labels[:2], labels[-2:], labels[:, :2], labels[:, -2:] = (IGNORE,) * 4
    assert sign_of_inversion(labels, None) is None


@pytest.mark.parametrize(
    ("signs", "found"),
    [
        (["holes"] * 4 + [None], Inverted("holes", 4, 5)),
        (["holes"] * 3 + [None], None),
        (["surround", "surround", "holes"], Inverted("surround", 3, 3)),
        (["holes"], None),
        ([], None),
    ],
)
def test_four_in_five_must_agree(signs, found):
    """And at least two."""
    assert inverted(signs) == found
