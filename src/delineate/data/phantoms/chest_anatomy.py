"""The shapes of a chest as a film from behind shows them: lungs, heart, bones, outline.

Units are the film's shorter side, x to the right with the spine at 0, y down from the top edge.
The side -1 is the left of the film, where the patient's right is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from delineate.core.seeds import stream
from delineate.data.phantoms.chest_plate import Points, band, curve
from delineate.data.phantoms.chest_vessels import Tree, grow

RIGHT, LEFT = -1, 1
"""The patient's sides, as they lie on the film."""

# Half an outline of a lung, from the middle up over the apex, down the side, back on the dome.
_LUNG = np.array([
    (0.050, 0.30), (0.052, 0.21), (0.068, 0.145), (0.105, 0.105), (0.150, 0.098), (0.198, 0.122),
    (0.243, 0.175), (0.285, 0.260), (0.318, 0.360), (0.342, 0.470), (0.358, 0.580), (0.369, 0.690),
    (0.374, 0.785), (0.371, 0.805), (0.345, 0.768), (0.295, 0.726), (0.230, 0.700), (0.165, 0.700),
    (0.105, 0.710), (0.060, 0.716), (0.044, 0.66), (0.044, 0.52), (0.048, 0.40),
])  # fmt: skip
_APEX, _ANGLE = 0.098, 0.80
_ANGLES = 181
_RIBS, _LAST_IN_FRONT = 10, 6


@dataclass(frozen=True)
class Lung:
    """A pleural cavity and, as long as there is no gas in it, the lung that fills it.

    `reach` says how far it is from the hilum to the edge, at even steps of the angle: 0 is up,
    pi / 2 away from the spine.
    """

    side: int
    outline: Points
    hilum: tuple[float, float]
    reach: Points

    def reach_at(self, angles: Points) -> Points:
        """How far it is from the hilum to the edge at these angles (P,)."""
        return np.interp(angles, np.linspace(-np.pi, np.pi, _ANGLES), self.reach)

    def placed(self, angles: Points, shares: Points) -> Points:
        """Points (P, 2) at these shares of the way from the hilum to the edge."""
        far = shares * self.reach_at(angles)
        x = self.hilum[0] + self.side * far * np.sin(angles)
        return np.stack([x, self.hilum[1] - far * np.cos(angles)], axis=1)


@dataclass(frozen=True)
class Build:
    """What all films of a subject have in common."""

    seed: int
    subject: int
    width: float
    height: float
    heart: float
    slant: float
    scapula: float
    wall: float
    contrast: float
    marks: float
    wobble: Points
    vessels: tuple[Tree, Tree]


@dataclass(frozen=True)
class Chest:
    """A subject's shapes at one depth of breath."""

    lungs: tuple[Lung, Lung]
    heart: Points
    body: Points
    posterior_ribs: tuple[Points, ...]
    anterior_ribs: tuple[Points, ...]
    clavicles: tuple[Points, ...]
    scapulae: tuple[Points, ...]
    arms: tuple[Points, ...]
    domes: tuple[Points, Points]


def build(seed: int, subject: int) -> Build:
    """The build of one subject, the same for each call with the same seed."""
    rng = stream(seed, "chest build", subject)
    return Build(
        seed=seed,
        subject=subject,
        width=rng.uniform(0.90, 1.10),
        height=rng.uniform(0.93, 1.08),
        heart=rng.uniform(0.82, 1.25),
        slant=rng.uniform(0.75, 1.3),
        scapula=rng.uniform(-0.05, 0.06),
        wall=rng.uniform(0.0, 1.0),
        contrast=rng.uniform(0.8, 1.15),
        marks=rng.uniform(0.65, 1.25),
        wobble=rng.normal(0, 0.004, (2, len(_LUNG), 2)),
        vessels=(grow(rng), grow(rng)),
    )


