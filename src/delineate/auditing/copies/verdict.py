"""Whether two pictures that lie on each other are copies of one, or merely look alike.

A copy keeps everything everywhere, once the tone is the same: compressing it again changes
little and everywhere a little. In look-alikes something moved, or the fine detail is new.
The limits were chosen between copies planted into real and drawn pictures and the look-alikes
among those; `python -m benchmarks twin_recall` plants others into the same pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import (
    Axes,
    as_levels,
    box_axes,
    composed,
    inverted,
    laid,
    level,
    shrunk,
    whole_box,
)
from delineate.auditing.copies.tone_curve import in_one_tone
from delineate.core.geometry import Size

Grey = NDArray[np.float32]

COMPARED_PX = 256  # the longer side of the grid on which detail is compared
WINDOWS_A_SIDE = 16
BLUR_PX = 1.0  # what compression and resampling leave of single pixels is no evidence
FLOOR_LEVELS = 12.0  # of contrast: with less there, differences are measured against this
SEEN_LEVELS = 0.7  # with less contrast than this there is nothing to compare

MOST_SHOWN, LEAST_SHOWN = 0.6, 0.3  # of one and of the other picture is common to both
LEAST_DETAIL = 0.95
MOST_TYPICAL = 0.0075
MOST_WORST = 0.09


@dataclass(frozen=True)
class Verdict:
    """How alike two pictures are once they lie on each other in one tone.

    `similarity` is the correlation of fine detail. `typical` and `worst` are the local share
    of what differs in what there is to see: its median and its 99.5 % quantile. `shown` is
    the share of the first's grid that both show. `why` says what speaks against copies, and
    is empty for copies.
    """

    similarity: float
    typical: float
    worst: float
    shown: float
    why: str

    @property
    def is_copy(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.why


def judged(first: NDArray[np.generic], second: NDArray[np.generic], axes: Axes) -> Verdict:
    """The verdict on two (H, W) grey pictures, the second oriented like the first.

    `axes` takes pixel centres of the first to those of the second. The edge of a bar or of
    filling that only one picture has can spoil a margin, so both directions are tried.
    """
    there = _judged(first, second, axes)
    if there.is_copy or there.typical > 4 * MOST_TYPICAL:
        return there
    back = _judged(second, first, inverted(axes))
    return back if back.is_copy else there


def _judged(first: NDArray[np.generic], second: NDArray[np.generic], axes: Axes) -> Verdict:
    on_first, on_second, shown = common_grid(first, second, axes)
    share = float(shown.mean())
    of_second = share * abs(axes[0, 0] * axes[1, 1]) * first.size / second.size
    if max(share, of_second) < MOST_SHOWN or min(share, of_second) < LEAST_SHOWN:
        return Verdict(0.0, 1.0, 1.0, share, "too little is common to both")
    unlike, similarity, contrast = local_differences(
        *in_one_tone(on_first, on_second, shown), shown
    )
    values = unlike[np.isfinite(unlike)]
    typical, worst = (
        (float(v) for v in np.quantile(values, [0.5, 0.995])) if values.size else (1, 1)
    )
    why = _objection(similarity, typical, contrast)
    if not why and worst > MOST_WORST:
        why = f"something differs near {_place(unlike, first.shape)}"
    return Verdict(similarity, typical, worst, share, why)


def _objection(similarity: float, typical: float, contrast: float) -> str:
    if contrast < SEEN_LEVELS:
        return "there is too little to see"
    if typical > MOST_TYPICAL or similarity < LEAST_DETAIL:
        return f"the fine detail differs everywhere: it correlates by {similarity:.3f}"
    return ""


def _place(unlike: Grey, shape: tuple[int, ...]) -> str:
    row, column = np.unravel_index(int(np.nanargmax(unlike)), unlike.shape)
    scale = (shape[0] / unlike.shape[0], shape[1] / unlike.shape[1])
    return f"row {round((row + 0.5) * scale[0])}, column {round((column + 0.5) * scale[1])}"


def local_differences(
    first: Grey, second: Grey, shown: NDArray[np.bool_]
) -> tuple[Grey, float, float]:
    """What differs around each pixel as a share of what there is to see; and over all.

    The share is 0 for equal pixels and 2 for unrelated ones, not a number where too little of
    the surroundings is shown. Then the correlation of all detail, and its contrast in levels.
    """
    weights = None if shown.all() else shown.astype(np.float32)
    one, other = _blurred(first, weights), _blurred(second, weights)
    side = max(9, round(max(first.shape) / WINDOWS_A_SIDE) | 1)
    share = None if weights is None else _box(weights, side)
    means = [_mean(x, weights, share, side) for x in (one, other)]
    energies = [
        np.maximum(_mean(x * x, weights, share, side) - m * m, 0)
        for x, m in zip((one, other), means, strict=True)
    ]
    error = _mean((one - other) ** 2, weights, share, side)
    # The error has two parts, of the local means and of the detail: the second is left.
    joint = (energies[0] + energies[1] - error + (means[0] - means[1]) ** 2) / 2
    unlike = error / ((energies[0] + energies[1]) / 2 + FLOOR_LEVELS**2)
    valid = shown if share is None else shown & (share > 0.6)
    unlike = np.where(valid, unlike, np.float32(np.nan)).astype(np.float32)
    sums = [float(e[valid].sum(dtype=np.float64)) for e in (*energies, joint)]
    contrast = float(np.sqrt(min(sums[0], sums[1]) / max(1, int(valid.sum()))))
    return (
        np.asarray(unlike, np.float32),
        sums[2] / max(float(np.sqrt(sums[0] * sums[1])), 1e-9),
        contrast,
    )


def common_grid(
    first: NDArray[np.generic], second: NDArray[np.generic], axes: Axes
) -> tuple[Grey, Grey, NDArray[np.bool_]]:
    """Both pictures on the first's grid, coarse enough for either, and where both show something.

    Grey levels 0 to 255, float32; 0 where the second shows nothing.
    """
    if first.shape == second.shape and np.array_equal(axes, _NOTHING):
        pair = level(first, COMPARED_PX).grey, level(second, COMPARED_PX).grey
        return *pair, np.ones(pair[0].shape, dtype=np.bool_)
    scales = (abs(float(axes[1, 1])), abs(float(axes[0, 0])))  # pixels of the second a pixel
    factor = min(1.0, COMPARED_PX / max(first.shape), *scales)
    on_first, from_first = _shrunk(first, (factor, factor))
    small, from_second = _shrunk(second, (factor / scales[0], factor / scales[1]))
    matrix = composed(inverted(from_second), composed(axes, from_first))
    if small.shape == on_first.shape and np.allclose(matrix, _NOTHING, atol=1e-9):
        return on_first, small, np.ones(small.shape, dtype=np.bool_)
    # Cubic: linear interpolation blurs, and only one of the two is resampled.
    on_second = laid(small, matrix, on_first.shape, cv2.INTER_CUBIC)
    shown = np.isfinite(on_second)
    # The outermost pixels are mixed with what lies beyond a bar or a filling.
    inner = cv2.erode(shown.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    on_second[~inner] = 0
    return np.where(inner, on_first, np.float32(0)), on_second, inner


_NOTHING = np.array([[1.0, 0, 0], [0, 1, 0]])


def _shrunk(grey: NDArray[np.generic], factors: tuple[float, float]) -> tuple[Grey, Axes]:
    """The picture made smaller along each axis, never larger, and the map of its pixels to it."""
    height, width = grey.shape
    size: Size = (
        max(1, round(height * min(1.0, factors[0]))), max(1, round(width * min(1.0, factors[1])))
    )  # fmt: skip
    levels = as_levels(shrunk(grey, size))
    return levels, box_axes(whole_box(size), whole_box((height, width)))


def _blurred(grey: Grey, weights: Grey | None) -> Grey:
    blurred = np.asarray(cv2.GaussianBlur(grey, (0, 0), BLUR_PX), np.float32)
    if weights is not None:
        share = np.asarray(cv2.GaussianBlur(weights, (0, 0), BLUR_PX), np.float32)
        blurred = np.asarray(blurred / np.maximum(share, 1e-3) * weights, np.float32)
    return np.asarray(blurred, dtype=np.float32)


def _mean(values: Grey, weights: Grey | None, share: Grey | None, side: int) -> Grey:
    if weights is None or share is None:
        return _box(values, side)
    return np.asarray(
        _box(values * weights, side) / np.maximum(share, np.float32(1e-6)), np.float32
    )


def _box(values: Grey, side: int) -> Grey:
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)
