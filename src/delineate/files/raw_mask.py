"""Masks as stored: numbers, before anybody says which class they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UncertainMaskError
from delineate.files.image_files import on_black, read_pixels
from delineate.files.pixels import MAX_PIXELS, Pixels


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

    Raises:
        UnreadableFileError: as `delineate.files.image_files.read_image`.
        UncertainMaskError: for fractions, negative numbers, NaN, or numbers over 65535.
    """
    path = Path(path)
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
    if low < 0 or high > 65535:
        raise UncertainMaskError(
            f"{path}: the mask holds numbers from {low:.6g} to {high:.6g}; expected 0 to 65535. "
            "Export classes as small whole numbers, and unknown pixels as 255."
        )
    whole: NDArray[Any] = values.astype(np.uint8 if high <= 255 else np.uint16)
    return whole
