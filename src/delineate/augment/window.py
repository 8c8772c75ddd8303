"""The piece of an image that a patch is resampled from, at one size for a whole batch."""

from __future__ import annotations

from math import ceil, hypot, radians, tan

import numpy as np
from numpy.typing import NDArray

from delineate.augment.elastic import reach_px
from delineate.augment.pose import Matrix
from delineate.augment.settings import AugmentSettings
from delineate.core.geometry import Size


def window_size_px(patch_px: Size, settings: AugmentSettings) -> Size:
    """A square that holds the source of a patch in every pose within the settings, bent or not."""
    diagonal = hypot(*patch_px) * settings.zoom * settings.stretch**0.5
    affine = diagonal * (1 + tan(radians(settings.shear_degrees)))
    bend = 2 * reach_px(settings, patch_px) if settings.elastic_px else 0.0
    side = ceil(affine + bend) + 3
    return side, side


def window_corner(matrix: Matrix, patch_px: Size, window_px: Size) -> tuple[int, int]:
    """(row, column) of the image at which the window of a patch begins; may lie outside."""
    centre = matrix @ np.array([(patch_px[1] - 1) / 2, (patch_px[0] - 1) / 2, 1.0])
    return (
        int(np.floor(centre[1] - (window_px[0] - 1) / 2)),
        int(np.floor(centre[0] - (window_px[1] - 1) / 2)),
    )


def cut_window(
    array: NDArray[np.generic], corner: tuple[int, int], window_px: Size
) -> NDArray[np.generic]:
    """(h, w, ...) of an (H, W, ...) array, mirrored beyond its border as the warp does."""
    rows = _mirrored_index(corner[0], window_px[0], array.shape[0])
    columns = _mirrored_index(corner[1], window_px[1], array.shape[1])
    return array[rows[:, None], columns[None, :]]


def within_window(matrix: Matrix, corner: tuple[int, int]) -> Matrix:
    """The same map with the window's corner as origin."""
    moved = matrix.copy()
    moved[:, 2] -= (corner[1], corner[0])
    return moved


def _mirrored_index(start: int, count: int, length: int) -> NDArray[np.int64]:
    period = max(2 * (length - 1), 1)
    index = np.arange(start, start + count) % period
    return np.where(index < length, index, period - index)
