"""Small data sets drawn as objects, in the layouts of the tools that make them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (8, 10)  # height and width, px
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are beyond it


def write_picture(path: Path, size: tuple[int, int] = SIZE) -> Path:
    """A grey image of this size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, 90, np.uint8)).save(path)
    return path


def write_mask(path: Path, *boxes: Box, white: int = 255) -> Path:
    """A mask of 0 and `white`, lit in these boxes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(SIZE, np.uint8)
    for top, left, bottom, right in boxes:
        values[top:bottom, left:right] = white
    Image.fromarray(values).save(path)
    return path


def write_json(path: Path, document: Mapping[str, Any]) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def labelme(image: str, *shapes: tuple[str, Box]) -> dict[str, Any]:
    """What labelme writes of rectangles with labels."""
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": [
            {
                "label": label,
                "points": [[left, top], [right - 1, bottom - 1]],
                "group_id": None,
                "shape_type": "rectangle",
                "flags": {},
            }
            for label, (top, left, bottom, right) in shapes
        ],
        "imagePath": image,
        "imageData": None,
        "imageHeight": SIZE[0],
        "imageWidth": SIZE[1],
    }


def coco(
    images: Mapping[int, str],
    objects: Sequence[tuple[int, int, Box]],
    categories: Mapping[int, str],
) -> dict[str, Any]:
    """COCO JSON of boxes as uncompressed run lengths: image, category and box of each object."""
    return {
        "info": {"year": 2017},
        "images": [
            {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
            for number, name in images.items()
        ],
        "annotations": [
            {"id": number, "image_id": image, "category_id": category, "iscrowd": 0,
             "segmentation": {"size": list(SIZE), "counts": _counts(box)}}
            for number, (image, category, box) in enumerate(objects, start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories.items()],
    }  # fmt: skip


def box_mask(*boxes: Box) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W), True in these boxes."""
    mask = np.zeros(SIZE, np.bool_)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


def _counts(box: Box) -> list[int]:
    flat = box_mask(box).ravel(order="F").tolist()
    counts, value = [0], False
    for each in flat:
        if each != value:
            counts.append(0)
            value = each
        counts[-1] += 1
    return counts
