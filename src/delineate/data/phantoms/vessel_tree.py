"""Retinal vessels as centre lines with radii: they branch, taper and wind.

Source: radii at branchings after Murray (1926), r^3 = r1^3 + r2^3. Trees of one kind never
cross themselves, as in the eye; an artery and a vein may.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

ARTERY, VEIN = 0, 1

STEP = 0.0075
"""One step of growth, in radii of the field of view."""

THINNEST = 0.0018
"""Half the width at which a vessel is lost from sight, in radii of the field of view."""

LARGEST_GENERATION = 4


@dataclass(frozen=True)
class Branch:
    """A vessel between two branchings, or to its end.

    `points` (P, 2) are (x, y) in radii of the field of view: the optic disc at (0, 0), the
    fovea to the right at about (0.85, 0). `radii` (P,) are half widths in the same unit.
    """

    kind: int
    generation: int
    points: NDArray[np.float64]
    radii: NDArray[np.float64]


@dataclass
class _Bud:
    kind: int
    generation: int
    place: tuple[float, float]
    heading: float
    radius: float
    length: float
    pull: float
    """+1 and -1: the upper and lower arcade; 0: no arcade."""
    goal: tuple[float, float] | None = None
    parent: int = -1
    stretch: float = 1.0
    """How wide the arcade is."""


@dataclass
class _Growth:
    rng: np.random.Generator
    centre: tuple[float, float]
    fovea: tuple[float, float]
    branches: list[Branch] = field(default_factory=list)
    taken: tuple[NDArray[np.int32], NDArray[np.int32]] = field(
        default_factory=lambda: (
            np.full((500, 500), -1, np.int32),
            np.full((500, 500), -1, np.int32),
        )
    )

    def cell(self, x: float, y: float) -> tuple[int, int]:
        return int((y - self.centre[1] + 1.25) * 200), int((x - self.centre[0] + 1.25) * 200)

    def is_forbidden(self, x: float, y: float) -> bool:
        """Whether a place lies outside of the view or in the vessel-free middle of the macula."""
        if (x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2 > 1.08:
            return True
        return (x - self.fovea[0]) ** 2 + (y - self.fovea[1]) ** 2 < 0.014


def grow(
    rng: np.random.Generator, centre: tuple[float, float], fovea: tuple[float, float]
) -> list[Branch]:
    """The vessels of one eye, trunks first.

    Args:
        rng: Chance.
        centre: Of the field of view, seen from the disc, in its radii.
        fovea: Where no vessel goes.
    """
    growth = _Growth(rng, centre, fovea)
    queue = _trunks(rng)
    while queue:
        bud = queue.pop(0)
        queue += _grow_branch(growth, bud)
    return growth.branches


def _trunks(rng: np.random.Generator) -> list[_Bud]:
    buds = []
    outer = rng.choice([-1, 1])
    for pull in (1.0, -1.0):
        stretch = rng.uniform(0.80, 1.12)
        for kind, radius in ((VEIN, 0.0165), (ARTERY, 0.0125)):
            side = outer if kind == VEIN else -outer
            wide = stretch * (1 + 0.06 * side + rng.normal(0, 0.03))
            place = (rng.normal(0, 0.008) - 0.014 * side, pull * rng.uniform(0.0, 0.04))
            size = radius * rng.uniform(0.85, 1.12)
            reach = rng.uniform(2.3, 2.8)
            arcade = pull * np.radians(82)
            buds.append(_Bud(kind, 0, place, arcade, size, reach, pull, stretch=wide))
            nasal = pull * np.radians(rng.uniform(112, 158))
            size = radius * rng.uniform(0.40, 0.62)
            buds.append(_Bud(kind, 1, place, nasal, size, rng.uniform(0.6, 1.0), 0))
    for kind in (VEIN, ARTERY):
        for _ in range(int(rng.integers(1, 4))):
            heading = np.radians(rng.choice([-1, 1]) * rng.uniform(8, 55))
            size, reach = rng.uniform(0.0028, 0.0050), rng.uniform(0.4, 0.8)
            buds.append(_Bud(kind, 2, (0.02, 0.0), heading, size, reach, 0))
        for _ in range(int(rng.integers(1, 4))):
            heading = np.radians(rng.uniform(110, 250))
            size, reach = rng.uniform(0.0028, 0.0050), rng.uniform(0.25, 0.5)
            buds.append(_Bud(kind, 2, (-0.02, 0.0), heading, size, reach, 0))
    return buds


def _course(growth: _Growth, bud: _Bud, course: float, x: float, y: float, gone: float) -> float:
    """Where the vessel heads at large, before it winds."""
    if bud.generation == 0:
        # Up (or down) out of the disc, around the macula, and on towards the periphery.
        way = gone / bud.stretch
        angle = np.interp(way, [0, 0.2, 0.5, 0.85, 1.2, 2.0], [82, 72, 46, 12, -8, -16])
        return float(bud.pull * np.radians(angle))
    if bud.goal is not None and gone > 0.04:
        wanted = np.arctan2(bud.goal[1] - y, bud.goal[0] - x)
        turn = (wanted - course + np.pi) % (2 * np.pi) - np.pi
        return course + float(np.clip(0.03 * turn, -0.03, 0.03))
    return course


def _grow_branch(growth: _Growth, bud: _Bud) -> list[_Bud]:
    """Let one vessel run until it is thin, leaves the field or meets its own kind."""
    rng = growth.rng
    x, y = bud.place
    course, radius, kick = bud.heading, bud.radius, 0.0
    number = len(growth.branches)
    points, radii, buds = [(x, y)], [radius], []
    side = int(rng.choice([-1, 1]))
    since, gap, gone = 0.0, _gap(rng, bud), 0.0
    taper = bud.radius * (0.5 if bud.generation == 0 else 0.55) / bud.length
    winding = _winding(rng, bud)
    for wind in winding:
        course = _course(growth, bud, course, x, y, gone)
        kick *= 0.97
        heading = course + kick + float(wind)
        x, y = x + STEP * np.cos(heading), y + STEP * np.sin(heading)
        gone += STEP
        since += STEP
        radius -= taper * STEP
        if radius < THINNEST or growth.is_forbidden(x, y):
            break
        if _is_taken(growth, bud, number, (x, y), gone, heading, radius):
            break
        points.append((x, y))
        radii.append(radius)
        is_ready = since > gap and x * x + y * y > 0.035 and radius > 1.2 * THINNEST
        if is_ready and bud.generation < LARGEST_GENERATION:
            since, gap, side = 0.0, _gap(rng, bud), -side if rng.random() < 0.8 else side
            child, radius = _split(growth, bud, (x, y), heading, radius, side, number)
            buds.append(child)
            kick -= side * rng.uniform(0.05, 0.30)
    if len(points) <= 6:
        return []
    # Where it ends for want of room it thins out rather than stop blunt.
    ending = np.ones(len(points))
    tail = min(len(points) // 2, 6 + int(2500 * radius))
    ending[-tail:] = np.linspace(1, 0.35, tail)
    sizes = np.maximum(np.array(radii) * ending, 0.8 * THINNEST)
    growth.branches.append(Branch(bud.kind, bud.generation, np.array(points), sizes))
    _take(growth, bud.kind, number, points)
    return buds


def _winding(rng: np.random.Generator, bud: _Bud) -> NDArray[np.float64]:
    """How far the heading strays from the course at each step; fine vessels wind more."""
    count = int(bud.length / STEP)
    slow, quick = rng.normal(size=(2, count // 5 + 5))
    size = (0.10 if bud.generation == 0 else 0.22) * rng.uniform(0.6, 1.4)
    steps = np.arange(count)
    return np.asarray(
        size * np.interp(steps / 12, np.arange(slow.size), slow)
        + 0.6 * size * np.interp(steps / 5, np.arange(quick.size), quick)
    )


def _gap(rng: np.random.Generator, bud: _Bud) -> float:
    """How far it is to the next branching."""
    mean = (0.17, 0.17, 0.15, 0.14, 0.14)[bud.generation]
    return float(mean * rng.gamma(2.5, 0.4))


def _split(
    growth: _Growth, bud: _Bud, place: tuple[float, float], heading: float,
    radius: float, side: int, parent: int,
) -> tuple[_Bud, float]:  # fmt: skip
    """A side branch, and what is left of the parent's radius."""
    rng = growth.rng
    share = rng.beta(2, 3) if bud.generation == 0 else rng.uniform(0.45, 0.9)
    thin = float(np.clip(radius * share, 0.0025, 0.0085))
    left = max(0.94 * radius, max(radius**3 - thin**3, 0) ** (1 / 3))
    angle = heading + side * np.radians(rng.uniform(30, 70))
    length = rng.uniform(0.6, 1.3) * (0.12 + 125 * thin)
    # Within the arcades towards the fovea, outside of them away from it.
    right, down = growth.fovea[0] - place[0], growth.fovea[1] - place[1]
    goal = None
    if np.cos(angle) * right + np.sin(angle) * down > 0:
        goal = (growth.fovea[0] + rng.normal(0, 0.2), growth.fovea[1] + rng.normal(0, 0.2))
    elif bud.generation <= 1:
        goal = (place[0] - 3 * right + 1.5, place[1] - 3 * down)
    child = _Bud(bud.kind, bud.generation + 1, place, angle, thin, length, 0, goal, parent)
    return child, left


def _is_taken(
    growth: _Growth, bud: _Bud, number: int, place: tuple[float, float],
    gone: float, heading: float, radius: float,
) -> bool:  # fmt: skip
    """Whether a vessel of the same kind lies just ahead."""
    x, y = place
    if x * x + y * y < 0.026:
        return False
    reach = 0.012 + radius
    row, column = growth.cell(x + reach * np.cos(heading), y + reach * np.sin(heading))
    owner = growth.taken[bud.kind][row, column]
    if owner < 0 or owner == number:
        return False
    return bool(owner != bud.parent or gone > 0.06)


def _take(growth: _Growth, kind: int, number: int, points: list[tuple[float, float]]) -> None:
    line = np.array([growth.cell(x, y)[::-1] for x, y in points], dtype=np.int32)
    cv2.polylines(growth.taken[kind], [line], False, number, 3)
