"""Many small pictures laid on as many others at once: scale and shift along each axis.

The same as `delineate.auditing.copies.alignment`, coarser and a hundred times cheaper a pair.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.signature import THUMB_SIDE_PX

Array = NDArray[np.float32]

SIDE_PX = 32
MARGIN_PX = 5  # what is left out of the first: a shift may have moved it out of the second
FINE_PX, COARSE_PX = 1.0, 3.0  # the band of detail
FLAT_LEVELS = 1.0
ROUNDS = 6
MOST_STEP_PX = 2.0
HOPELESS = ((1, 0.2), (3, 0.4))  # after so many rounds, pairs that correlate by less are left
_DAMPING = 1e-2 * np.eye(4, dtype=np.float32)


def coarse_bands(thumbs: NDArray[np.uint8]) -> Array:
    """(n, 32, 32): middling detail of (n, 64, 64) thumbnails, of even contrast."""
    return np.stack([_band(thumb) for thumb in thumbs])


def laid_together(first: Array, second: Array, starts: Array) -> tuple[Array, Array]:
    """Maps made better, and the correlations under them; for n pairs of bands (n, 32, 32).

    Maps are (n, 4): scale and shift of columns, scale and shift of rows, from pixel centres of
    the first's thumbnail to those of the second's. What is hopeless comes back with correlation
    0.

    Source:
        Baker and Matthews (2004), as in `alignment.aligned`.
    """
    maps, scores = _halved(starts), np.zeros(len(starts), np.float32)
    inner = slice(MARGIN_PX, SIDE_PX - MARGIN_PX)
    middle = np.ascontiguousarray(first[:, inner, inner])
    slopes = _slopes(middle)  # (n, 4, 22 * 22)
    inverses = np.linalg.inv(slopes @ slopes.transpose(0, 2, 1) + _DAMPING)
    rest = np.arange(len(starts))
    dropped = dict(HOPELESS)
    for number in range(ROUNDS + 1):
        there = _sampled(second[rest], maps[rest], MARGIN_PX)
        target = middle[rest].reshape(len(rest), -1)
        scores[rest] = _correlations(target, there)
        if number in dropped:
            is_kept = scores[rest] >= dropped[number]
            scores[rest[~is_kept]] = 0
            rest, there, target = rest[is_kept], there[is_kept], target[is_kept]
        if number == ROUNDS or not rest.size:
            break
        steps = inverses[rest] @ (slopes[rest] @ (there - target)[:, :, None])
        maps[rest] = _stepped(maps[rest], steps[:, :, 0].clip(-MOST_STEP_PX, MOST_STEP_PX))
    return _doubled(maps), scores


def fine_correlations(first: Array, second: Array, maps: Array) -> Array:
    """(n,): how well fine detail, (n, 64, 64) of even contrast, correlates under the maps."""
    margin_px = MARGIN_PX * THUMB_SIDE_PX // SIDE_PX
    inner = slice(margin_px, THUMB_SIDE_PX - margin_px)
    middle = first[:, inner, inner].reshape(len(first), -1)
    return _correlations(middle, _sampled(second, maps, margin_px))


def _band(thumb: NDArray[np.uint8]) -> Array:
    small = cv2.resize(thumb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    coarse = cv2.GaussianBlur(grey, (0, 0), COARSE_PX, borderType=cv2.BORDER_REFLECT)
    detail = cv2.GaussianBlur(grey, (0, 0), FINE_PX) - coarse
    energy = cv2.GaussianBlur(
        detail * detail, (0, 0), 1.25 * COARSE_PX, borderType=cv2.BORDER_REFLECT
    )
    return np.asarray(detail / np.sqrt(energy + FLAT_LEVELS), np.float32)


def _halved(maps: Array) -> Array:
    # Pixel centres of 64 px lie at 2 x + 1/2 of those of 32 px.
    return _rescaled(maps, THUMB_SIDE_PX / SIDE_PX)


def _doubled(maps: Array) -> Array:
    return _rescaled(maps, SIDE_PX / THUMB_SIDE_PX)


def _rescaled(maps: Array, factor: float) -> Array:
    result, offset = maps.copy(), (factor - 1) / 2
    for scale, shift in ((0, 1), (2, 3)):
        result[:, shift] = (maps[:, scale] * offset + maps[:, shift] - offset) / factor
    return np.asarray(result, np.float32)


def _sampled(second: Array, maps: Array, margin_px: int) -> Array:
    """(n, k * k): what the maps show of the second, without a margin; its edge beyond it."""
    side = second.shape[1]
    places = np.arange(margin_px, side - margin_px, dtype=np.float32)
    pixels = np.arange(side, dtype=np.float32)

    def weights(scale: Array, shift: Array) -> Array:
        there = np.clip(scale[:, None] * places + shift[:, None], 0, side - 1)
        return np.asarray(np.maximum(1 - np.abs(there[:, :, None] - pixels), 0), np.float32)

    columns, rows = weights(maps[:, 0], maps[:, 1]), weights(maps[:, 2], maps[:, 3])
    return np.asarray((rows @ second @ columns.transpose(0, 2, 1)).reshape(len(maps), -1))


def _slopes(middle: Array) -> Array:
    """(n, 4, 22 * 22): how the picture changes with scale and shift of columns, and of rows."""
    down, right = np.gradient(middle, axis=(1, 2))
    along = np.linspace(-1, 1, middle.shape[1], dtype=np.float32)
    parts = np.stack([right * along, right, down * along[:, None], down], axis=1)
    return np.asarray(parts.reshape(len(middle), 4, -1), np.float32)


def _stepped(maps: Array, steps: Array) -> Array:
    """Maps after the inverses of steps: at the ends of the middle, in pixels."""
    half, centre = (SIDE_PX - 2 * MARGIN_PX - 1) / 2, (SIDE_PX - 1) / 2
    result = maps.copy()
    for scale, shift in ((0, 1), (2, 3)):
        stretch, move = steps[:, scale] / half, steps[:, shift]
        # x -> x + move + stretch (x - centre) is undone first, then the map follows.
        result[:, scale] = maps[:, scale] / (1 + stretch)
        result[:, shift] += maps[:, scale] * (stretch * centre - move) / (1 + stretch)
    return result


def _correlations(first: Array, second: Array) -> Array:
    one, other = (x - x.mean(axis=1, keepdims=True) for x in (first, second))
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(norms, 1e-6), np.float32)
