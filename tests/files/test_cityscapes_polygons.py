"""The polygons of Cityscapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from delineate.core.errors import SizeMismatchError, UnreadableFileError
from delineate.core.overlapping import painted
from delineate.core.types import IGNORE, LabelClass
from delineate.files.drawn_objects import drawn_objects
from delineate.files.mask_encoding import MaskEncoding

SIZE = (40, 60)
NAMES = ["unlabelled", "road", "car", "person"]
CLASSES = tuple(LabelClass(i, name, (i, 0, 0)) for i, name in enumerate(NAMES))
ROAD = [[0, 20], [59, 20], [59, 39], [0, 39]]
CAR = [[10, 10], [30, 12], [28, 30], [8, 28]]
PLATE = [[12, 14], [16, 14], [16, 17], [12, 17]]


def write(folder: Path, *objects: tuple[str, Any], **more: Any) -> Path:
    """A file of these names and polygons."""
    rows = [{"label": label, "polygon": polygon} for label, polygon in objects]
    document = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": rows} | more
    (folder / "a_gtFine_polygons.json").write_text(json.dumps(document))
    return folder / "a_gtFine_polygons.json"


def read(path: Path) -> list[Any]:
    """Its objects, by the way that all masks take."""
    encoding = MaskEncoding("cityscapes-polygons")
    return list(drawn_objects(path, encoding, CLASSES, entry=None, size=SIZE))


def test_labels_are_those_of_the_scripts(tmp_path: Path) -> None:
    """One picture of numbers, painted with Pillow polygon by polygon, gives the same labels."""
    file = write(tmp_path, ("road", ROAD), ("car", CAR), ("person", [[40, 5], [50, 5], [45, 35]]))
    expected = Image.new("L", SIZE[::-1], IGNORE)
    for polygon, value in [(ROAD, 1), (CAR, 2), ([[40, 5], [50, 5], [45, 35]], 3)]:
        ImageDraw.Draw(expected).polygon([tuple(point) for point in polygon], fill=value)
    assert (painted(read(file), SIZE) == np.asarray(expected)).all()


def test_void_groups_and_what_is_never_drawn(tmp_path: Path) -> None:
    """A group is a crowd of its class, void covers, number plates and deleted polygons do not."""
    file = write(
        tmp_path,
        ("road", ROAD),
        ("cargroup", CAR),
        ("license plate", PLATE),
        ("polegroup", [[50, 22], [58, 22], [58, 30], [50, 30]]),
        ("out of roi", [[0, 36], [59, 36], [59, 39], [0, 39]]),
    )
    objects = read(file)
    assert [(each.label, each.is_crowd) for each in objects] == [
        (IGNORE, False), (1, False), (2, True), (IGNORE, False), (IGNORE, False)
    ]  # fmt: skip
    labels = painted(objects, SIZE)
    assert labels[15, 14] == 2
    assert [labels[0, 0], labels[25, 55], labels[38, 30], labels[25, 40]] == [255, 255, 255, 1]
    document = json.loads(file.read_text())
    document["objects"][1]["deleted"] = 1
    file.write_text(json.dumps(document))
    assert not (painted(read(file), SIZE) == 2).any()


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([("lorry", ROAD)], "object 1: expected the name of a class, found 'lorry'"),
        ([("road", ROAD), ("dancegroup", CAR)], "object 2: .* found 'dance'"),
        ([(3, ROAD)], "'label': expected a text, found 3"),
        ([("road", None)], "'polygon': expected a list, found null"),
        ([("road", [[0, 0]])], "expected a polygon, found 1 points"),
        ([("road", [[0, 0], [1e9, 0], [0, 9]])], "in or near the image"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, objects: list[Any], message: str) -> None:
    """File, object and what was expected."""
    with pytest.raises(UnreadableFileError, match=message):
        read(write(tmp_path, *objects))


def test_another_size_is_refused(tmp_path: Path) -> None:
    """Polygons of the full image do not fit a smaller copy."""
    with pytest.raises(SizeMismatchError, match="drawn on an image of 1024 x 60 px"):
        read(write(tmp_path, ("road", ROAD), imgHeight=1024))
