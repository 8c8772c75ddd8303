"""Predicted masks in other forms than pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.errors import SettingsError
from delineate.core.overlapping import coded, painted
from delineate.core.types import LabelClass, default_classes
from delineate.files.drawn_objects import drawn_objects
from delineate.files.mask_encoding import MaskEncoding
from delineate.inference.model import Prediction
from delineate.workflows.mask_formats import MaskFormats, asked_formats

SIZE = (9, 11)
QUICK = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
NAMES = {
    "rle-nerve": "rle_nerve.csv",
    "rle-siim": "rle_siim.csv",
    "coco": "instances_predictions.json",
    "coco-polygons": "instances_predictions.json",
}
ENCODINGS = {"coco-polygons": "coco"}


def prediction(labels: np.ndarray, channels: int, *, is_overlapping: bool = False) -> Prediction:
    """Labels, and a probability of a tenth of the channel's number."""
    probability = np.arange(channels, dtype=np.float32)[:, None, None] / 10 + np.zeros(SIZE)
    return Prediction(labels, probability.astype(np.float32), is_overlapping)


def read_back(folder: Path, form: str, classes: Any, entry: str, *, is_overlapping: bool) -> Any:
    """The labels that a written file gives."""
    encoding = MaskEncoding.parse(ENCODINGS.get(form, form))
    objects = drawn_objects(folder / NAMES[form], encoding, classes, entry=entry, size=SIZE)
    return (coded if is_overlapping else painted)(objects, SIZE)


def entry_of(form: str) -> str:
    """What the file calls the image."""
    return "eye.tif" if form.startswith("coco") else "eye"


@pytest.mark.parametrize("form", NAMES)
@QUICK
@given(labels=arrays(np.uint8, SIZE, elements=st.integers(0, 1)))
def test_a_binary_mask_is_read_back(tmp_path: Path, form: str, labels: np.ndarray) -> None:
    """Any mask, holes and emptiness included, comes back from every form."""
    classes = default_classes(2)
    writer = MaskFormats([form], classes, [Path("eye.tif")])
    writer.add(Path("eye.tif"), "eye", prediction(labels, 1))
    assert writer.write(tmp_path) == {form: NAMES[form]}
    read = read_back(tmp_path, form, classes, entry_of(form), is_overlapping=False)
    assert (read == labels).all()


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("is_overlapping", [False, True])
@QUICK
@given(labels=arrays(np.uint8, SIZE, elements=st.integers(0, 3)))
def test_several_classes_are_read_back(
    tmp_path: Path, form: str, is_overlapping: bool, labels: np.ndarray
) -> None:
    """So do those of several classes, apart or overlapping; 3 is a class, or 1 and 2 at once."""
    classes = default_classes(3 if is_overlapping else 4)
    writer = MaskFormats([form], classes, [Path("eye.tif")])
    channels = 2 if is_overlapping else 4
    writer.add(Path("eye.tif"), "eye", prediction(labels, channels, is_overlapping=is_overlapping))
    writer.write(tmp_path)
    read = read_back(tmp_path, form, classes, entry_of(form), is_overlapping=is_overlapping)
    assert (read == labels).all()


def test_the_tables_are_those_of_kaggle(tmp_path: Path) -> None:
    """Headers, order and empty masks as the two challenges ask for them."""
    labels = np.zeros(SIZE, np.uint8)
    labels[1:3, 0] = 1
    files = [Path("b/2.tif"), Path("b/10.tif")]
    writer = MaskFormats(asked_formats(["rle"]), default_classes(2), files)
    writer.add(files[0], "2", prediction(labels, 1))
    writer.add(files[1], "10", prediction(0 * labels, 1))
    assert writer.write(tmp_path) == {f: NAMES[f] for f in ("rle-nerve", "rle-siim")}
    assert (tmp_path / "rle_nerve.csv").read_text() == "img,pixels\n2,2 2\n10,\n"
    assert (tmp_path / "rle_siim.csv").read_text() == "ImageId,EncodedPixels\n2,1 2\n10,-1\n"


def test_several_classes_have_a_column(tmp_path: Path) -> None:
    """A row an image and class, the class by its name."""
    classes = (*default_classes(1), LabelClass(1, "cup, deep", (1, 0, 0)),
               LabelClass(2, "disc", (2, 0, 0)))  # fmt: skip
    labels = np.zeros(SIZE, np.uint8)
    labels[0, 0] = 2
    writer = MaskFormats(["rle-siim"], classes, [Path("eye.tif")])
    writer.add(Path("eye.tif"), "eye", prediction(labels, 3))
    writer.write(tmp_path)
    text = (tmp_path / "rle_siim.csv").read_text()
    assert text == 'ImageId,ClassId,EncodedPixels\neye,"cup, deep",-1\neye,disc,0 1\n'


@pytest.mark.parametrize(
    ("channels", "is_overlapping", "scores"),
    [(1, False, [0.0]), (3, False, [0.1, 0.2]), (2, True, [0.0, 0.1])],
)
def test_objects_have_the_mean_probability_of_their_class(
    tmp_path: Path, channels: int, is_overlapping: bool, scores: list[float]
) -> None:
    """What touches by a corner is one object; its score comes from the channel of its class."""
    labels = np.zeros(SIZE, np.uint8)
    labels[0, 0] = labels[1, 1] = 1
    classes = default_classes(2 if channels == 1 else 3)
    if channels > 1:
        labels[5, 5] = 2
    writer = MaskFormats(["coco"], classes, [Path("eye.tif")])
    one = prediction(labels, channels, is_overlapping=is_overlapping)
    writer.add(Path("eye.tif"), "eye", one)
    writer.write(tmp_path)
    document = json.loads((tmp_path / "instances_predictions.json").read_text())
    rows = document["annotations"]
    assert [row["score"] for row in rows] == pytest.approx(scores)
    assert rows[0]["area"] == 2
    assert rows[0]["bbox"] == [0, 0, 2, 2]
    assert document["images"] == [{"id": 1, "file_name": "eye.tif", "height": 9, "width": 11}]


def test_images_of_one_name_keep_their_folders(tmp_path: Path) -> None:
    """Else no reader could tell them apart."""
    files = [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    writer = MaskFormats(["coco"], default_classes(2), files)
    for file in files:
        writer.add(file, file.parent.name, prediction(np.zeros(SIZE, np.uint8), 1))
    writer.write(tmp_path)
    rows = json.loads((tmp_path / "instances_predictions.json").read_text())["images"]
    assert [row["file_name"] for row in rows] == ["a/1.png", "b/1.png"]


def test_forms_are_asked_for_by_words() -> None:
    """Repeated or with commas, pictures always; what is unknown or contradicts is refused."""
    assert asked_formats([]) == ("png",)
    assert asked_formats(["rle,coco", "rle-nerve"]) == ("png", "rle-nerve", "rle-siim", "coco")
    with pytest.raises(SettingsError, match="unknown format 'rel'; did you mean 'rle'"):
        asked_formats(["png,rel"])
    with pytest.raises(SettingsError, match="unknown format ''"):
        asked_formats(["png,"])
    with pytest.raises(SettingsError, match="choose one"):
        asked_formats(["coco", "coco-polygons"])
