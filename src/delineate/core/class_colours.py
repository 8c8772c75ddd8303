"""A colour of its own for each class, however many there are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

SAFE: tuple[Colour, ...] = (
    # Okabe and Ito (2008), "Color universal design": told apart by colour-blind people.
    (0, 0, 0),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
# Where nothing is known, as Pascal VOC shows its void; and what pages are printed on.
UNKNOWN: Colour = (224, 224, 192)
_TAKEN: tuple[Colour, ...] = (UNKNOWN, (255, 255, 255))
_STEPS = 9  # levels of red, green and blue that further colours are chosen from
MOST = 255


@lru_cache(maxsize=1)
def _all() -> tuple[Colour, ...]:
    """The safe ones, then each time the colour farthest from all before it, as CIELAB has it."""
    levels = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    candidates = _lab(grid)
    chosen = list(SAFE)
    nearest = np.full(len(grid), np.inf)
    for colour in (*SAFE, *_TAKEN):
        nearest = np.minimum(nearest, _distance(candidates, colour))
    while len(chosen) < MOST:
        red, green, blue = grid[int(nearest.argmax())].tolist()
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, _distance(candidates, chosen[-1]))
    return tuple(chosen)


def class_colours(count: int) -> tuple[Colour, ...]:
    """Black for class 0, then seven colours that colour-blind people tell apart, then others.

    Examples:
        >>> class_colours(3)
        ((0, 0, 0), (230, 159, 0), (86, 180, 233))
    """
    return _all()[:count] if count > len(SAFE) else SAFE[:count]


def _distance(candidates: NDArray[np.float64], colour: Colour) -> NDArray[np.float64]:
    own = _lab(np.array([colour], np.uint8))
    return np.asarray(np.sqrt(((candidates - own) ** 2).sum(axis=1)))


def _lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, 3) sRGB to CIELAB under the white of daylight.

    Source: IEC 61966-2-1 for sRGB; CIE 15 for CIELAB, white D65.
    """
    share = colours / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = (linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])).T
    fx, fy, fz = (np.where(v > 0.008856, np.cbrt(v), 7.787 * v + 16 / 116) for v in (x, y, z))
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=1)
