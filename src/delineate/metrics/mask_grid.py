"""What every mask threshold and every minimum area would make of one image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SizeMismatchError
from delineate.core.types import Mask

Floats = NDArray[np.float64]

THRESHOLDS = (0.02, *(round(0.05 * step, 2) for step in range(1, 20)), 0.98)
# Of the pixels of an image; objects below are removed.
_AREA_SHARES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7.5e-3, 0.01, 0.015, 0.02)


@dataclass(frozen=True)
class MaskGrid:
    """The mask thresholds and minimum areas among which there is a choice, both upwards."""

    thresholds: tuple[float, ...]
    minimum_areas_px: tuple[int, ...]

    @classmethod
    def of_size(cls, pixels: int) -> MaskGrid:
        """21 thresholds from 0.02 to 0.98, and areas from none to 2 % of an image of this size."""
        areas = {round(share * pixels) for share in _AREA_SHARES}
        return cls(THRESHOLDS, (0, *sorted(area for area in areas if area > 1)))

    def __str__(self) -> str:
        """What is tried, in words."""
        cuts, areas = self.thresholds, self.minimum_areas_px
        return (
            f"{len(cuts)} mask thresholds from {cuts[0]:g} to {cuts[-1]:g} and {len(areas)} "
            f"minimum areas from {areas[0]} to {areas[-1]} px"
        )


def dice_on_grid(
    probability: NDArray[np.float32], truth: Mask, counted: Mask, grid: MaskGrid
) -> NDArray[np.float32]:
    """Dice of one image (thresholds, areas); truth and prediction without a pixel count 1.

    Probability, truth and what counts are (H, W). A pixel is foreground from the threshold on;
    connected objects (8 neighbours) below the minimum area are removed, with their pixels that do
    not count. Where the truth holds foreground the Dice is above 0 just where the prediction
    meets it; where it holds none, it is 1 or 0: nothing was marked, or something was.

    Raises:
        SizeMismatchError: the three differ in size.
        ValueError: a probability is not a number.
    """
    for name, other in (("truth", truth), ("counted", counted)):
        if other.shape != probability.shape:
            raise SizeMismatchError(
                f"{name}: expected the size of the probability {probability.shape}, found "
                f"{other.shape}; choose at native size"
            )
    if np.isnan(probability).any():
        raise ValueError("probability: expected numbers, found NaN; the model diverged")
    true = truth & counted
    box = _box(probability >= np.float32(grid.thresholds[0]))
    sums = [
        _sums_of_kept(
            probability[box] >= np.float32(cut), true[box], counted[box], grid.minimum_areas_px
        )
        for cut in grid.thresholds
    ]
    hits, found = np.array(sums, np.float64).transpose(1, 0, 2)  # each (thresholds, areas)
    both = found + np.count_nonzero(true)
    dice = np.divide(2 * hits, both, out=np.ones_like(both), where=both > 0)
    return np.asarray(dice, dtype=np.float32)


def _box(mask: Mask) -> tuple[slice, slice]:
    """The smallest rectangle that holds every pixel of a mask; an empty one where there is none."""
    if not mask.any():
        return slice(0, 0), slice(0, 0)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _sums_of_kept(
    mask: Mask, truth: Mask, counted: Mask, minimum_areas_px: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Pixels that are true, and all that count, in the objects that each minimum area keeps."""
    if not mask.any():
        return np.zeros(len(minimum_areas_px)), np.zeros(len(minimum_areas_px))
    number, objects, facts, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    area = facts[1:, cv2.CC_STAT_AREA]
    is_kept = area >= np.array(minimum_areas_px)[:, None]  # (areas, objects)
    true_px = np.bincount(objects[truth], minlength=number)[1:]
    counted_px = np.bincount(objects[counted], minlength=number)[1:]
    return (is_kept * true_px).sum(axis=1), (is_kept * counted_px).sum(axis=1)
