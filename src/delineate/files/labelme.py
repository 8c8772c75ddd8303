"""Shapes that labelme keeps in one JSON file an image.

Drawn as labelme itself draws them, with Pillow, in the order of the file: a later shape lies above.
Pillow 11 fills polygons a little differently from versions before it, by single pixels at corners,
and so does labelme with it.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImages

from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import DrawnObject, LabelClass, Mask
from delineate.files.class_names import index_named, indices_by_name
from delineate.files.json_values import (
    objects_in,
    part,
    points_in,
    read_json_object,
    said,
)
from delineate.files.polygons import SHAPES, drawn_shape, require_near
from delineate.files.stated_size import require_stated_size

_POLYGON, _MASK = "polygon", "mask"


def labelme_objects(path: Path, classes: Sequence[LabelClass], size: Size) -> Iterator[DrawnObject]:
    """The objects of one labelme file; shapes of one label and one group are one object.

    The label `__ignore__` is `IGNORE`, `_background_` is index 0.

    Raises:
        UnreadableFileError: a damaged file, a label that is no class, or an unknown shape.
        SizeMismatchError: the file was drawn on an image of another size.
    """
    document = read_json_object(path)
    require_stated_size(str(path), (document.get("imageHeight"), document.get("imageWidth")), size)
    indices = indices_by_name(classes)
    drawn: list[tuple[object, DrawnObject]] = []
    for number, shape in enumerate(objects_in(document, "shapes", str(path)), start=1):
        where = f"{path}: shape {number}"
        label = index_named(part(shape, "label", str, where), indices, where)
        group = shape.get("group_id")
        key = number if group is None else (label, str(group))
        drawn.append((key, DrawnObject(label, _mask(shape, size, where))))
    yield from _grouped(drawn)


def _mask(shape: Mapping[str, Any], size: Size, where: str) -> Mask:
    # labelme before version 3 drew polygons only, and did not say so.
    kind = shape.get("shape_type") or _POLYGON
    points = points_in(shape.get("points"), f"{where}: 'points'")
    if kind == _MASK:
        return _bitmap(shape, points, size, where)
    if kind == "points":
        parts = [drawn_shape("point", [point], size, where=where) for point in points]
        return np.any(parts, axis=0) if parts else np.zeros(size, np.bool_)
    if not isinstance(kind, str) or kind not in SHAPES:
        raise UnreadableFileError(
            f"{where}: expected a shape_type of {', '.join(sorted(SHAPES))}, {_MASK} or points, "
            f"found {said(kind)}; draw it anew as a polygon"
        )
    return drawn_shape(kind, points, size, where=where)


def _bitmap(
    shape: Mapping[str, Any], points: Sequence[tuple[float, float]], size: Size, where: str
) -> Mask:
    """A PNG in base 64, laid at the first of two points."""
    if len(points) != 2:
        raise UnreadableFileError(
            f"{where}: expected the two corners of a mask, found {len(points)} points; "
            "export it anew"
        )
    require_near(points, size, where)
    left, top = int(points[0][0]), int(points[0][1])
    small = _decoded(part(shape, "mask", str, where), where, size)
    height, width = small.shape
    if top < 0 or left < 0 or top + height > size[0] or left + width > size[1]:
        raise UnreadableFileError(
            f"{where}: expected a mask within the image of {size[0]} x {size[1]} px (height x "
            f"width), found one of {height} x {width} px at row {top}, column {left}; "
            "export it anew"
        )
    mask = np.zeros(size, np.bool_)
    mask[top : top + height, left : left + width] = small
    return mask


def _decoded(text: str, where: str, size: Size) -> Mask:
    try:
        content = base64.b64decode(text, validate=True)
        with PillowImages.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.height > size[0] or picture.width > size[1]:
                raise UnreadableFileError(
                    f"{where}: expected a mask no larger than the image, found one of "
                    f"{picture.height} x {picture.width} px; export it anew"
                )
            values = np.asarray(picture.convert("L"))
    except (binascii.Error, OSError, ValueError, SyntaxError) as error:
        raise UnreadableFileError(
            f"{where}: expected a PNG in base 64 under 'mask', found something else or half of "
            "it; export it anew"
        ) from error
    return np.asarray(values != 0)


def _grouped(drawn: Sequence[tuple[object, DrawnObject]]) -> list[DrawnObject]:
    """Objects with the parts of a group united, where the first of them was drawn.

    A part stays by itself where it covers an object of another class that was drawn in between:
    united with the first, it would come to lie below.
    """
    objects: list[DrawnObject] = []
    places: dict[object, int] = {}
    for group, each in drawn:
        place = places.get(group)
        if place is None or _covers_another_class(each, objects[place + 1 :]):
            places[group] = len(objects)
            objects.append(each)
        else:
            first = objects[place]
            objects[place] = replace(first, mask=first.mask | each.mask)
    return objects


def _covers_another_class(later: DrawnObject, earlier: Sequence[DrawnObject]) -> bool:
    return any(
        each.label != later.label and bool((each.mask & later.mask).any()) for each in earlier
    )
