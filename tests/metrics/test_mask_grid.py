"""Dice at every mask threshold and minimum area of a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from delineate.core.errors import SizeMismatchError
from delineate.metrics.mask_grid import THRESHOLDS, MaskGrid, dice_on_grid

GRID = MaskGrid((0.3, 0.6), (0, 3))
EVERYWHERE = np.ones((3, 5), bool)


def test_counted_by_hand():
    """A spot of one pixel and a bar of three: each threshold and area keeps what it should."""
    probability = np.array(
        [[0.7, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5, 0.9]],
        np.float32,
    )
    truth = np.zeros((3, 5), bool)
    truth[2, 3:] = True
    # From 0.3: spot and bar, 4 px of which 2 are true; without the spot 3 px. From 0.6: spot and
    # one pixel of the bar, of which neither is 3 px large.
    expected = [[2 * 2 / (4 + 2), 2 * 2 / (3 + 2)], [2 * 1 / (2 + 2), 0.0]]
    assert dice_on_grid(probability, truth, EVERYWHERE, GRID) == pytest.approx(np.array(expected))


def test_nothing_there_and_nothing_found_counts_one():
    """An image without foreground counts 1 unmarked, and 0 as soon as a pixel is marked."""
    probability = np.zeros((3, 5), np.float32)
    nothing = np.zeros((3, 5), bool)
    assert (dice_on_grid(probability, nothing, EVERYWHERE, GRID) == 1).all()
    probability[1, 1] = 0.5
    assert dice_on_grid(probability, nothing, EVERYWHERE, GRID).tolist() == [[0, 1], [1, 1]]


def test_a_pixel_at_the_threshold_is_foreground():
    """Probabilities are compared as float32, as predictions are cut."""
    probability = np.full((3, 5), 0.3, np.float32)
    assert dice_on_grid(probability, EVERYWHERE, EVERYWHERE, GRID)[0, 0] == 1


def test_pixels_outside_do_not_count():
    """They are neither found nor missed, but belong to the area of their object."""
    probability = np.zeros((3, 5), np.float32)
    probability[0] = 0.9
    counted = EVERYWHERE.copy()
    counted[0, :3] = False
    truth = np.zeros((3, 5), bool)
    truth[0, :4] = True
    # Of five found pixels two count, one of which is the only true one that counts.
    assert dice_on_grid(probability, truth, counted, GRID) == pytest.approx(2 / 3)


def test_pixels_that_touch_at_a_corner_are_one_object():
    """A diagonal of three is large enough where three pixels are asked for."""
    diagonal = np.eye(3, dtype=bool)
    probability = (diagonal * 0.9).astype(np.float32)
    assert (dice_on_grid(probability, diagonal, np.ones((3, 3), bool), GRID) == 1).all()


def _oracle(probability, truth, counted, cut, area):
    """The same by another road: scipy's objects, one after the other."""
    objects, number = ndimage.label(probability >= np.float32(cut), np.ones((3, 3)))
    kept = np.zeros(truth.shape, bool)
    for index in range(1, number + 1):
        if (objects == index).sum() >= area:
            kept |= objects == index
    truth, kept = truth & counted, kept & counted
    if not truth.any() and not kept.any():
        return 1.0
    return 2 * (truth & kept).sum() / (truth.sum() + kept.sum())


@given(
    levels=arrays(np.uint8, (7, 9), elements=st.integers(0, 5), fill=st.nothing()),
    truth=arrays(np.bool_, (7, 9), fill=st.nothing()),
    counted=arrays(np.bool_, (7, 9)),
)
def test_equals_one_object_after_the_other(levels, truth, counted):
    """Every point of the grid gives what scipy's objects give."""
    probability = (levels / 5).astype(np.float32)
    grid = MaskGrid((0.02, 0.4, 0.8), (0, 2, 5, 20))
    expected = [
        [_oracle(probability, truth, counted, cut, area) for area in grid.minimum_areas_px]
        for cut in grid.thresholds
    ]
    assert dice_on_grid(probability, truth, counted, grid) == pytest.approx(np.array(expected))


def test_areas_follow_the_size_of_the_images():
    """Each is a share of an image's pixels; what one pixel or none would remove stands once."""
    small, large = MaskGrid.of_size(128 * 128), MaskGrid.of_size(1024 * 1024)
    assert small.thresholds == THRESHOLDS == tuple(sorted(set(THRESHOLDS)))
    assert small.minimum_areas_px[:3] == (0, 2, 3)
    assert large.minimum_areas_px[-1] == round(0.02 * 1024 * 1024)
    assert MaskGrid.of_size(16 * 16).minimum_areas_px == (0, 2, 3, 4, 5)
    assert str(GRID) == "2 mask thresholds from 0.3 to 0.6 and 2 minimum areas from 0 to 3 px"


def test_other_sizes_are_refused():
    """A truth of another size is named, with both sizes."""
    with pytest.raises(SizeMismatchError, match=r"truth: expected .*\(3, 5\), found \(5, 3\)"):
        dice_on_grid(np.zeros((3, 5), np.float32), EVERYWHERE.T, EVERYWHERE, GRID)


def test_a_network_that_diverged_is_told():
    """A probability that is no number is not taken for background."""
    with pytest.raises(ValueError, match="found NaN"):
        dice_on_grid(np.full((3, 5), np.nan, np.float32), EVERYWHERE, EVERYWHERE, GRID)
