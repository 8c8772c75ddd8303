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
from delineate.files.run_lengths import coco_text
from delineate.files.writing import write_text

CocoForm = Literal["coco", "coco-polygons"]


@dataclass
class CocoWriter:
    """Collects images and their objects; both forms are read back as the same masks."""

    classes: Sequence[LabelClass]
    form: CocoForm = "coco"
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, size: Size, objects: Iterable[tuple[int, Mask, float]]) -> None:
        """An image of this file name, and its objects: class index, mask, score.

        An object without a pixel is none.
        """
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
        for index, mask, score in objects:
            if not mask.any():
                continue
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": number,
                    "category_id": index,
                    "segmentation": _segmentation(mask, self.form),
                    "area": int(np.count_nonzero(mask)),
                    "bbox": _box(mask),
                    "iscrowd": 0,
                    "score": round(score, 6),
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


def _segmentation(mask: Mask, form: CocoForm) -> Mapping[str, Any] | list[list[int]]:
    if form == "coco-polygons":
        return [ring.ravel().tolist() for ring in rings_with_seams(mask)]
    return {"size": list(mask.shape), "counts": coco_text(mask)}


def _box(mask: Mask) -> list[int]:
    """Left, top, width and height in px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
