"""Masks that are kept as objects: polygons in JSON, run lengths in JSON or a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from delineate.core.geometry import Size
from delineate.core.types import DrawnObject, LabelClass
from delineate.files.cityscapes_polygons import cityscapes_objects
from delineate.files.coco import coco_objects
from delineate.files.labelme import labelme_objects
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.panoptic import panoptic_objects
from delineate.files.run_length_tables import run_length_objects


def drawn_objects(
    path: Path,
    encoding: MaskEncoding,
    classes: Sequence[LabelClass],
    *,
    entry: str | None,
    size: Size,
) -> Iterator[DrawnObject]:
    """The objects of one image in the order in which they were drawn; later ones lie above.

    `classes` say which name or category is which index. `entry` is what the file calls the image,
    where it holds those of several; `size` that of the image, (height, width) in px.

    Raises:
        UnreadableFileError: a damaged file, an entry that is not in it, or runs and polygons that
            do not fit the image.
        SizeMismatchError: the file states another size for the image.
    """
    path = Path(path)
    if encoding.kind == "labelme":
        return labelme_objects(path, classes, size)
    if encoding.kind == "cityscapes-polygons":
        return cityscapes_objects(path, classes, size)
    if encoding.kind == "coco":
        return coco_objects(path, classes, entry=entry, size=size)
    if encoding.kind == "coco-panoptic":
        return panoptic_objects(path, classes, entry=entry, size=size)
    if encoding.kind in ("rle-nerve", "rle-siim"):
        is_relative = encoding.kind == "rle-siim"
        return run_length_objects(path, classes, entry=entry, size=size, is_relative=is_relative)
    raise ValueError(f"expected an encoding of objects, got {encoding}")
