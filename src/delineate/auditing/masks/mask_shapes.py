"""Where the objects of a mask lie, and what shape they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE, Labels

RASTER = 128
"""Points a side at which a mask is looked up for the heat map, whatever its size."""

ShapeRow = tuple[int, int, float, float, int, int, float, int, int, int, int, float, float]
SHAPE_FIELDS = [
    ("label", np.uint8),
    ("area_px", np.int32),
    ("row", np.float32),  # of the centre of mass, as a share of the height
    ("column", np.float32),
    ("parts", np.int32),  # 8-connected components
    ("holes", np.int32),
    ("largest_share", np.float32),  # of the area, in the largest part
    ("top", np.int32),  # the bounding box; bottom and right are beyond it
    ("left", np.int32),
    ("bottom", np.int32),
    ("right", np.int32),
    # Of the largest part alone, for objects may come in any number:
    ("elongation", np.float32),  # long axis through short axis of the ellipse of inertia
    ("solidity", np.float32),  # area through that of the convex hull
]


@dataclass(frozen=True)
class Shape:
    """One class of one mask: numbers as `SHAPE_FIELDS` has them, and where it lies.

    `raster` is the part of a RASTER x RASTER picture of the mask, True on the class, whose
    top left point is `corner`.
    """

    numbers: ShapeRow
    corner: tuple[int, int]
    raster: NDArray[np.bool_]


def shapes_of(
    labels: Labels, present: Sequence[int], *, is_overlapping: bool = False
) -> tuple[Shape, ...]:
    """The shape of each class in (H, W) labels; background and `IGNORE` have none.

    `present` are the values that occur in `labels`; where classes overlap these are codes.
    """
    if is_overlapping:
        return tuple(
            shape_of(is_class(labels, index, is_overlapping=True).view(np.uint8), index)
            for index in classes_in(labels, is_overlapping=True)
        )
    classes = [label for label in present if label not in (0, IGNORE)]
    is_alone = classes == [1] and IGNORE not in present
    return tuple(
        shape_of(labels if is_alone else (labels == label).view(np.uint8), label)
        for label in classes
    )


def shape_of(mask: NDArray[np.uint8], label: int) -> Shape:
    """The shape of what is 1 in an (H, W) array of 0 and 1, which must not be all 0."""
    left, top, width, height = cv2.boundingRect(mask)
    # Everything else looks at the bounding box alone, which is small in most masks.
    box = np.ascontiguousarray(mask[top : top + height, left : left + width])
    moments = cv2.moments(box, binaryImage=True)
    area = round(moments["m00"])
    contours, tree = cv2.findContours(box, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [c for c, links in zip(contours, tree[0], strict=True) if links[3] < 0]
    rows, columns = mask.shape
    elongation, solidity, largest = _form(box, outer, moments)
    numbers = (
        label,
        area,
        (top + 0.5 + moments["m01"] / area) / rows,
        (left + 0.5 + moments["m10"] / area) / columns,
        len(outer),
        len(contours) - len(outer),
        largest / area,
        top,
        left,
        top + height,
        left + width,
        elongation,
        solidity,
    )
    return Shape(numbers, *_raster(mask, (top, left, top + height, left + width)))


def _form(
    box: NDArray[np.uint8], outer: Sequence[NDArray[Any]], moments: Any
) -> tuple[float, float, int]:
    """Elongation, solidity and area of the largest part, whose form others are compared with."""
    if len(outer) == 1:
        area = round(moments["m00"])
        return _elongation(moments), _solidity(outer[0], area), area
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(box, connectivity=8)
    largest = 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = statistics[largest].tolist()
    part = (parts[top : top + height, left : left + width] == largest).view(np.uint8)
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return _elongation(cv2.moments(part, binaryImage=True)), _solidity(contours[0], area), area


def _elongation(moments: Any) -> float:
    # Each pixel is a square, whose own spread of 1/12 keeps a line of pixels finite.
    across = moments["mu20"] / moments["m00"] + 1 / 12
    down = moments["mu02"] / moments["m00"] + 1 / 12
    joint = moments["mu11"] / moments["m00"]
    middle, reach = (across + down) / 2, np.hypot((across - down) / 2, joint)
    return float(np.sqrt((middle + reach) / max(middle - reach, 1 / 12)))


def _solidity(contour: NDArray[Any], area: int) -> float:
    hull = cv2.convexHull(contour)
    reach = hull.reshape(-1, 2).max(axis=0) - hull.reshape(-1, 2).min(axis=0)
    # The hull runs through pixel centres. Squares instead of centres add its breadth and its
    # height once each and one pixel (the mixed area of a convex figure with a unit square).
    return float(area / (cv2.contourArea(hull) + reach.sum() + 1))


def _raster(
    mask: NDArray[np.uint8], box: tuple[int, int, int, int]
) -> tuple[tuple[int, int], NDArray[np.bool_]]:
    rows, columns = _places(mask.shape[0]), _places(mask.shape[1])
    top, bottom = np.searchsorted(rows, (box[0], box[2]))
    left, right = np.searchsorted(columns, (box[1], box[3]))
    found = mask[np.ix_(rows[top:bottom], columns[left:right])] != 0
    return (int(top), int(left)), found


@lru_cache(maxsize=256)
def _places(length_px: int) -> NDArray[np.int64]:
    """The pixels in the middles of RASTER equal parts of a side."""
    return ((np.arange(RASTER) + 0.5) * length_px / RASTER).astype(np.int64)
