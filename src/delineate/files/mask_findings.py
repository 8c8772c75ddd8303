"""What one mask file holds, in numbers small enough to keep for a whole data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
        counts, _ = _count(values)
    else:
        counts, distinct = _count(values)
    edge = np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))
    lit = values > _half(values, raw)
    lit_edge = edge > _half(values, raw)
    return MaskFinding(
        size_px=(int(values.shape[0]), int(values.shape[1])),
        counts=counts,
        distinct=distinct,
        colours=colours,
        histogram=_shown_histogram(values, raw.palette),
        foreground_share=float(lit.mean()),
        border_share=float(lit_edge.mean()),
        is_lossy=raw.is_lossy,
        is_nearly_grey=is_nearly_grey,
        palette=raw.palette,
        mode=raw.mode,
    )


def _half(values: NDArray[Any], raw: RawMask) -> int:
    return 127 if raw.is_lossy or raw.values.ndim == 3 else 0


def _count(values: NDArray[Any]) -> tuple[dict[int, int], int]:
    every = np.bincount(values.ravel())
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


def _shown_histogram(values: NDArray[Any], palette: NDArray[np.uint8] | None) -> NDArray[np.int64]:
    shown = values >> 8 if values.dtype == np.uint16 and values.max(initial=0) > 255 else values
    histogram = np.bincount(shown.ravel(), minlength=256).astype(np.int64)
    if palette is None:
        return histogram
    grey = (palette.astype(np.int64).sum(axis=1) + 1) // 3
    return np.bincount(grey, weights=histogram[:256], minlength=256).astype(np.int64)
