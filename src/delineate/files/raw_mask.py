"""Masks as stored: numbers, before anybody says which class they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UncertainMaskError, UnreadableFileError
from delineate.files.formats import read_content
from delineate.files.image_files import on_black, read_pixels
from delineate.files.pixels import MAX_PIXELS, Pixels, require_pixels

UNKNOWN = 255  # what stands in masks where nothing is known
_NUMPY = b"\x93NUMPY"


@dataclass(frozen=True)
class RawMask:
    """The stored values of a mask.

    `values` is (H, W) uint8 or uint16, or (H, W, 3) uint8 where the channels differ. For a
    palette file `values` are the indices and `palette` (256, 3) uint8 their colours.
    `is_lossy` says that the codec may have changed values. `mode` names format and type.
    """

    values: NDArray[np.uint8] | NDArray[np.uint16]
    palette: NDArray[np.uint8] | None
    is_lossy: bool
    mode: str

    @property
    def is_colour(self) -> bool:
        """Whether there are three channels that differ somewhere."""
        return self.values.ndim == 3


def read_raw_mask(path: Path, *, max_pixels: int = MAX_PIXELS) -> RawMask:
    """The stored values of the mask in a file, upright.

    Palette files give indices, also in GIF and TIFF; a palette that is the plain grey ramp
    counts as no palette. 1-bit files give 0 and 1. Three equal channels become one. Alpha is
    dropped where all is opaque, else the colours are laid on black.

    A `.npy` array is read as it is. Whole numbers may hold -1 for pixels of which nothing is
    known, as labelme's arrays do: they become 255.

    Raises:
        UnreadableFileError: as `delineate.files.image_files.read_image`.
        UncertainMaskError: for fractions, other negative numbers, NaN, or numbers over 65535.
    """
    path = Path(path)
    if read_content(path, len(_NUMPY)) == _NUMPY:
        array = _array(path, max_pixels)
        return RawMask(_as_whole_numbers(path, array), None, False, f"NumPy {array.dtype}")
    pixels = read_pixels(path, max_pixels=max_pixels)
    palette = _full_palette(pixels)
    values: NDArray[Any] = on_black(pixels.values) if pixels.has_alpha else pixels.values
    if values.ndim == 3 and (values == values[..., :1]).all():
        values = values[..., 0]
    values = _as_whole_numbers(path, values)
    if values.ndim == 3 and values.dtype != np.uint8:
        raise UncertainMaskError(
            f"{path}: expected a mask of one channel or 8-bit RGB colours, found three channels "
            f"of {8 * values.dtype.itemsize} bit; export one number a pixel"
        )
    whole: NDArray[Any] = np.ascontiguousarray(values)
    return RawMask(whole, palette, pixels.is_lossy, pixels.mode)


def _array(path: Path, max_pixels: int) -> NDArray[Any]:
    """The (H, W) or (H, W, 3) numbers of a NumPy file."""
    try:
        # A map of the file first: its header may promise more than memory holds.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.dtype.kind not in "buif":
            raise ValueError(f"{mapped.dtype}")
        if mapped.ndim not in (2, 3) or not mapped.size or mapped.shape[2:] not in ((), (1,), (3,)):
            raise ValueError(f"shape {mapped.shape}")
        require_pixels(path, mapped.shape[0], mapped.shape[1], max_pixels)
        values = np.array(mapped)
    except (OSError, ValueError, EOFError, SyntaxError, OverflowError) as error:
        raise UnreadableFileError(
            f"{path}: expected a NumPy array of (height, width) class indices, found "
            f"{str(error).splitlines()[0] if str(error) else 'a damaged file'}; write it anew"
        ) from error
    is_grey = values.ndim == 3 and bool((values == values[..., :1]).all())
    return values[..., 0] if is_grey else values


def _full_palette(pixels: Pixels) -> NDArray[np.uint8] | None:
    if pixels.palette is None:
        return None
    palette = np.zeros((256, 3), np.uint8)
    known = pixels.palette[:256]
    palette[: len(known)] = known
    used = np.unique(pixels.values)
    used = used[used < 256]
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
    is_ramp = len(known) > 1 and np.array_equal(known, ramp[: len(known)])
    return None if is_ramp and (used < len(known)).all() else palette


def _as_whole_numbers(path: Path, values: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if values.dtype in (np.uint8, np.uint16):
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f":
        lost = int(values.size - np.isfinite(values).sum())
        if lost:
            raise UncertainMaskError(
                f"{path}: the mask holds {lost} values that are NaN or infinite; expected whole "
                "numbers. Export class indices, with a number of its own for unknown pixels."
            )
        if (values != np.rint(values)).any():
            raise UncertainMaskError(
                f"{path}: the mask holds fractions from {values.min():.4g} to "
                f"{values.max():.4g}; expected whole numbers. Threshold a probability map "
                "and export 0 and 1."
            )
    low, high = values.min(), values.max()
    if values.dtype.kind == "i" and low == -1 and high < UNKNOWN:
        values = np.where(values == -1, UNKNOWN, values)
        low, high = 0, UNKNOWN
    if low < 0 or high > 65535:
        raise UncertainMaskError(
            f"{path}: the mask holds numbers from {low:.6g} to {high:.6g}; expected 0 to 65535. "
            "Export classes as small whole numbers, and unknown pixels as 255."
        )
    whole: NDArray[Any] = values.astype(np.uint8 if high <= 255 else np.uint16)
    return whole
