"""Gas between lung and chest wall: a pneumothorax, from a thin rim to a collapsed lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from delineate.data.phantoms.chest_anatomy import LEFT, RIGHT, Lung
from delineate.data.phantoms.chest_plate import Points

KINDS = {"rim": 0.36, "lateral": 0.32, "large": 0.16, "collapse": 0.10, "basal": 0.06}
"""What gas does, and how often."""

LEAST = 0.05
"""The share of the way to the hilum below which a collapse counts as none."""


@dataclass(frozen=True)
class Gas:
    """How far the lung has left the wall, seen from the hilum in all directions.

    `depth` is the largest share of the way to the hilum; `middle` and `spread` are angles, 0 up
    and pi / 2 away from the spine. `line` is how dense the lung's own skin is.
    """

    kind: str
    side: int
    depth: float
    middle: float
    spread: float
    wobble: tuple[float, float, float]
    line: float

    def collapse(self, angles: Points) -> Points:
        """The share of the way to the hilum that the lung's edge has gone, by angle."""
        beyond = (np.abs(angles - self.middle) - self.spread).clip(0) / 0.45
        size, number, phase = self.wobble
        share = self.depth * np.exp(-(beyond**2)) * (1 + size * np.sin(number * angles + phase))
        # It ends where lung meets wall, and does not thin out for ever.
        ended = share - LEAST * np.minimum(beyond, 1)
        return np.asarray(np.clip(np.where(ended > 0.008, ended, 0), 0, 0.9))

    def edge(self, lung: Lung) -> tuple[Points, Points]:
        """Where the lung's edge is free, and the wall across from it: points (P, 2) each."""
        angles = np.linspace(-np.pi, np.pi, 361)
        gone = self.collapse(angles)
        left = 1 - gone
        # A lung without air draws itself together: the further gone, the rounder.
        rounded = gaussian_filter1d(left * lung.reach_at(angles), 40 * self.depth, mode="wrap")
        rounded = np.minimum(rounded / lung.reach_at(angles), 1)
        left += np.clip(gone / 0.55, 0, 1) ** 2 * (rounded - left)
        free = np.flatnonzero(gone > 0)
        part = slice(max(free[0] - 1, 0), free[-1] + 2)
        wall = lung.placed(angles[part], np.full(len(angles[part]), 1.1))
        return lung.placed(angles[part], left[part]), wall


def sampled(rng: np.random.Generator) -> Gas:
    """Gas of a kind and size by chance."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    depth, middle, spread = {
        "rim": (rng.uniform(0.075, 0.17), rng.uniform(0.05, 0.45), rng.uniform(0.15, 0.5)),
        "lateral": (rng.uniform(0.10, 0.30), rng.uniform(0.5, 1.1), rng.uniform(0.4, 0.9)),
        "large": (rng.uniform(0.30, 0.55), rng.uniform(0.7, 1.1), rng.uniform(0.8, 1.2)),
        "collapse": (rng.uniform(0.58, 0.78), rng.uniform(1.1, 1.4), rng.uniform(1.3, 1.6)),
        "basal": (rng.uniform(0.10, 0.25), rng.uniform(2.2, 2.45), rng.uniform(0.15, 0.35)),
    }[kind]
    return Gas(
        kind=kind,
        side=RIGHT if rng.random() < 0.55 else LEFT,
        depth=depth,
        middle=middle,
        spread=spread,
        wobble=(rng.uniform(0, 0.12), rng.uniform(2, 5), rng.uniform(0, 2 * np.pi)),
        line=rng.uniform(0.04, 0.12),
    )
