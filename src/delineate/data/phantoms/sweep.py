"""Frames that follow each other while the probe hardly moves: alike, and no copies.

From frame to frame the tissue slides and bends a little, and the speckle that was there is
partly replaced. Any two frames of a sweep share the same part of their speckle.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.seeds import stream

Floats = NDArray[np.float32]

BEND_PX = 0.4
"""How far tissue is bent from frame to frame, beside the common slide, at 420 px of height."""


@dataclass(frozen=True)
class Sweep:
    """The place of a frame in its sweep, and what the sweep is like.

    `drift_px` (rows, columns) is how far the tissue slides each step; `speckle_kept` is the
    share of the scattered power that all frames have in common.
    """

    step: int
    drift_px: tuple[float, float]
    speckle_kept: float


def displacement(sweep: Sweep, size_px: Size, key: tuple[int, ...]) -> tuple[Floats, Floats]:
    """How far the tissue has moved from the first frame, rows and columns, (H, W) in px.

    `key` is the seed and whatever tells this sweep from others.
    """
    rng = stream(key[0], "sweep bend", *key[1:])
    scale = BEND_PX * size_px[0] / 420
    fields = []
    for drift in sweep.drift_px:
        coarse = (drift + rng.normal(0, scale, (4, 6))).astype(np.float32)
        wide = cv2.resize(coarse, size_px[::-1], interpolation=cv2.INTER_CUBIC)
        fields.append(np.asarray(sweep.step * wide, dtype=np.float32))
    return fields[0], fields[1]


def moved(layer: Floats, field: tuple[Floats, Floats], *, is_nearest: bool = False) -> Floats:
    """A map of the tissue after its displacement; columns may be fewer than the field has."""
    height, columns = layer.shape
    down, right = (cv2.resize(part, (columns, height)) for part in field)
    share = np.float32(columns / field[0].shape[1])
    rows, places = np.mgrid[0:height, 0:columns].astype(np.float32)
    how = cv2.INTER_NEAREST if is_nearest else cv2.INTER_LINEAR
    seen = cv2.remap(
        layer, places - right * share, rows - down, how, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(seen, dtype=np.float32)


def speckle(
    noise: Floats, sweep: Sweep, field: tuple[Floats, Floats], key: tuple[int, ...]
) -> Floats:
    """(2, H, lines) scatterers of this step: in part those of the first frame, moved along."""
    fresh = stream(key[0], "sweep speckle", *key[1:], sweep.step)
    own = fresh.standard_normal(noise.shape, dtype=np.float32)
    # Nearest neighbours: an average of scatterers would be weaker than they are.
    common = np.stack([moved(part, field, is_nearest=True) for part in noise])
    kept = np.float32(sweep.speckle_kept)
    return np.asarray(np.sqrt(kept) * common + np.sqrt(1 - kept) * own, dtype=np.float32)
