"""COCO's panoptic form: segments listed in JSON, their pixels in one PNG an image.

The colour of a pixel is the number of its segment, R + 256 G + 65536 B, and 0 is void: nothing is
known there, which is `IGNORE`. The PNGs lie in a folder beside the JSON that has its name.

Source: Kirillov et al. (2019), "Panoptic Segmentation", and the panoptic API of COCO.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SizeMismatchError, UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, DrawnObject, LabelClass
from delineate.files.class_names import indices_by_name
from delineate.files.coco import CocoFile, category_index, read_coco, require_image
from delineate.files.image_files import read_pixels
from delineate.files.json_values import objects_in, part, said

VOID = 0


def panoptic_objects(
    path: Path, classes: Sequence[LabelClass], *, entry: str | None, size: Size
) -> Iterator[DrawnObject]:
    """The segments of one image; first, as `IGNORE`, the pixels of none of them.

    Raises:
        UnreadableFileError: no such image, a PNG that is missing or damaged, or segments in one
            of JSON and PNG that the other does not have.
        SizeMismatchError: the PNG or the JSON states another size.
    """
    document = read_coco(path)
    number = require_image(document, path, entry, size)
    where = f"{path}: image {number}"
    row = _only_row(document, number, where)
    numbers = _segment_numbers(panoptic_png(path, row, where), size)
    segments = {
        part(each, "id", int, f"{where}: segment"): each
        for each in objects_in(row, "segments_info", where)
    }
    found, places = np.unique(numbers, return_inverse=True)
    _require_same(set(found.tolist()) - {VOID}, segments.keys(), where)
    places = places.reshape(size)
    place_of = {value: place for place, value in enumerate(found.tolist())}
    indices = indices_by_name(classes)
    if VOID in place_of:
        yield DrawnObject(IGNORE, places == place_of[VOID])
    for value, segment in segments.items():
        label = category_index(document, segment, indices, f"{where}: segment {value}")
        is_crowd = bool(segment.get("iscrowd", 0))
        yield DrawnObject(label, places == place_of[value], is_crowd)


def panoptic_png(path: Path, row: Mapping[str, Any], where: str) -> Path:
    """The PNG of an annotation: `panoptic_val.json` has its own in `panoptic_val/`.

    Raises:
        UnreadableFileError: an annotation without a plain file name.
    """
    name = part(row, "file_name", str, where)
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\x00" in name:
        raise UnreadableFileError(
            f"{where}: expected the name of a PNG under 'file_name', found {said(name)}; "
            "export it anew"
        )
    return path.with_suffix("") / name


def _only_row(document: CocoFile, number: int, where: str) -> Mapping[str, Any]:
    rows = document.annotations.get(number, ())
    if len(rows) != 1:
        raise UnreadableFileError(
            f"{where}: expected one panoptic annotation, found {len(rows)}; leave the image out or "
            "name the right file"
        )
    return rows[0]


def _segment_numbers(png: Path, size: Size) -> NDArray[np.uint32]:
    if not png.exists():
        raise UnreadableFileError(
            f"{png}: expected the PNG of the segments in a folder named like the JSON, found none; "
            f"unpack them into {png.parent.name}/ beside it"
        )
    values = read_pixels(png).values
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] != 3:
        raise UnreadableFileError(
            f"{png}: expected a panoptic PNG of three 8-bit channels, found "
            f"{values.dtype} of shape {values.shape}; export it anew"
        )
    if values.shape[:2] != size:
        raise SizeMismatchError(
            f"{png}: expected the size of the image, {size[0]} x {size[1]} px (height x width), "
            f"found {values.shape[0]} x {values.shape[1]}; export one to fit the other"
        )
    wide = values.astype(np.uint32)
    return np.asarray(wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16), np.uint32)


def _require_same(in_png: set[int], in_json: Mapping[int, Any] | Any, where: str) -> None:
    lost = sorted(in_png ^ set(in_json))
    if lost:
        owner = "PNG" if lost[0] in in_png else "JSON"
        raise UnreadableFileError(
            f"{where}: expected the same segments in PNG and JSON, found {len(lost)} in one of "
            f"them only, such as {lost[0]} in the {owner}; the two do not belong together"
        )
