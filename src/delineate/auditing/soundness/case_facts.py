"""What a training case holds, in a few numbers that can be kept of every case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from delineate.core.geometry import Size
from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE, Image, Labels, Mask

# Constant images are told from others by every so many pixels, and then by all.
_STRIDE = 7


@dataclass(frozen=True)
class CaseFacts:
    """The image of a case, and how many counted pixels each foreground class has.

    `counted_px` are the pixels that are not ignored and lie in the region of interest; 0 where
    the case has no mask.
    """

    size_px: Size
    bytes: int
    is_constant: bool
    class_px: Mapping[int, int] = field(default_factory=dict)
    counted_px: int = 0

    @property
    def foreground_px(self) -> int:
        """Counted pixels of any class; of classes that overlap each counts."""
        return sum(self.class_px.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn where pixels count."""
        return self.foreground_px == 0


def facts_of_image(image: Image) -> CaseFacts:
    """The facts of an image without a mask."""
    return CaseFacts(
        size_px=(image.shape[0], image.shape[1]),
        bytes=image.nbytes,
        is_constant=is_constant(image),
    )


def facts_of_case(
    image: Image, labels: Labels, region: Mask | None, *, is_overlapping: bool
) -> CaseFacts:
    """The facts of an image and its labels, inside the region of interest."""
    counted = labels if region is None else np.where(region, labels, np.uint8(IGNORE))
    held = classes_in(counted, is_overlapping=is_overlapping)
    class_px = {
        index: int(np.count_nonzero(is_class(counted, index, is_overlapping=is_overlapping)))
        for index in held
    }
    counted_px = int(np.count_nonzero(counted != IGNORE))
    return replace(facts_of_image(image), class_px=class_px, counted_px=counted_px)


def is_constant(image: Image) -> bool:
    """Whether every pixel of the (H, W, C) image has the same colour."""
    first = image[:1, :1]
    return bool((image[::_STRIDE, ::_STRIDE] == first).all() and (image == first).all())
