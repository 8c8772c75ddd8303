"""A sheet to draw a chest on, in units of the film's shorter side with the spine at x = 0."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

FINEST_PX = 512
"""Shorter side from which on a film is drawn at its own size; smaller ones at twice theirs."""

_SHIFT = 4
_WHOLE = 255.0


class Plate:
    """Turns shapes into coverage: maps (H, W) of 0 to 1 with smooth edges."""

    def __init__(
        self, film_px: Size, *, tilt_radians: float = 0.0, scale: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> None:  # fmt: skip
        self.film_px = film_px
        finer = 2 if min(film_px) < FINEST_PX else 1
        self.size_px: Size = (film_px[0] * finer, film_px[1] * finer)
        self.unit_px = float(min(self.size_px))
        cosine, sine = np.cos(tilt_radians), np.sin(tilt_radians)
        self._turn = scale * self.unit_px * np.array([[cosine, sine], [-sine, cosine]])
        middle = np.array([self.size_px[1] / 2, self.size_px[0] / 2])
        # The chest's own middle, (0, 0.5), lies in the film's but for the shift.
        self._origin = middle - self._turn @ np.array([0.0, 0.5]) + np.array(shift) * self.unit_px

    def places(self, points: Points) -> Points:
        """Points (P, 2) as x, y of the chest -> x, y of the sheet in px, pixel centres whole."""
        return np.asarray(points @ self._turn.T + self._origin - 0.5)

    def empty(self) -> NDArray[np.uint8]:
        """A sheet to draw several shapes on."""
        return np.zeros(self.size_px, np.uint8)

    def draw(self, sheet: NDArray[np.uint8], points: Points, value: float = 1.0) -> None:
        """Fill an outline; what it covers takes the value."""
        cv2.fillPoly(sheet, [self._fixed(points)], round(value * _WHOLE), cv2.LINE_AA, _SHIFT)

    def draw_corners(self, sheet: NDArray[np.uint8], corners: Points, values: Points) -> None:
        """Fill many small quadrangles (Q, 4, 2), one after the other, each with its value."""
        fixed = self._fixed(corners.reshape(-1, 2)).reshape(-1, 4, 2)
        colours = np.rint(values * _WHOLE).tolist()
        for each, colour in zip(fixed, colours, strict=True):
            cv2.fillConvexPoly(sheet, each, colour, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Places in sixteenths of a pixel."""
        return np.rint(self.places(points) * (1 << _SHIFT)).astype(np.int32)

    def area(self, *outlines: Points) -> Floats:
        """How far each pixel is covered by any of the outlines."""
        sheet = self.empty()
        for points in outlines:
            self.draw(sheet, points)
        return self.layer(sheet)

    def layer(self, sheet: NDArray[np.uint8]) -> Floats:
        """A sheet as 0 to 1."""
        return sheet * np.float32(1 / _WHOLE)

    def blurred(self, layer: Floats, width: float) -> Floats:
        """The layer through a Gaussian of that standard deviation, in units."""
        sigma = width * self.unit_px
        shrunk = 2 ** int(np.clip(np.log2(max(sigma / 4, 1)), 0, 5))
        if shrunk > 1:
            # Wide blurs need no fine grid.
            few = (max(1, self.size_px[1] // shrunk), max(1, self.size_px[0] // shrunk))
            small = cv2.resize(layer, few, interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(small, (0, 0), sigma / shrunk, borderType=cv2.BORDER_REPLICATE)
            wide = cv2.resize(small, self.size_px[::-1], interpolation=cv2.INTER_LINEAR)
            return np.asarray(wide, dtype=np.float32)
        if sigma < 0.3:
            return layer
        return np.asarray(
            cv2.GaussianBlur(layer, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32
        )

    def depth(self, layer: Floats) -> Floats:
        """How far each covered pixel lies from the edge of what is covered, in units."""
        inside = (layer > 0.5).astype(np.uint8)
        away = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3)
        return np.asarray(away, dtype=np.float32) * np.float32(1 / self.unit_px)

    def texture(self, rng: np.random.Generator, width: float) -> Floats:
        """Gaussian noise of standard deviation 1, blurred to that width in units."""
        sigma = width * self.unit_px
        coarse = max(1.0, sigma / 1.5)
        grid = (int(self.size_px[0] / coarse) + 1, int(self.size_px[1] / coarse) + 1)
        noise = rng.standard_normal(grid, dtype=np.float32)
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(0.3, sigma / coarse)), np.float32)
        noise /= np.float32(noise.std() + 1e-6)
        wide = cv2.resize(noise, self.size_px[::-1], interpolation=cv2.INTER_CUBIC)
        return np.asarray(wide, dtype=np.float32)

    def film(self, layer: Floats) -> Floats:
        """The layer at the size of the film."""
        if self.size_px == self.film_px:
            return layer
        small = cv2.resize(layer, self.film_px[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32)


def curve(points: Points, *, is_closed: bool = False, steps: int = 8) -> Points:
    """A smooth line through the points (Catmull-Rom), `steps` points for each of theirs."""
    if is_closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
        padded = np.concatenate([[first], points, [last]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    share = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    before, start, end, after = (each[:, None, :] for each in (before, start, end, after))
    smooth = 0.5 * (
        2 * start
        + (end - before) * share
        + (2 * before - 5 * start + 4 * end - after) * share**2
        + (3 * start - before - 3 * end + after) * share**3
    )
    smooth = smooth.reshape(-1, 2)
    return smooth if is_closed else np.concatenate([smooth, points[-1:]])


def normals(line: Points) -> Points:
    """A direction of length 1 across the line at each of its points."""
    along = np.concatenate([line[1:2] - line[:1], line[2:] - line[:-2], line[-1:] - line[-2:-1]])
    along /= np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-12
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def band(line: Points, half_width: float | NDArray[np.float64]) -> Points:
    """The outline of a line (P, 2) of that half width, one number or one for each point."""
    across = normals(line)
    wide = np.broadcast_to(half_width, (len(line),))[:, None] * across
    return np.concatenate([line + wide, (line - wide)[::-1]])
