"""Images as people store them, to arrays of one form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.core.types import Image
from delineate.files.dicom_pixels import dicom_pixels, dicom_size, require_frame
from delineate.files.formats import (
    HEAD_BYTES,
    IMAGE_ENDINGS,
    format_of,
    is_dicom_by_content,
    read_content,
    read_head,
    require_format,
)
from delineate.files.picture_pixels import picture_pixels, picture_size
from delineate.files.pixels import MAX_PIXELS, Pixels
from delineate.files.tiff_pixels import tiff_pixels, tiff_size

__all__ = [
    "IMAGE_ENDINGS",
    "MAX_PIXELS",
    "image_from",
    "image_size",
    "is_image",
    "is_image_name",
    "read_image",
    "read_pixels",
]


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS, frame: int | None = None) -> Image:
    """The image in a file, upright: (H, W, C) uint8, uint16 or float32, C = 1 or 3 as RGB.

    The format is told by content. Palette and exactly grey palette files become RGB and grey,
    1-bit files 0 and 255, greys of 2 and 4 bits are stretched to 0..255, CMYK becomes RGB.
    Alpha is dropped where all is opaque; else the image is laid on black. Whole numbers
    of other types than uint8 and uint16, and all floats, become float32 with their values.
    A DICOM file is shown as its window and photometric interpretation ask; of several frames
    `frame`, counted from 1, is read.

    Raises:
        UnreadableFileError: no image, truncated, several pages or frames without a choice, a
            frame that is not there, more than `max_pixels` by its header, a number of channels
            without a known meaning, or values that are not finite, which would spoil every
            statistic without a sound.
    """
    path = Path(path)
    return image_from(path, _image_content(path), max_pixels=max_pixels, frame=frame)


def image_from(
    path: Path, content: bytes, *, max_pixels: int = MAX_PIXELS, frame: int | None = None
) -> Image:
    """The image in the bytes of a file that was read before, as `read_image` gives it.

    Raises:
        UnreadableFileError: as `read_image`; `path` is what the message names.
    """
    return image_of(path, _pixels_from(path, content, max_pixels, frame))


def image_of(path: Path, pixels: Pixels) -> Image:
    """The image that decoded pixels are, as `read_image` gives it.

    Raises:
        UnreadableFileError: values that are not finite; `path` is what the message names.
    """
    image = _as_common_type(path, _as_shown(pixels))
    return image[..., np.newaxis] if image.ndim == 2 else image


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright image, from the header alone.

    Raises:
        UnreadableFileError: no image, or a damaged header.
    """
    path = Path(path)
    kind = require_format(path, read_head(path))
    if kind == "DICOM":
        return dicom_size(path)
    return tiff_size(path) if kind == "TIFF" else picture_size(path, read_content(path), kind)


def is_image_name(path: Path | str) -> bool:
    """Whether a file in a folder counts as an image: by its ending.

    What has no ending, or digits for one as in `1.2.840.10008` and `IM.0001`, is looked into,
    because DICOM is often kept so.
    """
    ending = os.path.splitext(path)[1].lower()  # noqa: PTH122 - on names by the hundred thousand
    if ending in IMAGE_ENDINGS:
        return True
    return (not ending or ending[1:].isdecimal()) and is_dicom_by_content(Path(path))


def is_image(path: Path) -> bool:
    """Whether a file begins like an image that `read_image` knows."""
    try:
        return format_of(read_head(Path(path))) is not None
    except UnreadableFileError:
        return False


def read_pixels(path: Path, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The stored values of a file, whatever they mean.

    Raises:
        UnreadableFileError: as `read_image`, apart from values that are not finite.
    """
    path = Path(path)
    return _pixels_from(path, _image_content(path), max_pixels)


def _image_content(path: Path) -> bytes:
    # The head first: what is no image may be of any size.
    require_format(path, read_head(path))
    return read_content(path)


def _pixels_from(path: Path, content: bytes, max_pixels: int, frame: int | None = None) -> Pixels:
    kind = require_format(path, content[:HEAD_BYTES])
    if kind == "DICOM":
        return dicom_pixels(path, content, max_pixels, frame)
    if frame is not None:
        # Of the other formats only those with a single picture are read.
        require_frame(path, frame, 1)
    if kind == "TIFF":
        return tiff_pixels(path, content, max_pixels)
    return picture_pixels(path, content, kind, max_pixels)


def on_black(values: NDArray[Any]) -> NDArray[Any]:
    """Colours without their last channel, alpha: dropped if opaque, else laid on black."""
    colours, alpha = values[..., :-1], values[..., -1:]
    if values.dtype.kind == "f":
        opaque = 1.0
        shown = colours * alpha
    else:
        opaque = float(np.iinfo(values.dtype).max)
        shown = np.rint(colours * (alpha / opaque)).astype(values.dtype)
    result: NDArray[Any] = colours if (alpha == opaque).all() else shown
    return without_single_channel(result)


def without_single_channel(values: NDArray[Any]) -> NDArray[Any]:
    """(H, W) for (H, W, 1); anything else as it is."""
    is_single = values.ndim == 3 and values.shape[2] == 1
    flat: NDArray[Any] = values[..., 0] if is_single else values
    return flat


def _as_shown(pixels: Pixels) -> NDArray[Any]:
    values = pixels.values
    if pixels.has_alpha:
        return on_black(values)
    if pixels.palette is not None:
        # Indices beyond a short palette are shown black, as viewers do.
        table = np.zeros((max(256, int(values.max(initial=0)) + 1), 3), np.uint8)
        table[: len(pixels.palette)] = pixels.palette
        used = table[np.unique(values)]
        is_grey = bool((used == used[:, :1]).all())
        shown: NDArray[Any] = table[values, 0] if is_grey else table[values]
        return shown
    if pixels.top is not None and pixels.top <= 15:
        return (values * (255 // pixels.top)).astype(np.uint8)
    return values


def _as_common_type(path: Path, values: NDArray[Any]) -> Image:
    if values.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    with np.errstate(over="ignore"):
        image = np.ascontiguousarray(values, np.float32)
    lost = int(image.size - np.isfinite(image).sum())
    if lost:
        raise UnreadableFileError(
            f"{path}: expected finite values, found {lost} that are NaN, infinite or beyond "
            "float32; fill them before use"
        )
    return image
