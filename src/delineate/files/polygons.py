"""Polygons and other shapes to masks, each as the tool that drew them does it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImages
from PIL import ImageDraw

from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import Mask
from delineate.files.run_lengths import coco_mask

Points = Sequence[tuple[float, float]]
# What labelme draws for a point and for a line, px.
POINT_RADIUS, LINE_WIDTH = 5, 10
# Corners a little outside are common. Far beyond, a file belongs to another image, and drawing it
# would take for ever.
_BEYOND = 1.0

# Points that a shape needs: exactly so many, or at least.
_NEEDS = {"polygon": 3, "linestrip": 2, "rectangle": 2, "circle": 2, "line": 2, "point": 1}
_AT_LEAST = frozenset({"polygon", "linestrip"})
SHAPES = frozenset(_NEEDS)


def require_near(points: Points, size: Size, where: str) -> None:
    """Nothing, where no point lies more than the image's longer side beyond the image.

    Raises:
        UnreadableFileError: naming the point that lies there.
    """
    height, width = size
    reach = _BEYOND * max(height, width)
    for x, y in points:
        if not (-reach <= x <= width + reach and -reach <= y <= height + reach):
            raise UnreadableFileError(
                f"{where}: expected points in or near the image of {height} x {width} px (height x "
                f"width), found ({x:g}, {y:g}); the file belongs to another image or size"
            )


def drawn_shape(shape: str, points: Points, size: Size, *, where: str) -> Mask:
    """One of `SHAPES` as Pillow fills it: as labelme does.

    Raises:
        UnreadableFileError: too few or too many points, or points far outside.
    """
    needed = _NEEDS[shape]
    if len(points) < needed or (len(points) > needed and shape not in _AT_LEAST):
        more = " or more" if shape in _AT_LEAST else ""
        raise UnreadableFileError(
            f"{where}: expected {needed}{more} points for a {shape}, found {len(points)}; "
            "draw it anew or remove it"
        )
    require_near(points, size, where)
    picture = PillowImages.new("L", (size[1], size[0]))
    pen = ImageDraw.Draw(picture)
    corners = list(points)
    if shape == "polygon":
        pen.polygon(corners, fill=1)
    elif shape == "rectangle":
        pen.rectangle(_box(*corners), fill=1)
    elif shape in ("line", "linestrip"):
        pen.line(corners, fill=1, width=LINE_WIDTH)
    elif shape == "circle":
        pen.ellipse(_around(corners[0], math.dist(*corners)), fill=1)
    else:
        pen.ellipse(_around(corners[0], POINT_RADIUS), fill=1)
    return np.array(picture, np.bool_)


def filled_polygon(points: Points, size: Size, *, where: str) -> Mask:
    """A polygon as Pillow fills it, without an outline: as the Cityscapes scripts do.

    Raises:
        UnreadableFileError: fewer than two points, or points far outside.
    """
    if len(points) < 2:
        raise UnreadableFileError(
            f"{where}: expected a polygon, found {len(points)} points; remove it"
        )
    require_near(points, size, where)
    picture = PillowImages.new("L", (size[1], size[0]))
    ImageDraw.Draw(picture).polygon(list(points), fill=1)
    return np.array(picture, np.bool_)


def coco_polygons(rings: Sequence[Points], size: Size, *, where: str) -> Mask:
    """Rings united, each as the COCO API fills it.

    A ring that passes a pixel twice leaves it out, so that one which runs along the hole of an
    object, on a seam from its border and back, keeps the hole.

    Raises:
        UnreadableFileError: a ring of fewer than three points, or points far outside.
    """
    from pycocotools import mask as coco

    flat = []
    for points in rings:
        if len(points) < 3:
            raise UnreadableFileError(
                f"{where}: expected rings of three points or more, found one of {len(points)}; "
                "export it anew"
            )
        require_near(points, size, where)
        flat.append([value for point in points for value in point])
    if not flat:
        return np.zeros(size, np.bool_)
    united = coco.merge(coco.frPyObjects(flat, *size))
    return coco_mask(united["counts"].decode(), size, where=where)


def _box(first: tuple[float, float], second: tuple[float, float]) -> list[float]:
    (x1, y1), (x2, y2) = first, second
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def _around(centre: tuple[float, float], radius: float) -> list[float]:
    x, y = centre
    return [x - radius, y - radius, x + radius, y + radius]
