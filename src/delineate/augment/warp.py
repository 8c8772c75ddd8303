"""Resampling on the processor: once, the image linearly, labels by nearest neighbour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.augment.pose import Matrix
from delineate.core.geometry import Size
from delineate.core.types import Labels


def warp_image(image: NDArray[np.generic], matrix: Matrix, patch_px: Size) -> NDArray[np.generic]:
    """The (H, W, C) patch of an image, linear between pixels, mirrored beyond the border."""
    warped = _warp(image, matrix, patch_px, cv2.INTER_LINEAR)
    return warped[..., None] if warped.ndim == 2 else warped


def warp_labels(labels: Labels, matrix: Matrix, patch_px: Size) -> Labels:
    """The (H, W) patch of labels: always the nearest pixel, so that no class is invented."""
    return _warp(labels, matrix, patch_px, cv2.INTER_NEAREST).astype(np.uint8, copy=False)


def _warp(
    array: NDArray[np.generic], matrix: Matrix, patch_px: Size, interpolation: int
) -> NDArray[np.generic]:
    height, width = patch_px
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped: NDArray[np.generic] = cv2.warpAffine(
        array, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return warped
