"""The vessels of a lung, from the hilum to where they are lost from sight.

They grow in shares of the way from the hilum to the lung's edge, so that one tree fits the lung
of every film of its subject, expanded or collapsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, sin

import numpy as np
from numpy.typing import NDArray

THINNEST = 0.0007
"""Half a width, in units of the film's shorter side, below which a vessel is lost from sight."""

_STEP = 0.045
_MOST_STEPS = 20
_MOST_VESSELS = 240
_GENERATIONS = 4


@dataclass(frozen=True)
class Tree:
    """The points (P,) of all vessels of a lung, one vessel after the other, thin ones first.

    `angles` and `shares` are seen from the hilum: 0 is up and 1 the lung's edge. `vessels` (P,)
    numbers the vessel of each point.
    """

    angles: NDArray[np.float64]
    shares: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    vessels: NDArray[np.int64]


@dataclass(frozen=True)
class _Bud:
    up: float
    right: float
    course: float
    half_width: float
    generation: int


def grow(rng: np.random.Generator) -> Tree:
    """The vessels of one lung."""
    found: list[NDArray[np.float64]] = []
    count = int(rng.integers(9, 13))
    courses = np.linspace(-0.25, 3.25, count) + rng.normal(0, 0.10, count)
    widths = rng.uniform(0.0052, 0.0085, count)
    buds = [
        _Bud(0.03, 0.0, course, width, 0) for course, width in zip(courses, widths, strict=True)
    ]
    # All chance at once: a vessel alone needs too little to ask for it each time.
    turns = np.cumsum(rng.normal(0, 0.11, (_MOST_VESSELS, _MOST_STEPS)), axis=1)
    chances = rng.random((_MOST_VESSELS, _MOST_STEPS + 1, 3))
    for winding, luck in zip(turns, chances, strict=True):
        if not buds:
            break
        points, children = _branch(buds.pop(0), winding.tolist(), luck.tolist())
        if len(points) > 2:
            found.append(np.array(points))
            buds += children
    found.sort(key=lambda points: float(points[0, 2]))
    up, right, half_widths = np.concatenate(found).T
    vessels = np.repeat(np.arange(len(found)), [len(points) for points in found])
    return Tree(np.arctan2(right, up), np.hypot(up, right), half_widths, vessels)


def _branch(
    bud: _Bud, winding: list[float], luck: list[list[float]]
) -> tuple[list[tuple[float, float, float]], list[_Bud]]:
    """One vessel until it is thin or leaves the lung, (up, right, half width), and its buds."""
    up, right, half_width = bud.up, bud.right, bud.half_width
    first, *rest = luck
    taper = half_width * (0.05 + 0.025 * first[0])
    side = 1 if first[1] < 0.5 else -1
    points, buds = [(up, right, half_width)], []
    until = 2 + int(3 * first[2])
    for turn, (thinner, wider, gap) in zip(winding, rest, strict=True):
        course = bud.course + turn
        up, right = up + _STEP * cos(course), right + _STEP * sin(course)
        half_width -= taper
        if half_width < THINNEST or hypot(up, right) > 0.97:
            break
        points.append((up, right, half_width))
        until -= 1
        if until <= 0 and bud.generation < _GENERATIONS and half_width > 1.3 * THINNEST:
            thin = half_width * (0.5 + 0.3 * thinner)
            away = course + side * (0.35 + 0.5 * wider)
            buds.append(_Bud(up, right, away, thin, bud.generation + 1))
            half_width *= 0.93
            until, side = 2 + int(3 * gap), -side
    return points, buds
