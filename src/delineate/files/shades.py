"""An image as a viewer wants it: grey values before any window, and what is known beside them.

A model sees an image through the window that its file states. Who looks at it may choose
another, and for that needs the values themselves.

Source: DICOM PS3.3, C.7.6.3.1.2 (MONOCHROME1), C.11.1 (modality LUT), C.11.2 (windows).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Image
from delineate.files.dicom_elements import damage_as
from delineate.files.dicom_header import open_dicom
from delineate.files.dicom_pixels import frame_pixels, read_frame
from delineate.files.dicom_values import Grey, Table, Window
from delineate.files.formats import HEAD_BYTES, require_format
from delineate.files.image_files import image_from, image_of
from delineate.files.pixels import MAX_PIXELS
from delineate.files.spacing import Spacing, dicom_spacing

_TOP = 65535
_PERCENTILES = (0.5, 99.5)
_BY_PERCENTILES = "0.5th to 99.5th percentile of the image"
_TURNED = "; turned round, because the file shows low values white (MONOCHROME1)"


@dataclass(frozen=True)
class ShownWindow:
    """The values that are shown black and white, `low` below `high`, and where they come from."""

    low: float
    high: float
    origin: str


@dataclass(frozen=True)
class Shades:
    """Grey values as 16-bit steps: that of a step is `slope * step + intercept`, slope above 0."""

    steps: NDArray[np.uint16]
    slope: float
    intercept: float
    window: ShownWindow


@dataclass(frozen=True)
class Picture:
    """An image as `read_image` gives it; `shades` is None of 8-bit images and of colours."""

    image: Image
    format: str
    shades: Shades | None
    spacing: Spacing | None


def picture_from(
    path: Path, content: bytes, *, max_pixels: int = MAX_PIXELS, frame: int | None = None
) -> Picture:
    """The image in the bytes of a file, with its shades and spacing, decoded once.

    Grey DICOM keeps its shades whatever its depth, because its window is a choice.

    Raises:
        UnreadableFileError: as `read_image`; `path` is what the message names.
    """
    kind = require_format(path, content[:HEAD_BYTES])
    if kind != "DICOM":
        image = image_from(path, content, max_pixels=max_pixels, frame=frame)
        return Picture(image, kind, _shades_of_image(image), None)
    with damage_as(path, "it cannot be read"):
        data = open_dicom(path, content)
        stored = read_frame(path, data, max_pixels, frame)
        image = image_of(path, frame_pixels(path, data, stored))
        if stored.grey is None:
            shades = _shades_of_image(image)
        else:
            shades = shades_of_grey(stored.stored, stored.grey)
        return Picture(image, kind, shades, dicom_spacing(path, data))


def shades_of_grey(stored: NDArray[Any], grey: Grey) -> Shades:
    """The (H, W) stored numbers of a grey DICOM picture as the values that they stand for.

    Exact for numbers of 16 bits with a straight rescale, and for tables of whole numbers; else
    in 65,536 equal steps from the lowest to the highest. MONOCHROME1 is mirrored within the range
    that its numbers can have, so that more is brighter.
    """
    mirror = float(grey.meant_range.sum()) if grey.is_inverted else None
    is_straight = grey.modality is None and stored.dtype.itemsize <= 2
    if is_straight:
        is_falling = (grey.slope < 0) != grey.is_inverted
        steps, first = _counted(stored, is_falling=is_falling)
        start = grey.slope * first + grey.intercept
        slope = abs(grey.slope)
        intercept = start if mirror is None else mirror - start
    else:
        values = grey.meant(stored.astype(np.float64))
        steps, slope, intercept = _spread(values if mirror is None else mirror - values)
    window = _header_window(grey, mirror) or _percentile_window(steps, slope, intercept)
    if mirror is not None:
        window = ShownWindow(window.low, window.high, window.origin + _TURNED)
    return Shades(steps, slope, intercept, window)


def _shades_of_image(image: Image) -> Shades | None:
    if image.dtype == np.uint8 or image.shape[2] != 1:
        return None
    if image.dtype == np.uint16:
        steps, slope, intercept = np.asarray(image[..., 0], np.uint16), 1.0, 0.0
    else:
        steps, slope, intercept = _spread(image[..., 0].astype(np.float64))
    return Shades(steps, slope, intercept, _percentile_window(steps, slope, intercept))


def _counted(stored: NDArray[Any], *, is_falling: bool) -> tuple[NDArray[np.uint16], int]:
    """Steps up from the lowest number, or down from the highest; and the number of step 0."""
    first = int(stored.max() if is_falling else stored.min())
    wide = stored.astype(np.int32)
    return (first - wide if is_falling else wide - first).astype(np.uint16), first


def _spread(values: NDArray[np.float64]) -> tuple[NDArray[np.uint16], float, float]:
    """Steps, slope and intercept: steps of 1 where all values are whole and near enough."""
    low, high = float(values.min()), float(values.max())
    is_whole = high - low <= _TOP and bool((values == np.rint(values)).all())
    slope = 1.0 if is_whole else (high - low) / _TOP
    if high == low:
        # Wide enough for a window around the only value, however large this is.
        slope = max(1.0, 4 * float(np.spacing(abs(low))))
    return np.rint((values - low) / slope).astype(np.uint16), slope, low


def _header_window(grey: Grey, mirror: float | None) -> ShownWindow | None:
    """What the header asks for, as a straight line from black to white; None without a wish."""
    if grey.shown is None:
        return None
    if isinstance(grey.shown, Table):
        low, high = float(grey.shown.first), float(grey.shown.first + len(grey.shown.entries) - 1)
        origin = "the range of the VOI table of the DICOM header, here as a straight line"
    else:
        low, high = _ends(grey.shown)
        origin = "WindowCenter and WindowWidth of the DICOM header"
        if grey.shown.function == "SIGMOID":
            origin += ", a sigmoid there and a straight line here"
    if mirror is not None:
        low, high = mirror - high, mirror - low
    return ShownWindow(low, max(high, low + 1e-6), origin)


def _ends(window: Window) -> tuple[float, float]:
    if window.function != "LINEAR":
        return window.center - window.width / 2, window.center + window.width / 2
    # One less than the width lies between black and white, around half a step less than the middle.
    half, middle = (window.width - 1) / 2, window.center - 0.5
    return middle - half, middle + half


def _percentile_window(steps: NDArray[np.uint16], slope: float, intercept: float) -> ShownWindow:
    # By counting: sorting millions of pixels would take longer than decoding them.
    below = np.cumsum(np.bincount(steps.ravel(), minlength=_TOP + 1))
    low, high = (_percentile(below, percent) for percent in _PERCENTILES)
    origin = _BY_PERCENTILES
    if high <= low:
        low, high = float(steps.min()), float(steps.max())
        origin = "the lowest to the highest value of the image"
    if high <= low:
        low, high = low - 0.5, high + 0.5
        origin = "around the only value of the image"
    return ShownWindow(slope * low + intercept, slope * high + intercept, origin)


def _percentile(below: NDArray[np.int64], percent: float) -> float:
    """As NumPy has it, linear between two values, from how many pixels lie at or below a step."""
    rank = (int(below[-1]) - 1) * percent / 100
    lower = int(rank)
    first, second = (
        int(np.searchsorted(below, place, side="right")) for place in (lower, lower + 1)
    )
    second = min(second, _TOP)
    return first + (second - first) * (rank - lower)
