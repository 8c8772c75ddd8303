"""What a decoder found in a file, before anybody decides whether it is an image or a mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import TooManyPixelsError, UnreadableFileError

MAX_PIXELS = 200_000_000
ROTATES = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Pixels:
    """Stored values in upright position.

    `values` is (H, W) or (H, W, C): grey, grey and alpha, RGB, or RGB and alpha; for a palette
    file the indices, with `palette` (N, 3) uint8. `top` is the value of white for whole
    numbers of fewer bits than their type has, else None.
    """

    values: NDArray[Any]
    mode: str
    palette: NDArray[np.uint8] | None = None
    is_lossy: bool = False
    has_alpha: bool = False
    top: int | None = None


def require_pixels(path: Path, height: int, width: int, max_pixels: int) -> None:
    """Refuse a size that the header announces, before anything is decoded.

    Raises:
        UnreadableFileError: no pixels at all.
        TooManyPixelsError: more than allowed.
    """
    if height < 1 or width < 1:
        raise UnreadableFileError(
            f"{path}: expected an image, found one of {height} x {width} px (height x width); "
            "export it anew"
        )
    if height * width > max_pixels:
        raise TooManyPixelsError(
            f"{path}: expected at most {max_pixels:,} pixels, found {height} x {width} px "
            f"(height x width), {height * width:,}; cut it into tiles or reduce it first"
        )


def damaged(path: Path, kind: str, reason: object) -> UnreadableFileError:
    """The error for a file that begins as an image and cannot be decoded."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return UnreadableFileError(
        f"{path}: expected a whole {kind} image, found a damaged or truncated one "
        f"({lines[0][:120]}); copy or export it anew"
    )


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels turned as EXIF or TIFF orientation 1 to 8 asks; other numbers change nothing."""
    if orientation in ROTATES:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
