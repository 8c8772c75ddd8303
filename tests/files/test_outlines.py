"""Masks as rings along the edges of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco
from scipy import ndimage

from delineate.files.outlines import rings_with_seams
from delineate.files.polygons import coco_polygons

# pycocotools 2.0.11 decodes in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


def decoded(rings: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """What the COCO API makes of rings, asked directly."""
    if not rings:
        return np.zeros(size, bool)
    flat = [ring.ravel().astype(float).tolist() for ring in rings]
    return coco.decode(coco.merge(coco.frPyObjects(flat, *size))).astype(bool)


def test_one_pixel() -> None:
    """A pixel is the four corners around it."""
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (ring,) = rings_with_seams(mask)
    assert {tuple(corner) for corner in ring.tolist()} == {(2, 1), (3, 1), (3, 2), (2, 2)}


def test_a_hole_is_reached_by_a_seam_and_stays() -> None:
    """A frame is one ring that passes its seam twice; the COCO API leaves the hole out."""
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    (ring,) = rings_with_seams(mask)
    assert len(ring) == 4 + 4 + 2
    assert not decoded([ring], (5, 5))[2, 2]
    assert decoded([ring], (5, 5)).sum() == 24


@settings(deadline=None)
@given(mask=masks)
def test_the_coco_api_gives_every_mask_back(mask: np.ndarray) -> None:
    """Rings of any mask, read by pycocotools itself and by us, are that mask: nothing is lost."""
    rings = rings_with_seams(mask)
    assert (decoded(rings, mask.shape) == mask).all()
    ours = coco_polygons([ring.tolist() for ring in rings], mask.shape, where="x")
    assert (ours == mask).all()


@settings(deadline=None)
@given(mask=masks)
def test_one_ring_a_piece(mask: np.ndarray) -> None:
    """As many rings as pieces whose pixels share edges, all corners within the image."""
    rings = rings_with_seams(mask)
    assert len(rings) == ndimage.label(mask)[1]
    for ring in rings:
        assert (ring >= 0).all()
        assert (ring <= (mask.shape[1], mask.shape[0])).all()


@settings(deadline=None)
@given(mask=masks)
def test_every_pixel_is_run_around_once_and_no_hole_is(mask: np.ndarray) -> None:
    """Programs that fill by the number of turns, and not by their parity, find the same mask."""
    turns = np.zeros(mask.shape, int)
    for ring in rings_with_seams(mask):
        for (x, y), (beside, below) in zip(
            ring.tolist(), np.roll(ring, -1, 0).tolist(), strict=True
        ):
            if x == beside:
                turns[min(y, below) : max(y, below), x:] += 1 if below < y else -1
    assert (turns == mask).all()


def test_a_smooth_shape_with_holes_of_native_size() -> None:
    """Blobs with holes at 700 x 900 come back whole."""
    noise = np.random.default_rng(0).random((700, 900))
    mask = cv2.GaussianBlur(noise, (0, 0), 12) > 0.5
    assert (decoded(rings_with_seams(mask), mask.shape) == mask).all()
