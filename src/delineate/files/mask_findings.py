"""What one mask file holds, in numbers small enough to keep for a whole data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.files.raw_mask import RawMask

MOST_VALUES = 300
NEARLY_GREY = 24
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class MaskFinding:
    """Counts of what is stored in one mask; no pixels.

    `counts` goes from value (palette files: index) to number of pixels, the most frequent
    300; `distinct` is how many there are in truth. `colours` does the same for RGB masks,
    whose `counts` are of the mean of the channels. `histogram` has 256 bins of the grey that
    a viewer would show. `foreground_share` and `border_share` are the shares of non-zero
    pixels in the whole mask and along its border.
    """

    size_px: tuple[int, int]
    counts: Mapping[int, int]
    distinct: int
    colours: Mapping[Colour, int]
    histogram: NDArray[np.int64]
    foreground_share: float
    border_share: float
    is_lossy: bool
    is_nearly_grey: bool
    palette: NDArray[np.uint8] | None
    mode: str


def describe(raw: RawMask) -> MaskFinding:
    """What a mask holds, for `propose`."""
    values = raw.values
    colours: dict[Colour, int] = {}
    is_nearly_grey = True
    if values.ndim == 3:
        colours, distinct = _count_colours(values)
        spread = values.max(axis=2) - values.min(axis=2)
        is_nearly_grey = bool((spread <= NEARLY_GREY).mean() >= 0.995)
        values = ((values.astype(np.uint16).sum(axis=2) + 1) // 3).astype(np.uint8)
        every = _tally(values)
        counts, _ = _most_frequent(every)
    else:
        every = _tally(values)
        counts, distinct = _most_frequent(every)
    edge = np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))
    half = _half(raw)
    return MaskFinding(
        size_px=(int(values.shape[0]), int(values.shape[1])),
        counts=counts,
        distinct=distinct,
        colours=colours,
        histogram=_shown_histogram(every, raw),
        foreground_share=float(every[half + 1 :].sum() / values.size),
        border_share=float((edge > half).mean()),
        is_lossy=raw.is_lossy,
        is_nearly_grey=is_nearly_grey,
        palette=raw.palette,
        mode=raw.mode,
    )


def _half(raw: RawMask) -> int:
    return 127 if raw.is_lossy or raw.values.ndim == 3 else 0


def _tally(values: NDArray[Any]) -> NDArray[np.int64]:
    """How many pixels have each value, from 0 on, as `numpy.bincount` counts them."""
    if values.dtype != np.uint8:
        return np.bincount(values.ravel())
    # Most masks hold one value beside 0, which three quick sums prove: as no pixel is above
    # the highest, the sum is the highest for each lit pixel only if all of them reach it.
    high = int(values.max(initial=0))
    lit = cv2.countNonZero(values)
    if int(cv2.sumElems(values)[0]) != high * lit:
        return np.bincount(values.ravel())
    every = np.zeros(high + 1, np.int64)
    every[high] = lit
    every[0] += values.size - lit
    return every


def _most_frequent(every: NDArray[np.int64]) -> tuple[dict[int, int], int]:
    found = np.flatnonzero(every)
    kept = found
    if len(found) > MOST_VALUES:
        kept = np.sort(found[np.argsort(-every[found], kind="stable")[:MOST_VALUES]])
    return {int(value): int(every[value]) for value in kept}, len(found)


def _count_colours(values: NDArray[Any]) -> tuple[dict[Colour, int], int]:
    wide = values.astype(np.uint32)
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    found, counts = np.unique(packed, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    colours = {
        (int(found[i]) >> 16, int(found[i]) >> 8 & 255, int(found[i]) & 255): int(counts[i])
        for i in most
    }
    return colours, len(found)


def _shown_histogram(every: NDArray[np.int64], raw: RawMask) -> NDArray[np.int64]:
    shown = np.arange(len(every))
    if raw.values.dtype == np.uint16 and len(every) > 256:
        shown >>= 8
    if raw.palette is not None:
        grey = (raw.palette.astype(np.int64).sum(axis=1) + 1) // 3
        shown = grey[np.minimum(shown, 255)]
    # Whole numbers below 2**53 are exact as the floats that weights are.
    return np.bincount(shown, weights=every, minlength=256).astype(np.int64)
