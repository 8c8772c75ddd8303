"""Resampling on the processor: once, the image linearly, labels by nearest neighbour.

`source` says where each pixel of a patch comes from: the (2, 3) matrix of `source_matrix`, or
the (2, H, W) places of `bent_map`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.augment.pose import Matrix
from delineate.core.geometry import Size
from delineate.core.types import Image, Labels, as_image

Source = Matrix | NDArray[np.float32]


def warp_image(image: Image, source: Source, patch_px: Size) -> Image:
    """The (H, W, C) patch of an image, linear between pixels, mirrored beyond the border."""
    warped = _warp(image, source, patch_px, cv2.INTER_LINEAR)
    return as_image(warped[..., None] if warped.ndim == 2 else warped)


def warp_labels(labels: Labels, source: Source, patch_px: Size) -> Labels:
    """The (H, W) patch of labels: always the nearest pixel, so that no class is invented."""
    return np.asarray(_warp(labels, source, patch_px, cv2.INTER_NEAREST), np.uint8)


def _warp(
    array: Image | Labels, source: Source, patch_px: Size, interpolation: int
) -> NDArray[Any]:
    border = cv2.BORDER_REFLECT_101
    if source.ndim == 3:
        x, y = source
        return np.asarray(cv2.remap(array, x, y, interpolation, borderMode=border))
    height, width = patch_px
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(array, source, (width, height), flags=flags, borderMode=border)
    )
