"""A chain of pixels as a smooth line with points at even steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from delineate.structure.skeleton import Points

# Steps from pixel to pixel lie on eight directions only: without smoothing a line is up to 8 %
# too long. With these the length of a straight line is right within 1 % at any angle.
SMOOTHING_PX = 2.5
STEP_PX = 1.0

Spacing = tuple[float, float]
"""Height and width of a pixel; (1, 1) measures in pixels."""
PIXELS: Spacing = (1.0, 1.0)


@dataclass(frozen=True)
class Centreline:
    """A line from corner to corner through `corners`, (N, 2); a closed one ends where it began."""

    corners: Points
    is_closed: bool = False

    def length(self, spacing: Spacing = PIXELS) -> float:
        """The way along the line, in the unit of the spacing."""
        return float(_steps(self.corners, spacing).sum())

    def chord(self, spacing: Spacing = PIXELS) -> float:
        """The straight way from one end to the other; 0 of a closed line."""
        return float(np.hypot(*((self.corners[-1] - self.corners[0]) * spacing)))

    def sampled(self) -> tuple[Points, Points]:
        """Points about a pixel apart, and the direction of the line at each, of length 1.

        Each point is the middle of a piece, and all pieces are equally long.
        """
        way = np.concatenate([[0.0], np.cumsum(_steps(self.corners, PIXELS))])
        count = max(1, round(way[-1] / STEP_PX))
        at = (np.arange(count) + 0.5) * way[-1] / count
        points = _between(way, self.corners, at)
        half_px = min(1.0, way[-1] / 2)
        if self.is_closed:
            ahead = _between(way, self.corners, (at + half_px) % way[-1])
            behind = _between(way, self.corners, (at - half_px) % way[-1])
        else:
            ahead = _between(way, self.corners, np.minimum(at + half_px, way[-1]))
            behind = _between(way, self.corners, np.maximum(at - half_px, 0.0))
        run = ahead - behind
        return points, run / np.maximum(np.hypot(*run.T), 1e-9)[:, None]

    def extended(self, *, before: float = 0.0, after: float = 0.0) -> Centreline:
        """The line drawn on straight at its ends by so many pixels."""
        corners = self.corners
        if before > 0:
            corners = np.vstack([corners[0] + before * self.outwards(0), corners])
        if after > 0:
            corners = np.vstack([corners, corners[-1] + after * self.outwards(-1)])
        return replace(self, corners=corners)

    def outwards(self, end: int) -> Points:
        """The direction in which the line leaves at its first (0) or last (-1) corner."""
        line = self.corners if end == 0 else self.corners[::-1]
        run = line[0] - line[min(len(line) - 1, int(2 * SMOOTHING_PX))]
        return np.asarray(run / max(float(np.hypot(*run)), 1e-9))


def smoothed(places: Points, *, is_closed: bool) -> Centreline:
    """The chain as a smooth line; the ends of an open one stay where they are."""
    if is_closed:
        ring = _twice_smoothed(places[:-1], mode="wrap")
        return Centreline(np.vstack([ring, ring[:1]]), is_closed=True)
    reach = min(len(places) - 1, int(4 * SMOOTHING_PX))
    # Turned about its ends, so that neither the ends nor a straight line move.
    before = 2 * places[0] - places[reach:0:-1]
    after = 2 * places[-1] - places[-2 : -2 - reach : -1]
    line = _twice_smoothed(np.vstack([before, places, after]), mode="nearest")
    return Centreline(line[reach : reach + len(places)])


def _twice_smoothed(places: Points, *, mode: str) -> Points:
    """Smoothed, and what that took from every bend given back, smoothed ("twicing")."""
    from scipy.ndimage import gaussian_filter1d

    once = gaussian_filter1d(places, SMOOTHING_PX, axis=0, mode=mode)
    return np.asarray(once + gaussian_filter1d(places - once, SMOOTHING_PX, axis=0, mode=mode))


def _steps(corners: Points, spacing: Spacing) -> Points:
    return np.asarray(np.hypot(*(np.diff(corners, axis=0) * spacing).T))


def _between(way: Points, corners: Points, at: Points) -> Points:
    return np.stack([np.interp(at, way, corners[:, axis]) for axis in (0, 1)], axis=1)
