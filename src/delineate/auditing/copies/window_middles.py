"""What is compared in the search for crops and shifts: the middles of pictures and of windows.

A middle is 8 x 8 values in a middling band of detail. What all pictures of a data set have in
common is weighed down, so that mere likeness counts little.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import Axes, Box, box_axes, inverted, whole_box
from delineate.auditing.pictures.orientation import oriented
from delineate.auditing.pictures.signature import THUMB_SIDE_PX

Array = NDArray[np.float32]

GRID = 8
MIDDLE = 0.64  # of each side
# Start and length along an axis, as shares of the side: crops to 85 % and more, then shifts.
CROPS = ((0.02, 0.87), (0.11, 0.87), (0.01, 0.92), (0.07, 0.92), (0.015, 0.97))
SHIFTS = (-0.14, -0.10, -0.06, -0.02, 0.02, 0.06, 0.10, 0.14)
# Quarter turns combined with crops are left out: they would double the time.
TRIED = ("as it is", "flipped left to right", "flipped top to bottom", "turned upside down")
FINE_PX, COARSE_PX = 2.0, 6.0  # the band, in pixels of the thumbnail
FLAT_LEVELS = 1.0
SAMPLED = 2000  # pictures from which it is learnt what they have in common
LEAST_SPREAD = 0.01
PRIOR = 100  # pictures: the weight of knowing nothing of them


@dataclass(frozen=True)
class Axis:
    """A window along one axis, as shares of the side."""

    start: float
    length: float

    def sampling(self) -> Array:
        """(8, 64): what takes the middle of the window out of a thumbnail."""
        middle = self.start + self.length / 2
        shares = (np.arange(GRID) + 0.5) / GRID - 0.5
        places = (middle + shares * MIDDLE * self.length) * THUMB_SIDE_PX - 0.5
        places = np.clip(places, 0, THUMB_SIDE_PX - 1)
        below = np.minimum(places.astype(int), THUMB_SIDE_PX - 2)
        weights = np.zeros((GRID, THUMB_SIDE_PX), np.float32)
        weights[np.arange(GRID), below] = 1 - (places - below)
        weights[np.arange(GRID), below + 1] += places - below
        return weights


AXES = tuple(Axis(*crop) for crop in CROPS) + tuple(Axis(shift, 1.0) for shift in SHIFTS)
_CROPS = range(len(CROPS))
_SHIFTS = range(len(CROPS), len(AXES))
# Shifts to all sides: of a pair and its mirror image, both middles are moved to the same side.
WINDOWS = tuple((row, column) for row in _CROPS for column in _CROPS) + tuple(
    (row, column) for row in _SHIFTS for column in _SHIFTS
)
_SAMPLING = np.concatenate([axis.sampling() for axis in AXES])
FULL_MIDDLE = Axis(0.0, 1.0).sampling()


@dataclass(frozen=True)
class Common:
    """What the middles of a data set have in common: their mean, and what evens their spread."""

    mean: Array  # (64,)
    whitening: Array  # (64, 64)

    @classmethod
    def of(cls, middles: NDArray[np.float16]) -> Common:
        """Learnt from a sample, in all orientations that are tried."""
        sample = middles[:: max(1, len(middles) // SAMPLED)].astype(np.float32)
        turned = [oriented(sample.transpose(1, 2, 0), name) for name in TRIED]
        values = np.concatenate([t.reshape(GRID**2, -1) for t in turned], axis=1).T
        mean = values.mean(axis=0)
        spread = np.cov((values - mean).T)
        # Few pictures say little of what they have in common: nearly the unit matrix then.
        even = np.eye(GRID**2) * np.trace(spread) / GRID**2
        spread = (len(sample) * spread + PRIOR * even) / (len(sample) + PRIOR)
        sizes, directions = np.linalg.eigh(spread)
        sizes = np.maximum(sizes, max(float(sizes.max()), 1e-6) * LEAST_SPREAD)
        whitening = (directions / np.sqrt(sizes)) @ directions.T
        return cls(mean.astype(np.float32), whitening.astype(np.float32))

    def even(self, values: Array) -> Array:
        """(n, 64) of norm 1; zeros stay zeros."""
        is_flat = ~values.any(axis=1)
        result = (values - self.mean) @ self.whitening
        result /= np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-6)
        result[is_flat] = 0
        return np.asarray(result, np.float32)

    def windows(self, bands: Array) -> Array:
        """(windows, n, 64) of n pictures."""
        sampled = (_SAMPLING @ bands @ _SAMPLING.T).reshape(
            len(bands), len(AXES), GRID, len(AXES), GRID
        )
        rows, columns = (np.array(part) for part in zip(*WINDOWS, strict=True))
        seen = sampled[:, rows, :, columns, :].reshape(-1, GRID**2)  # windows first
        return self.even(seen).reshape(len(WINDOWS), len(bands), GRID**2)

    def middles(self, middles: NDArray[np.float16], orientation: str) -> Array:
        """(n, 64) of n middles (n, 8, 8), oriented."""
        turned = oriented(middles.transpose(1, 2, 0), orientation).transpose(2, 0, 1)
        return self.even(turned.reshape(len(middles), GRID**2).astype(np.float32))


def band(thumb: NDArray[np.uint8]) -> Array:
    """(64, 64): detail between `FINE_PX` and `COARSE_PX`, of even contrast."""
    grey = thumb.astype(np.float32)
    coarse = cv2.GaussianBlur(grey, (0, 0), COARSE_PX, borderType=cv2.BORDER_REFLECT)
    detail = cv2.GaussianBlur(grey, (0, 0), FINE_PX) - coarse
    energy = cv2.GaussianBlur(
        detail * detail, (0, 0), 1.25 * COARSE_PX, borderType=cv2.BORDER_REFLECT
    )
    return np.asarray(detail / np.sqrt(energy + FLAT_LEVELS), np.float32)


def inner_to_outer(window: tuple[int, int]) -> tuple[float, float, float, float]:
    """Scale and shift across, then down, from the filling picture to the windowed one."""
    axes = inverted(window_axes(window))
    return axes[0, 0], axes[0, 2], axes[1, 1], axes[1, 2]


def window_axes(window: tuple[int, int]) -> Axes:
    """From the picture whose window it is to the one that fills the window."""
    row, column = AXES[window[0]], AXES[window[1]]
    box: Box = (row.start, column.start, row.start + row.length, column.start + column.length)
    top, left, bottom, right = (THUMB_SIDE_PX * share for share in box)
    return box_axes((top, left, bottom, right), whole_box((THUMB_SIDE_PX, THUMB_SIDE_PX)))
