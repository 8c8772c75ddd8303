"""Resampling on the processor: once, the image linearly, labels by nearest neighbour."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.augment.pose import Matrix
from delineate.core.geometry import Size
from delineate.core.types import Image, Labels, as_image


def warp_image(image: Image, matrix: Matrix, patch_px: Size) -> Image:
    """The (H, W, C) patch of an image, linear between pixels, mirrored beyond the border."""
    warped = _warp(image, matrix, patch_px, cv2.INTER_LINEAR)
    return as_image(warped[..., None] if warped.ndim == 2 else warped)


def warp_labels(labels: Labels, matrix: Matrix, patch_px: Size) -> Labels:
    """The (H, W) patch of labels: always the nearest pixel, so that no class is invented."""
    return np.asarray(_warp(labels, matrix, patch_px, cv2.INTER_NEAREST), np.uint8)


def _warp(
    array: Image | Labels, matrix: Matrix, patch_px: Size, interpolation: int
) -> NDArray[Any]:
    height, width = patch_px
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(
        array, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped)
