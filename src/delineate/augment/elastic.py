"""Smooth random displacements: drawn on a coarse grid over the patch, a cubic spline between.

Source: Ronneberger, Fischer and Brox (2015), "U-Net", section 3.1, arXiv:1505.04597: random
displacement vectors on a coarse 3 by 3 grid from a Gaussian with 10 pixels standard deviation,
per-pixel displacements by bicubic interpolation. The paper leaves open where the grid lies and
which bicubic interpolation it is. Here the outermost points are the outermost pixels of the
patch, so that nothing is extrapolated, and the interpolation is the bicubic spline that goes
on mirrored beyond them. A component is at most three standard deviations, so that the piece of
the image that a patch can show is bounded.

Ten pixels are meant for large patches. Among 300 random bends by that much none folded a patch of
572 or of 256 pixels, while 14 in 100 folded one of 96 pixels; by 4 pixels none did.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from delineate.augment.pose import Matrix
from delineate.augment.settings import AugmentSettings
from delineate.core.geometry import Size

# (points, points, 2): how far right and down the image is looked up, in pixels of the image.
Displacements = NDArray[np.float64]

_MOST_DEVIATIONS = 3.0


def sample_displacements(
    rng: np.random.Generator, settings: AugmentSettings
) -> Displacements | None:
    """Random displacements of the grid's points; None, and nothing is drawn, where there are none.

    Components beyond three standard deviations, one in 370, are cut to three.
    """
    if settings.elastic_px == 0:
        return None
    deviations = rng.standard_normal((settings.elastic_grid, settings.elastic_grid, 2))
    return settings.elastic_px * np.clip(deviations, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)


@lru_cache(maxsize=16)
def spline_weights(points: int, length_px: int) -> NDArray[np.float64]:
    """(length, points): how much each point along one side counts at each pixel of the side.

    Rows sum to 1. The cubic spline through the points is level at both ends, which makes it the
    one that goes on mirrored; where points lie, they alone count.
    """
    # Imported here, for SciPy takes most of a second and few recipes bend their patches.
    from scipy.interpolate import CubicSpline

    places = np.linspace(0, points - 1, length_px)
    weights = CubicSpline(np.arange(points), np.eye(points), bc_type="clamped")(places)
    weights.flags.writeable = False  # shared by all who ask
    return np.asarray(weights, np.float64)


def bent_map(matrix: Matrix, displacements: Displacements, patch_px: Size) -> NDArray[np.float32]:
    """(2, H, W): the x and the y of the image that each pixel of the patch shows.

    The affine map of `source_matrix` plus the displacement, which is in pixels of the image.
    """
    # Both are sums of a function of the row times one of the column: a single matrix product.
    points_down, points_across = displacements.shape[:2]
    (height, width), both = patch_px, (points_down + 2, points_across + 2)
    rows = np.column_stack(
        [spline_weights(points_down, height), np.ones(height), np.arange(height)]
    )
    columns = np.column_stack(
        [spline_weights(points_across, width), np.ones(width), np.arange(width)]
    )
    source = np.empty((2, height, width), np.float32)
    for axis, (by_x, by_y, start) in enumerate(matrix):
        factors = np.zeros(both)
        factors[:points_down, :points_across] = displacements[..., axis]
        factors[-2:, -2:] = [[start, by_x], [by_y, 0.0]]
        source[axis] = rows @ factors @ columns.T
    return source


def reach_px(settings: AugmentSettings, patch_px: Size) -> float:
    """The largest displacement along either axis that the settings allow for any pixel.

    More than three standard deviations: between its points a spline swings beyond them.
    """
    swing = [
        float(np.abs(spline_weights(settings.elastic_grid, length)).sum(axis=1).max())
        for length in patch_px
    ]
    return _MOST_DEVIATIONS * settings.elastic_px * swing[0] * swing[1]
