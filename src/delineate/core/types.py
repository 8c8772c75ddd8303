"""The few types that every floor shares.

Arrays by name, everywhere:
    image         (H, W, C) uint8, uint16 or float32, C = 1 or 3
    labels        (H, W) uint8 class indices, 0 none of the classes, `IGNORE` where nothing is
                  known; where classes overlap, codes of `delineate.core.overlapping`
    mask          (H, W) bool
    probability   (C, H, W) float32: C = 1 the foreground of a binary task,
                  else one channel a class, background first, which sum to 1; where classes
                  overlap one channel a class without a background, each from 0 to 1
    region        (H, W) bool, True where pixels count
    heat map      (H, W) float32 from 0 to 1, where the verdict of a classifier comes from
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.class_colours import SAFE, class_colours

IGNORE = 255

Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Probability = NDArray[np.float32]
HeatMap = NDArray[np.float32]


@dataclass(frozen=True)
class DrawnObject:
    """One object that somebody drew: its class, and the (H, W) pixels it covers.

    The class may be `IGNORE`. A crowd is a region in which single objects were not told apart.
    """

    label: int
    mask: Mask
    is_crowd: bool = False


def as_image(array: NDArray[Any]) -> Image:
    """The same array under the type of images: for what NumPy and OpenCV return untyped."""
    return array


@dataclass(frozen=True)
class LabelClass:
    """A class of pixels: its index in label arrays, its name, its colour (red, green, blue)."""

    index: int
    name: str
    colour: tuple[int, int, int]


COLOURS = SAFE


# What a classifier says of a whole image.
VERDICTS = (LabelClass(0, "absent", COLOURS[0]), LabelClass(1, "present", COLOURS[1]))


def default_classes(count: int) -> tuple[LabelClass, ...]:
    """Background and `count - 1` numbered classes; a single one is called foreground.

    Examples:
        >>> [c.name for c in default_classes(3)]
        ['background', 'class 1', 'class 2']
    """
    names = ["background", "foreground"] if count == 2 else None
    return tuple(
        LabelClass(
            index,
            names[index] if names else "background" if index == 0 else f"class {index}",
            colour,
        )
        for index, colour in enumerate(class_colours(count))
    )
