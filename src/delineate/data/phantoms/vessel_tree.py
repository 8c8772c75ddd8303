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


@dataclass
class _Growth:
    rng: np.random.Generator
    centre: tuple[float, float]
    fovea: tuple[float, float]
    branches: list[Branch] = field(default_factory=list)
    taken: tuple[NDArray[np.int32], NDArray[np.int32]] = field(
        default_factory=lambda: (np.full((500, 500), -1, np.int32), np.full((500, 500), -1, np.int32))
    )

    def cell(self, x: float, y: float) -> tuple[int, int]:
        return int((y - self.centre[1] + 1.25) * 200), int((x - self.centre[0] + 1.25) * 200)

    def is_outside(self, x: float, y: float) -> bool:
        return bool(np.hypot(x - self.centre[0], y - self.centre[1]) > 1.04)


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
    swap = rng.choice([-1, 1])
    for kind, radius in ((VEIN, 0.0165), (ARTERY, 0.0125)):
        side = swap * (1 if kind == VEIN else -1)
        for pull in (1.0, -1.0):
            apart = np.radians(side * rng.uniform(6, 11))
            place = (rng.normal(0, 0.012) + 0.012 * side, pull * rng.uniform(0.0, 0.05))
            arcade = pull * np.radians(rng.uniform(70, 92)) + apart * pull
            size = radius * rng.uniform(0.85, 1.12)
            buds.append(_Bud(kind, 0, place, arcade, size, rng.uniform(1.7, 2.2), pull))
            nasal = pull * np.radians(rng.uniform(115, 160)) + 2 * apart
            size = radius * rng.uniform(0.45, 0.7)
            buds.append(_Bud(kind, 1, place, nasal, size, rng.uniform(0.5, 0.9), 0))
        for _ in range(int(rng.integers(3, 6))):
            heading = np.radians(rng.choice([-1, 1]) * rng.uniform(12, 60))
            size, reach = rng.uniform(0.0028, 0.0055), rng.uniform(0.3, 0.7)
            buds.append(_Bud(kind, 2, (0.02, 0.0), heading, size, reach, 0))
        for _ in range(int(rng.integers(1, 4))):
            heading = np.radians(rng.uniform(100, 260))
            size, reach = rng.uniform(0.0025, 0.0050), rng.uniform(0.2, 0.45)
            buds.append(_Bud(kind, 2, (-0.02, 0.0), heading, size, reach, 0))
    return buds


def _wanted(growth: _Growth, bud: _Bud, x: float, y: float, gone: float) -> float | None:
    """Where the vessel would like to head, or None where it goes straight on."""
    if bud.generation == 0:
        # Up (or down) out of the disc, around the macula, and on towards the periphery.
        angle = np.interp(gone, [0, 0.15, 0.45, 0.85, 1.3, 2.0], [80, 68, 42, 10, -10, -22])
        return float(bud.pull * np.radians(angle))
    if bud.goal is not None:
        return float(np.arctan2(bud.goal[1] - y, bud.goal[0] - x))
    return None


def _grow_branch(growth: _Growth, bud: _Bud) -> list[_Bud]:
    """Let one vessel run until it is thin, leaves the field or meets its own kind."""
    rng = growth.rng
    x, y = bud.place
    heading, radius, curl = bud.heading, bud.radius, 0.0
    number = len(growth.branches)
    points, radii, buds = [(x, y)], [radius], []
    side = rng.choice([-1, 1])
    since, gap = 0.0, _gap(rng, bud)
    winding = (0.05 if bud.generation == 0 else 0.13) * rng.uniform(0.6, 1.5)
    gone = 0.0
    taper = bud.radius * (0.55 if bud.generation == 0 else 0.62) / bud.length
    while gone < bud.length and radius > THINNEST:
        wanted = _wanted(growth, bud, x, y, gone)
        curl = 0.86 * curl + rng.normal(0, winding) * 0.5
        if wanted is not None:
            turn = (wanted - heading + np.pi) % (2 * np.pi) - np.pi
            heading += np.clip((0.10 if bud.generation == 0 else 0.025) * turn, -0.10, 0.10)
        heading += curl
        x, y = x + STEP * np.cos(heading), y + STEP * np.sin(heading)
        gone += STEP
        since += STEP
        radius -= taper * STEP
        fovea = np.hypot(x - growth.fovea[0], y - growth.fovea[1])
        if growth.is_outside(x, y) or fovea < 0.11:
            break
        if _is_taken(growth, bud, number, x, y, gone, heading, radius):
            break
        points.append((x, y))
        radii.append(radius)
        if since > gap and radius > 1.25 * THINNEST and bud.generation < LARGEST_GENERATION:
            since, gap, side = 0.0, _gap(rng, bud), -side if rng.random() < 0.8 else side
            child, left = _split(growth, bud, (x, y), heading, radius, side, number)
            buds.append(child)
            radius = left
            heading -= side * rng.uniform(0.03, 0.18)
    if len(points) > 4:
        growth.branches.append(
            Branch(bud.kind, bud.generation, np.array(points), np.array(radii))
        )
        _take(growth, bud.kind, number, points)
        return buds
    return []


def _gap(rng: np.random.Generator, bud: _Bud) -> float:
    """How far it is to the next branching."""
    mean = (0.085, 0.10, 0.10, 0.10, 0.10)[bud.generation]
    return float(mean * rng.gamma(2.5, 0.4))


def _split(
    growth: _Growth, bud: _Bud, place: tuple[float, float], heading: float,
    radius: float, side: int, parent: int,
) -> tuple[_Bud, float]:  # fmt: skip
    """A side branch, and what is left of the parent's radius."""
    rng = growth.rng
    share = rng.uniform(0.30, 0.75) if bud.generation == 0 else rng.uniform(0.5, 0.85)
    thin = max(radius * share, THINNEST * 1.15)
    left = max(0.955 * radius, (max(radius**3 - 0.55 * thin**3, 0)) ** (1 / 3))
    angle = heading + side * np.radians(rng.uniform(32, 68))
    length = float(rng.uniform(0.6, 1.3) * (0.10 + 55 * thin))
    # Within the arcades towards the fovea, outside of them away from it.
    to_fovea = np.arctan2(growth.fovea[1] - place[1], growth.fovea[0] - place[0])
    is_inward = np.cos(angle - to_fovea) > 0
    goal = None
    if is_inward:
        goal = (growth.fovea[0] + rng.normal(0, 0.15), growth.fovea[1] + rng.normal(0, 0.15))
    elif bud.generation <= 1:
        goal = (place[0] + 3 * np.cos(to_fovea + np.pi) + 1.2, place[1] + 3 * np.sin(to_fovea + np.pi))
    child = _Bud(bud.kind, bud.generation + 1, place, angle, thin, length, 0, goal, parent)
    return child, float(left)


def _is_taken(
    growth: _Growth, bud: _Bud, number: int, x: float, y: float,
    gone: float, heading: float, radius: float,
) -> bool:  # fmt: skip
    """Whether a vessel of the same kind lies just ahead."""
    if np.hypot(x, y) < 0.16:
        return False
    reach = 0.012 + radius
    row, column = growth.cell(x + reach * np.cos(heading), y + reach * np.sin(heading))
    owner = growth.taken[bud.kind][row, column]
    if owner < 0 or owner == number:
        return False
    return owner != bud.parent or gone > 0.06


def _take(growth: _Growth, kind: int, number: int, points: list[tuple[float, float]]) -> None:
    line = np.array([growth.cell(x, y)[::-1] for x, y in points], dtype=np.int32)
    cv2.polylines(growth.taken[kind], [line], False, number, 3)
