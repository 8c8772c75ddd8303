"""How wide a mask is across its centre line, to a part of a pixel.

Twice the distance to the nearest pixel outside, the usual measure, is one too many for an odd
width and right for an even one along the rows of pixels, for then no pixel lies in the middle;
with slanted edges it is anything between. So the mask is read along a line at right angles to
the centre line instead, between pixels by straight interpolation, which keeps its area: the
mean over some length is the area over that length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask
from delineate.structure.centreline import PIXELS, Spacing
from delineate.structure.skeleton import Points

# Along a ray the mask is read this often a pixel.
RAY_STEP_PX = 0.25
# A width is the mean of so many along the line: a slanted edge is a staircase.
WINDOW_POINTS = 5
# So many are held at once.
MOST_READINGS = 1_000_000
_ENDED = 0.02

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """What rays are cast on: the mask and what is known of it, both 0 or 1, and (H, W) radii.

    Mask and what is known have a border of one pixel around them.
    """

    mask: NDArray[np.float32]
    known: NDArray[np.float32]
    radius_px: Values

    @staticmethod
    def of(mask: Mask, known: Mask, radius_px: Values) -> Ground:
        """The ground of a mask, of what is known, and of how far it is to the mask's edge."""
        # A vessel goes on beyond the border of the image, and nobody knows how far.
        return Ground(
            np.pad(mask, 1, mode="edge").astype(np.float32),
            np.pad(known, 1).astype(np.float32),
            radius_px,
        )

    def radii_at(self, points: Points) -> Values:
        """How far it is from each point's pixel to the nearest one outside the mask."""
        corner = np.subtract(self.radius_px.shape, 1)
        rows, columns = np.rint(points).astype(np.intp).clip(0, corner).T
        return np.asarray(self.radius_px[rows, columns])

    def reach_px(self, points: Points) -> Values:
        """How long a ray may be: half as long again as to the nearest pixel outside, and 1.5 px."""
        return 1.5 * np.maximum(self.radii_at(points), 1.0) + 1.5


def widths_across(
    points: Points, directions: Points, ground: Ground, *, spacing: Spacing = PIXELS
) -> Values:
    """The width at each point, in the unit of the spacing; NaN where it cannot be measured.

    On either side a ray goes out at right angles to the line and adds up the mask until it
    ends. One that has not ended at its longest has run into another vessel, and one that meets
    what is not known, or the border of the image, into nothing that can be measured.
    """
    along = directions * spacing
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / spacing  # right angles in space
    across /= np.maximum(np.hypot(*across.T), 1e-9)[:, None]
    reach_px = ground.reach_px(points)
    most = max(1, int(MOST_READINGS * RAY_STEP_PX / reach_px.max()))
    widths = np.empty(len(points))
    for at in range(0, len(points), most):
        part = slice(at, at + most)
        sides = [
            _side(points[part], way[part], ground, reach_px[part]) for way in (across, -across)
        ]
        widths[part] = sides[0] + sides[1]
    widths[widths < _ENDED] = np.nan  # the smooth line has left the mask
    unit = np.hypot(*(across * spacing).T)  # as long as a ray's pixel is in space
    return np.asarray(widths * unit)


def depth_px(place: Points, direction: Points, ground: Ground) -> float:
    """How far the mask goes on beyond a free end of its centre line."""
    reach_px = ground.reach_px(place[None])
    left, seen, _ = _rays(place[None], direction[None], ground, reach_px)
    return float(np.trapezoid(left[0] * seen[0], dx=RAY_STEP_PX))


def mean_along(widths: Values, *, is_closed: bool) -> Values:
    """Each width as the mean of those about it; what is not measured stays so."""
    from scipy.ndimage import uniform_filter1d

    mode = "wrap" if is_closed else "constant"
    is_measured = np.isfinite(widths)
    total = uniform_filter1d(np.where(is_measured, widths, 0.0), WINDOW_POINTS, mode=mode)
    share = uniform_filter1d(is_measured.astype(np.float64), WINDOW_POINTS, mode=mode)
    result = np.full(len(widths), np.nan)
    np.divide(total, share, out=result, where=is_measured)
    return result


def _side(points: Points, directions: Points, ground: Ground, reach_px: Values) -> Values:
    """The mask along each ray, in px; NaN where the ray has no end, or none that is known."""
    left, seen, steps = _rays(points, directions, ground, reach_px)
    last = np.minimum(reach_px / RAY_STEP_PX, len(steps) - 1).astype(np.intp)
    is_open = np.take_along_axis(left, last[:, None], axis=1)[:, 0] > _ENDED
    is_blind = ((left > _ENDED) & (seen < 1 - _ENDED)).any(axis=1)
    amount = np.trapezoid(left, dx=RAY_STEP_PX, axis=1)
    return np.where(is_open | is_blind, np.nan, amount)


def _rays(
    points: Points, directions: Points, ground: Ground, reach_px: Values
) -> tuple[NDArray[np.float32], NDArray[np.float32], Values]:
    """(N, steps) what is left of the mask along each ray, what is known there, and the steps.

    Within the first pixel a ray may enter the mask, for a thin vessel may lie beside its smooth
    centre line. From there on what has grown less never grows again: it is another vessel.
    """
    from scipy.ndimage import map_coordinates

    steps = np.arange(0.0, float(reach_px.max()) + RAY_STEP_PX, RAY_STEP_PX)
    places = points[:, None, :] + steps[:, None] * directions[:, None, :]
    shape, at = places.shape[:2], places.reshape(-1, 2).T + 1
    inside = map_coordinates(ground.mask, at, order=1).reshape(shape)
    seen = map_coordinates(ground.known, at, order=1).reshape(shape)
    inside[steps > reach_px[:, None] + RAY_STEP_PX / 2] = 0.0
    peak = inside[:, : round(1 / RAY_STEP_PX) + 1].argmax(axis=1)[:, None]
    is_behind = np.arange(len(steps)) >= peak
    left = np.minimum.accumulate(np.where(is_behind, inside, np.inf), axis=1)
    return np.where(is_behind, left, inside), seen, steps
