"""What two copies do not share, on the grid of the first: grey levels and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.records import SAME_PLACE
from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, Image, Labels, Mask
from delineate.report.audit_content import CopyView
from delineate.report.display import WINDOW_PERCENTILES
from delineate.report.overlays import LUMINANCE

MOST_AMPLIFIED = 64
LONGEST_LAID_PX = 32766  # of OpenCV's maps


@dataclass(frozen=True)
class GreyDifference:
    """`shown` (H, W) float32, 0 to 255; `is_known` where both pictures show something."""

    shown: NDArray[np.float32]
    is_known: Mask
    words: str


def grey_difference(first: Image, other: Image, copy: CopyView) -> GreyDifference:
    """|first - copy| on the first's grid, after the copy's transform and tone."""
    grey, second = _grey(first), _grey(other)
    size_px = (grey.shape[0], grey.shape[1])
    laid = laid_on(second, copy, size_px=size_px)
    everywhere = np.ones(second.shape, np.uint8)
    is_known = laid_on(everywhere, copy, size_px=size_px, is_labels=True) == 1
    gain = copy.gain if abs(copy.gain) > 1e-6 else 1.0
    difference = np.abs(grey - (laid - copy.offset) / gain).astype(np.float32)
    difference[~is_known] = 0
    words = _difference_words(difference[is_known])
    return GreyDifference(difference * _to_8_bit(grey, first.dtype), is_known, words)


def _difference_words(counted: NDArray[np.float32]) -> str:
    if not counted.size:
        return "the two show no common area"
    mean = float(counted.mean(dtype=np.float64))
    if not mean:
        return "no pixel differs"
    figure = f"{mean:,.0f}" if mean >= 10 else f"{mean:.2g}"
    return f"on average {figure} grey levels a pixel"


def amplified(difference: NDArray[np.float32]) -> tuple[int, NDArray[np.uint8]]:
    """The difference multiplied by the power of two that shows it without clipping its bulk."""
    high = float(np.percentile(difference, 99.5)) or float(difference.max())
    factor = 1
    while high > 0 and factor < MOST_AMPLIFIED and high * factor * 2 <= 255:
        factor *= 2
    return factor, np.rint(difference * factor).clip(0, 255).astype(np.uint8)


def agreement(first: Labels | None, other: Labels | None) -> Labels:
    """(H, W) the class of `AGREEMENT` at each pixel; `IGNORE` where one says nothing."""
    one, two = np.asarray(first, np.uint8), np.asarray(other, np.uint8)
    result = np.zeros(one.shape, np.uint8)
    result[(one != 0) & (one == two)] = 1
    result[(one != 0) & (two == 0)] = 2
    result[(one == 0) & (two != 0)] = 3
    result[(one != 0) & (two != 0) & (one != two)] = 4
    result[(one == IGNORE) | (two == IGNORE)] = IGNORE
    return result


def agreement_words(outcome: Labels) -> str:
    """The pixels of each outcome in words."""
    names = ("both", "only the first", "only the other", "another class")
    counts = np.bincount(outcome.ravel(), minlength=256)
    if not counts[1:5].any():
        return "no foreground in either mask"
    if not counts[2:5].any():
        return f"the masks agree ({counts[1]:,} px)"
    said = zip(names, counts[1:5], strict=True)
    return ", ".join(f"{name} {count:,} px" for name, count in said if count or name == "both")


def laid_on(
    array: NDArray[Any] | None, copy: CopyView, *, size_px: Size, is_labels: bool = False
) -> NDArray[Any]:
    """The copy's array on the grid of the first picture, which has this size.

    Labels are taken from the nearest pixel and `IGNORE` where the copy shows nothing; grey
    levels are interpolated, and averaged before where the copy is larger.

    Raises:
        SettingsError: a picture is too large to be laid on another.
    """
    pixels = np.asarray(array)
    if copy.matrix == SAME_PLACE and pixels.shape == size_px:
        return pixels
    longest_px = max(*size_px, *pixels.shape[:2])
    if longest_px > LONGEST_LAID_PX:
        raise SettingsError(
            f"{copy.sample}: expected pictures of at most {LONGEST_LAID_PX:,} px a side to lay "
            f"on each other, found {longest_px:,} px; look at them one by one"
        )
    matrix = np.array(copy.matrix, np.float64).reshape(2, 3)
    if not is_labels:
        pixels, matrix = _reduced_to_scale(pixels, matrix)
    return cv2.warpAffine(
        pixels,
        matrix,
        (size_px[1], size_px[0]),
        flags=(cv2.INTER_NEAREST if is_labels else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT if is_labels else cv2.BORDER_REPLICATE,
        borderValue=IGNORE if is_labels else 0,
    )


def _reduced_to_scale(
    pixels: NDArray[Any], matrix: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The larger picture averaged down to the scale of the first, and the map that remains."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 1.25:
        return pixels, matrix
    height, width = (max(1, round(length / scale)) for length in pixels.shape[:2])
    factors = np.array([width / pixels.shape[1], height / pixels.shape[0]])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    remaining = matrix * factors[:, None]
    remaining[:, 2] += (factors - 1) / 2  # pixel centres have whole coordinates
    return small, remaining


def _to_8_bit(grey: NDArray[np.float32], dtype: np.dtype[Any]) -> float:
    if dtype == np.uint8:
        return 1.0
    low, high = np.percentile(grey, WINDOW_PERCENTILES)
    return 255 / float(high - low) if high > low else 1.0


def _grey(image: Image) -> NDArray[np.float32]:
    pixels = np.nan_to_num(image.astype(np.float32))
    if pixels.ndim == 2:
        return pixels
    return pixels[..., 0] if pixels.shape[2] == 1 else np.asarray(pixels @ LUMINANCE)
