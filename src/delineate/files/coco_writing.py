"""Masks as COCO JSON: an annotation an object, as run lengths or as rings that keep holes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from delineate.core.geometry import Size
from delineate.core.types import LabelClass, Mask
from delineate.files.outlines import rings_with_seams
from delineate.files.run_lengths import coco_counts, compressed
from delineate.files.writing import write_text

CocoForm = Literal["coco", "coco-polygons"]


@dataclass(frozen=True)
class PlacedObject:
    """An object of a class, cut to a box around it, whose corner lies at (row, column)."""

    label: int
    mask: Mask
    corner: tuple[int, int] = (0, 0)
    score: float = 1.0


@dataclass
class CocoWriter:
    """Collects images and their objects; both forms are read back as the same masks."""

    classes: Sequence[LabelClass]
    form: CocoForm = "coco"
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, size: Size, objects: Iterable[PlacedObject]) -> None:
        """An image of this file name, and its objects.

        An object without a pixel is none.
        """
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
        for each in objects:
            if not each.mask.any():
                continue
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": number,
                    "category_id": each.label,
                    "segmentation": _segmentation(each, size, self.form),
                    "area": int(np.count_nonzero(each.mask)),
                    "bbox": _box(each),
                    "iscrowd": 0,
                    "score": round(each.score, 6),
                }
            )

    def document(self) -> dict[str, Any]:
        """The whole file."""
        return {
            "info": {"description": "written by Delineate", "version": version("delineate")},
            "images": self.images,
            "categories": [
                {"id": each.index, "name": each.name, "color": list(each.colour)}
                for each in self.classes
                if each.index > 0
            ],
            "annotations": self.annotations,
        }

    def write(self, path: Path) -> None:
        """Put the file in place, whole.

        Raises:
            CannotWriteError: if the target cannot be written.
        """
        # Compact: indented, each corner of a polygon would take a line.
        text = json.dumps(self.document(), separators=(",", ":"))
        write_text(path, text + "\n")


def _segmentation(
    each: PlacedObject, size: Size, form: CocoForm
) -> Mapping[str, Any] | list[list[int]]:
    top, left = each.corner
    if form == "coco-polygons":
        corner = np.array([left, top])
        return [(ring + corner).ravel().tolist() for ring in rings_with_seams(each.mask)]
    return {"size": list(size), "counts": compressed(_counts(each, size))}


def _counts(each: PlacedObject, size: Size) -> list[int]:
    """The runs of an object in its whole image, of which only its own columns are looked at."""
    (height, width), (top, left) = size, each.corner
    columns = np.zeros((height, each.mask.shape[1]), np.bool_)
    columns[top : top + each.mask.shape[0]] = each.mask
    counts = coco_counts(columns)
    counts[0] += left * height
    after = (width - left - columns.shape[1]) * height
    if len(counts) % 2:  # ends with background
        counts[-1] += after
    elif after:
        counts.append(after)
    return counts


def _box(each: PlacedObject) -> list[int]:
    """Left, top, width and height in px."""
    mask = each.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [
        left + each.corner[1],
        top + each.corner[0],
        int(columns[-1]) + 1 - left,
        int(rows[-1]) + 1 - top,
    ]
