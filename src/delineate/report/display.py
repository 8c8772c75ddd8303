"""Pixels for the eye: any image as 8-bit RGB at its own size, and as a data URI."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from delineate.core.errors import SettingsError
from delineate.core.types import Image

Rgb = NDArray[np.uint8]

WINDOW_PERCENTILES = (0.5, 99.5)
WINDOW_WORDS = (
    "8-bit images are shown as they are; 16-bit and floating-point images are shown between "
    "their 0.5th and 99.5th percentile, linearly, the same for all channels"
)


def to_rgb(image: Image) -> Rgb:
    """The image as (H, W, 3) uint8 for looking at, never for computing; see `WINDOW_WORDS`.

    (H, W) and (H, W, C) with C = 1 or 3. Values that are not finite are shown black, an
    image of one value mid-grey.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise SettingsError(
            f"image: expected (H, W), (H, W, 1) or (H, W, 3), found {np.shape(image)}; "
            "give one image with its channels last"
        )
    shown = pixels if pixels.dtype == np.uint8 else _windowed(pixels)
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)), dtype=np.uint8)


def _windowed(pixels: NDArray[np.generic]) -> Rgb:
    values = pixels.astype(np.float64)
    is_finite = np.isfinite(values)
    if not is_finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(values[is_finite], WINDOW_PERCENTILES)
    if high <= low:  # nearly all pixels share a value: fall back on the whole range
        low, high = values[is_finite].min(), values[is_finite].max()
    if high <= low:
        return np.where(is_finite, 128, 0).astype(np.uint8)
    scaled = np.clip((np.where(is_finite, values, low) - low) / (high - low), 0, 1)
    return np.where(is_finite, np.rint(scaled * 255), 0).astype(np.uint8)


@dataclass(frozen=True)
class Picture:
    """An embedded picture and what it shows."""

    uri: str
    name: str
    alt: str
    width_px: int
    height_px: int


def photograph(image: Image, name: str, alt: str, longest_px: int) -> Picture:
    """The image, reduced, as JPEG without colour subsampling."""
    small = shrunk(to_rgb(image), longest_px)
    return _embedded(small, name, alt, kind="JPEG", quality=85, subsampling=0)


def drawing(rgb: Rgb, name: str, alt: str, longest_px: int) -> Picture:
    """Flat colours, reduced, without loss as PNG: for masks."""
    return _embedded(shrunk(rgb, longest_px), name, alt, kind="PNG", optimize=True)


def _embedded(rgb: Rgb, name: str, alt: str, *, kind: str, **options: int) -> Picture:
    buffer = BytesIO()
    PillowImage.fromarray(rgb).save(buffer, format=kind, **options)
    data = b64encode(buffer.getvalue()).decode()
    uri = f"data:image/{kind.lower()};base64,{data}"
    return Picture(uri, name, alt, rgb.shape[1], rgb.shape[0])


def shrunk(rgb: Rgb, longest_px: int) -> Rgb:
    """The picture with its longer side at most so long; never enlarged."""
    height, width = rgb.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = PillowImage.fromarray(rgb).resize(size, PillowImage.Resampling.LANCZOS)
    return np.asarray(picture)
