"""The polygons of Cityscapes, `CITY_…_gtFine_polygons.json`.

Drawn as the scripts of Cityscapes do it: in the order of the file, with Pillow, filled without an
outline. What no polygon covers is "unlabeled" there, which is `IGNORE`. A name that ends in `group`
stands for several objects that were not told apart: a crowd. The names that the evaluation of
Cityscapes leaves out are `IGNORE` where they are no classes of their own.

Source: github.com/mcordts/cityscapesScripts, json2labelImg.py and labels.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from delineate.core.geometry import Size
from delineate.core.types import IGNORE, DrawnObject, LabelClass
from delineate.files.class_names import index_named
from delineate.files.json_values import objects_in, part, points_in, read_json_object
from delineate.files.polygons import filled_polygon
from delineate.files.stated_size import require_stated_size

VOID = frozenset(
    {
        "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic",
        "ground", "parking", "rail track", "guard rail", "bridge", "tunnel", "polegroup",
        "caravan", "trailer",
    }
)  # fmt: skip
# Its number is negative in the table, and such polygons are not drawn: the car below shows.
_NEVER_DRAWN = "license plate"
_GROUP = "group"


def cityscapes_objects(
    path: Path, classes: Sequence[LabelClass], size: Size
) -> Iterator[DrawnObject]:
    """The objects of one image, after an `IGNORE` over all of it.

    Raises:
        UnreadableFileError: a damaged file or a name that Cityscapes does not have.
        SizeMismatchError: the file states another size.
    """
    document = read_json_object(path)
    require_stated_size(str(path), (document.get("imgHeight"), document.get("imgWidth")), size)
    indices = dict.fromkeys(VOID, IGNORE) | {each.name: each.index for each in classes[1:]}
    yield DrawnObject(IGNORE, np.ones(size, np.bool_))
    for number, row in enumerate(objects_in(document, "objects", str(path)), start=1):
        where = f"{path}: object {number}"
        label, is_crowd = _told(part(row, "label", str, where), indices, where)
        if row.get("deleted") or label is None:
            continue
        points = points_in(row.get("polygon"), f"{where}: 'polygon'")
        yield DrawnObject(label, filled_polygon(points, size, where=where), is_crowd)


def _told(name: str, indices: Mapping[str, int], where: str) -> tuple[int | None, bool]:
    """The index of a name, None for what is never drawn, and whether it stands for several."""
    is_crowd = name not in indices and name.endswith(_GROUP)
    single = name.removesuffix(_GROUP) if is_crowd else name
    if single == _NEVER_DRAWN and single not in indices:
        return None, False
    return index_named(single, indices, where), is_crowd