def chest(person: Build, breath: float) -> Chest:
    """The shapes of a subject at a depth of breath from -1 (out) to 1 (in)."""
    lungs = (_lung(person, RIGHT, breath), _lung(person, LEFT, breath))
    posterior, anterior = [], []
    for lung in lungs:
        for number in range(_RIBS):
            behind, before = _rib(person, lung, number)
            posterior.append(behind)
            if before is not None:
                anterior.append(before)
    return Chest(
        lungs=lungs,
        heart=_heart(person, breath),
        body=_body(person),
        posterior_ribs=tuple(posterior),
        anterior_ribs=tuple(anterior),
        clavicles=tuple(_clavicle(person, side) for side in (RIGHT, LEFT)),
        scapulae=tuple(_scapula(person, side) for side in (RIGHT, LEFT)),
        arms=tuple(_arm(side) for side in (RIGHT, LEFT)),
        domes=(_dome(lungs[0]), _dome(lungs[1])),
    )


def _lung(person: Build, side: int, breath: float) -> Lung:
    points = _LUNG + person.wobble[max(side, 0)]
    below = np.clip((points[:, 1] - 0.35) / 0.4, 0, 1)
    lower = 0.028 * breath + (0.018 if side == LEFT else -0.006)
    y = _APEX + (points[:, 1] - _APEX) * person.height + below * lower
    outline = curve(np.stack([side * points[:, 0] * person.width, y], axis=1), is_closed=True)
    height = _APEX + (0.385 - _APEX) * person.height - (0.012 if side == LEFT else 0)
    hilum = (side * 0.088 * person.width, height)
    return Lung(side, outline, hilum, _reach(outline, hilum, side))


def _reach(outline: Points, hilum: tuple[float, float], side: int) -> Points:
    right, up = side * (outline[:, 0] - hilum[0]), hilum[1] - outline[:, 1]
    angles, far = np.arctan2(right, up), np.hypot(right, up)
    order = np.argsort(angles)
    grid = np.linspace(-np.pi, np.pi, _ANGLES)
    return np.asarray(np.interp(grid, angles[order], far[order], period=2 * np.pi))


def _dome(lung: Lung) -> Points:
    """The lower edge of a lung, from the side to the middle."""
    steps = len(lung.outline) // len(_LUNG)
    return lung.outline[13 * steps : 19 * steps]


def _heart(person: Build, breath: float) -> Points:
    """The silhouette of heart and great vessels, from the neck down and up again."""
    size, tall = person.heart, person.height
    right = [(-0.050, -0.05), (-0.047, 0.12), (-0.052, 0.22), (-0.056, 0.32), (-0.066, 0.42),
             (-0.090, 0.52), (-0.098, 0.60), (-0.088, 0.68), (-0.070, 0.74)]  # fmt: skip
    left = [(0.165, 0.755), (0.192, 0.705), (0.186, 0.64), (0.168, 0.56), (0.126, 0.48),
            (0.080, 0.42), (0.074, 0.385), (0.062, 0.345), (0.078, 0.295), (0.072, 0.245),
            (0.050, 0.20), (0.046, 0.12), (0.052, -0.05)]  # fmt: skip
    points = np.array(right + left)
    grown = 1 + (size - 1) * np.clip((points[:, 1] - 0.36) / 0.2, 0, 1)
    y = _APEX + (points[:, 1] - _APEX) * tall
    y = y + 0.02 * breath * np.clip((points[:, 1] - 0.4) / 0.3, 0, 1)
    narrow = 1 - 0.05 * breath
    return curve(
        np.stack([points[:, 0] * grown * narrow * person.width, y], axis=1), is_closed=True
    )


def _body(person: Build) -> Points:
    """The skin: neck, shoulders, arms that leave the film, flanks."""
    wide = 0.43 * person.width + 0.035 * person.wall
    half = np.array([
        (0.110, -0.10), (0.118, 0.00), (0.155, 0.032), (0.27, 0.058), (0.40, 0.078),
        (0.60, 0.13), (0.80, 0.35), (0.70, 0.60), (wide + 0.02, 0.40), (wide - 0.005, 0.50),
        (wide, 0.65), (wide + 0.012, 0.85), (wide + 0.03, 1.20),
    ])  # fmt: skip
    one = curve(half, steps=6)
    return np.concatenate([one, (one * np.array([-1, 1]))[::-1]])


