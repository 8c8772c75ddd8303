"""The objects of COCO JSON: polygons and run lengths, for all images in one file.

Decoded as the COCO API does it. Rings of one object are united; a hole is a ring of its own on a
seam from the object's border and back, or the object is kept as run lengths, which are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import DrawnObject, LabelClass, Mask
from delineate.files.class_names import index_named, indices_by_name
from delineate.files.json_values import (
    checked,
    is_number,
    objects_in,
    parsed_once,
    part,
    read_json_object,
)
from delineate.files.polygons import coco_polygons
from delineate.files.run_lengths import coco_mask
from delineate.files.stated_size import require_stated_size


@dataclass(frozen=True)
class CocoFile:
    """What a COCO file holds: images and categories by their numbers, annotations by image."""

    images: Mapping[int, Mapping[str, Any]]
    categories: Mapping[int, Mapping[str, Any]]
    annotations: Mapping[int, Sequence[Mapping[str, Any]]]
    by_name: Mapping[str, int]

    def image_id(self, entry: str | None) -> int | None:
        """The number of the image that is called so: its number or its file name; else None."""
        name = entry or ""
        is_number = name.isascii() and name.isdecimal() and len(name) < 19
        if is_number and int(name) in self.images:
            return int(name)
        return self.by_name.get(name)


def read_coco(path: Path) -> CocoFile:
    """A COCO file of instances, boxes or panoptic segments, read once for all its images.

    Raises:
        UnreadableFileError: a damaged file, parts missing, or annotations of unknown images.
    """
    return parsed_once(Path(path), _read)


def coco_objects(
    path: Path, classes: Sequence[LabelClass], *, entry: str | None, size: Size
) -> Iterator[DrawnObject]:
    """The objects of one image in the order of the file; crowds are marked.

    Raises:
        UnreadableFileError: no such image, an object without a mask, or one that does not fit.
        SizeMismatchError: the file states another size for the image.
    """
    document = read_coco(path)
    number = require_image(document, path, entry, size)
    indices = indices_by_name(classes)
    for row in document.annotations.get(number, ()):
        where = f"{path}: annotation {row.get('id', '')} of image {number}"
        label = category_index(document, row, indices, where)
        is_crowd = bool(row.get("iscrowd", 0))
        yield DrawnObject(label, _mask(row.get("segmentation"), size, where), is_crowd)


def require_image(document: CocoFile, path: Path, entry: str | None, size: Size) -> int:
    """The number of an image that has the size which the file states for it.

    Raises:
        UnreadableFileError: no such image.
        SizeMismatchError: another size.
    """
    number = document.image_id(entry)
    if number is None:
        raise UnreadableFileError(
            f"{path}: expected an image called '{entry}' under 'images', by its id or file_name, "
            "found none; name the right file, or leave the image out"
        )
    image = document.images[number]
    require_stated_size(f"{path}: image {number}", (image.get("height"), image.get("width")), size)
    return number


def category_index(
    document: CocoFile, row: Mapping[str, Any], indices: Mapping[str, int], where: str
) -> int:
    """The index of the class that a row's category has the name of.

    Raises:
        UnreadableFileError: a category that the file does not list, or one that is no class.
    """
    number = part(row, "category_id", int, where)
    if number not in document.categories:
        raise UnreadableFileError(
            f"{where}: expected a category_id that 'categories' lists, found {number}; export it "
            "anew"
        )
    name = part(document.categories[number], "name", str, f"{where}: category {number}")
    return index_named(name, indices, where)


def _mask(segmentation: object, size: Size, where: str) -> Mask:
    if isinstance(segmentation, dict):
        stated = part(segmentation, "size", list, f"{where}: 'segmentation'")
        require_stated_size(where, (stated[0], stated[1]) if len(stated) == 2 else (0, 0), size)
        return coco_mask(segmentation.get("counts"), size, where=where)
    if not isinstance(segmentation, list) or not segmentation:
        raise UnreadableFileError(
            f"{where}: expected a segmentation, polygons or run lengths, found none; boxes alone "
            "draw no mask: draw an outline, or take this annotation or the image out"
        )
    rings = [_ring(ring, where) for ring in segmentation]
    return coco_polygons(rings, size, where=where)


def _ring(values: object, where: str) -> list[tuple[float, float]]:
    numbers = checked(values, list, f"{where}: 'segmentation'")
    if len(numbers) % 2 or not all(map(is_number, numbers)):
        raise UnreadableFileError(
            f"{where}: expected rings of finite numbers x, y, x, y, …, found something else; "
            "export it anew"
        )
    pairs = np.array(numbers, np.float64).reshape(-1, 2)
    return [(x, y) for x, y in pairs.tolist()]


def _read(path: Path) -> CocoFile:
    document = read_json_object(path)
    where = str(path)
    images = _by_id(objects_in(document, "images", where), f"{where}: 'images'")
    categories = _by_id(objects_in(document, "categories", where), f"{where}: 'categories'")
    annotations: dict[int, list[Mapping[str, Any]]] = {}
    for number, row in enumerate(objects_in(document, "annotations", where)):
        image = part(row, "image_id", int, f"{where}: 'annotations' {number}")
        if image not in images:
            raise UnreadableFileError(
                f"{where}: 'annotations' {number}: expected the image_id of one of the "
                f"{len(images)} images, found {image}; export the file anew"
            )
        annotations.setdefault(image, []).append(row)
    names = {str(row.get("file_name", "")): number for number, row in images.items()}
    return CocoFile(images, categories, annotations, names)


def _by_id(rows: Sequence[dict[str, Any]], where: str) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for at, row in enumerate(rows):
        number = part(row, "id", int, f"{where} {at}")
        if number in found:
            raise UnreadableFileError(
                f"{where} {at}: expected an id of its own, found {number} twice; export it anew"
            )
        found[number] = row
    return found