def _wall(lung: Lung, y: float) -> float:
    """How far from the spine the lung's side is at that height."""
    outer = np.abs(lung.outline[:, 0])
    side = outer > 0.5 * outer.max()
    near = np.abs(lung.outline[:, 1] - y) < 0.04
    found = outer[side & near]
    return float(found.max()) if found.size else float(outer.max())


def _rib(person: Build, lung: Lung, number: int) -> tuple[Points, Points | None]:
    """The outlines of a rib behind, and of its part in front where that is bone."""
    tall = person.height
    top = _APEX - 0.012 + (0.014 + 0.063 * number) * tall
    drop = (0.035 + 0.0125 * number) * person.slant * tall
    share = np.linspace(0, 1, 22)
    edge = _wall(lung, top + drop) + 0.010
    start = 0.030
    reach = edge * (0.62 if number == 0 else 1.0)
    x = start + (reach - start) * np.sin(share * np.pi / 2) ** 0.9
    y = top - 0.012 * np.sin(np.pi * np.minimum(share * 1.6, 1)) + drop * share**2.1
    last = 1.05 if number <= _LAST_IN_FRONT else 0.3
    half = (0.0105 + 0.0006 * min(number, 5)) * np.interp(
        share, [0, 0.1, 0.85, 1], [0.8, 1, 1.05, last]
    )
    line = np.stack([lung.side * x, y], axis=1)
    behind = band(line, half)
    if number > _LAST_IN_FRONT:
        return behind, None
    away = np.linspace(0, 1, 20)
    ending = 0.115 + 0.014 * number
    low = (0.075 + 0.006 * number) * person.slant * tall
    front_x = ending + (reach - ending) * np.cos(away * np.pi / 2) ** 0.8
    front_y = y[-1] + low * np.sin(away * np.pi / 2) ** 1.1 - 0.012 * away**3
    front = np.stack([lung.side * front_x, front_y], axis=1)
    return behind, band(front, half[-1] * np.interp(away, [0, 0.75, 0.95, 1], [1, 1.1, 1.0, 0.4]))


def _clavicle(person: Build, side: int) -> Points:
    tall = person.height
    points = np.array([(0.022, 0.172), (0.08, 0.158), (0.16, 0.135), (0.25, 0.113), (0.33, 0.108),
                       (0.42, 0.110)])  # fmt: skip
    points = points + np.array([0, 0.02 * (tall - 1) + 0.03 * (person.slant - 1)])
    line = curve(points * np.array([side * person.width, 1]), steps=6)
    share = np.linspace(0, 1, len(line))
    return band(
        line, np.interp(share, [0, 0.12, 0.5, 0.9, 1], [0.014, 0.0105, 0.009, 0.011, 0.004])
    )


def _scapula(person: Build, side: int) -> Points:
    out = person.scapula
    points = np.array([(0.315 + out, 0.125), (0.335 + out, 0.24), (0.355 + out, 0.34),
                       (0.372 + out, 0.405), (0.392 + out, 0.37), (0.430 + out, 0.25),
                       (0.450 + out, 0.17), (0.400 + out, 0.115)])  # fmt: skip
    return curve(points * np.array([side * person.width, 1]), is_closed=True, steps=6)


def _arm(side: int) -> Points:
    """The upper end of the arm's bone, half out of the film."""
    points = np.array([(0.455, 0.135), (0.495, 0.13), (0.53, 0.17), (0.56, 0.26), (0.60, 0.40),
                       (0.55, 0.40), (0.51, 0.27), (0.465, 0.20), (0.448, 0.165)])  # fmt: skip
    return curve(points * np.array([side, 1]), is_closed=True, steps=6)
