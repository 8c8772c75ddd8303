"""Masks drawn as objects go through every verb like masks that are pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from delineate.core.types import LabelClass
from delineate.data.instances import read_objects
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import write_index_mask
from delineate.files.run_lengths import nerve_text, siim_text
from delineate.workflows.audit import audit
from delineate.workflows.inputs import inputs_of
from delineate.workflows.inspect import inspect
from delineate.workflows.inspect import table as inspect_table
from delineate.workflows.score import score
from delineate.workflows.split import split

SIZE = (32, 40)
NAMES = [f"case_{number:02d}" for number in range(12)]
TWINS = ("case_03", "case_08")  # one picture, drawn in two ways
Boxes = dict[str, tuple[int, int, int, int]]  # class -> top, left, bottom, right


def boxes_of(name: str) -> Boxes:
    """An organ in each picture, a vessel beside it in all but every fourth."""
    shift = NAMES.index(name)
    boxes: Boxes = {"organ": (4, 4 + shift % 3, 20, 16)}
    if shift % 4:
        boxes["vessel"] = (22, 5 + shift, 27, 12 + shift)
    return boxes


def mask_of(box: tuple[int, int, int, int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W), True in the box."""
    mask = np.zeros(SIZE, np.bool_)
    mask[box[0] : box[2], box[1] : box[3]] = True
    return mask


def write_pictures(folder: Path) -> None:
    """Noise with the boxes in it; the twins are one picture."""
    folder.mkdir(parents=True)
    for name in NAMES:
        shown = TWINS[0] if name == TWINS[1] else name
        rng = np.random.default_rng(NAMES.index(shown))
        picture = rng.normal(90, 25, SIZE)
        for box in boxes_of(shown).values():
            picture[mask_of(box)] += 60
        pixels = picture.clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


def as_labelme(root: Path) -> None:
    """A JSON of rectangles beside each picture."""
    write_pictures(root)
    for name in NAMES:
        shapes = [
            {
                "label": label,
                "shape_type": "rectangle",
                "points": [[b[1], b[0]], [b[3] - 1, b[2] - 1]],
            }
            for label, b in boxes_of(name).items()
        ]
        document = {"imagePath": f"{name}.png", "shapes": shapes}
        (root / f"{name}.json").write_text(json.dumps(document))


def as_coco(root: Path) -> None:
    """One JSON of polygons for all pictures."""
    write_pictures(root / "images")
    annotations = [
        {"id": 100 * k + c, "image_id": k, "category_id": c, "iscrowd": 0,
         "segmentation": [[b[1], b[0], b[3], b[0], b[3], b[2], b[1], b[2]]]}
        for k, name in enumerate(NAMES)
        for c, b in ((1 + (label == "vessel"), b) for label, b in boxes_of(name).items())
    ]  # fmt: skip
    document = {
        "images": [{"id": k, "file_name": f"{name}.png"} for k, name in enumerate(NAMES)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "organ"}, {"id": 2, "name": "vessel"}],
    }
    (root / "annotations.json").write_text(json.dumps(document))


def as_run_lengths(root: Path, text: Callable[..., str], header: str) -> None:
    """A row for each object of each picture."""
    write_pictures(root / "images")
    rows = [
        f"{name},{label},{text(mask_of(box))}"
        for name in NAMES
        for label, box in boxes_of(name).items()
    ]
    (root / "train.csv").write_text("\n".join([header, *rows]))


def as_class_masks(root: Path) -> None:
    """`masks/CLASS/X.png`."""
    write_pictures(root / "images")
    for name in NAMES:
        for label, box in boxes_of(name).items():
            path = root / "masks" / label / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask_of(box).astype(np.uint8) * 255).save(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "labelme": as_labelme,
    "coco": as_coco,
    "siim": lambda root: as_run_lengths(root, siim_text, "ImageId,ClassId,EncodedPixels"),
    "rle": lambda root: as_run_lengths(root, nerve_text, "img,class,pixels"),
    "class-masks": as_class_masks,
}


@pytest.fixture(params=WRITERS)
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Twelve pictures of organ and vessel in each layout in turn; the folder has its name."""
    root = tmp_path / request.param
    WRITERS[request.param](root)
    return root


def test_every_layout_gives_the_same_labels(drawn: Path) -> None:
    """What was drawn is read, with the same classes."""
    dataset = settle_encodings(open_dataset(drawn))
    assert dataset.layout == drawn.name
    assert [c.name for c in dataset.classes] == ["background", "organ", "vessel"]
    for sample in dataset.samples:
        labels = read_labels(dataset, sample, "reference")
        for index, label in enumerate(("organ", "vessel"), start=1):
            box = boxes_of(sample.id).get(label, (0, 0, 0, 0))
            np.testing.assert_array_equal(labels == index, mask_of(box))


@pytest.mark.parametrize("overlapping", [False, True])
def test_inspect_and_its_manifest(drawn: Path, tmp_path: Path, overlapping: bool) -> None:
    """Encoding and classes are told, and the manifest reads as the folder does."""
    result = inspect(drawn, tmp_path / "look", manifest=True, overlapping=overlapping)
    assert result.failures == ()
    observer = result.document["observers"][0]
    assert observer["decoded"] == len(NAMES)
    assert observer["is_stated"] or observer["is_certain"]
    words = dict(inspect_table(result.document))
    assert words["classes"].endswith("organ, vessel")
    assert ("overlap" in words["classes"]) == overlapping
    assert "to be confirmed" not in words["masks of reference"]
    organ = np.mean([mask_of(boxes_of(name)["organ"]).mean() for name in NAMES])
    assert observer["class_pixel_shares"]["organ"] == pytest.approx(organ)
    again = settle_encodings(open_dataset(result.manifest))
    before = settle_encodings(open_dataset(drawn, overlapping=overlapping))
    assert again.is_overlapping == overlapping
    assert again.has_instances == before.has_instances
    assert [c.name for c in again.classes] == [c.name for c in before.classes]
    for one, other in zip(again.samples, before.samples, strict=True):
        np.testing.assert_array_equal(
            read_labels(again, one, "reference"), read_labels(before, other, "reference")
        )


@pytest.mark.parametrize("overlapping", [False, True])
def test_audit_finds_contradictions(drawn: Path, tmp_path: Path, overlapping: bool) -> None:
    """Two copies of a picture with different masks are found, whatever the masks are drawn in."""
    result = audit(
        drawn, tmp_path / "audit", overlapping=overlapping, keep_signatures=False,
        crops_and_shifts=False,
    )  # fmt: skip
    assert result.failures == ()
    (found,) = [f for f in result.findings if f.kind == "contradictory_twins"]
    assert set(found.samples) == set(TWINS)
    balance = next(f for f in result.findings if f.about == "classes")
    assert balance.evidence["vessel"]["masks"] == 9
    page = result.main_result.read_text()
    assert "organ" in page
    assert "vessel" in page


def test_split_by_foreground(drawn: Path, tmp_path: Path) -> None:
    """Copies stay together, and foreground is measured in what is drawn."""
    result = split(
        drawn, tmp_path / "split", fractions={"train": 0.5, "validation": 0, "test": 0.5}
    )
    parts = result.document["parts"]
    assert sum(part["images"] for part in parts.values()) == len(NAMES)
    assert all(part["mean_foreground_share"] > 0.1 for part in parts.values())
    assert [sorted(TWINS)] == result.document["copies"]


def test_score_against_what_is_drawn(drawn: Path, tmp_path: Path) -> None:
    """Masks that say what was drawn score 1 in each class; shifted ones less."""
    dataset = settle_encodings(open_dataset(drawn))
    classes: tuple[LabelClass, ...] = dataset.classes
    for shift, folder in ((0, "right"), (2, "shifted")):
        (tmp_path / folder).mkdir()
        for sample in dataset.samples:
            labels = np.roll(read_labels(dataset, sample, "reference"), shift, axis=1)
            write_index_mask(tmp_path / folder / f"{sample.id}_mask.png", labels, classes)
    found = {
        folder: json.dumps(
            score(
                tmp_path / folder, drawn, out=tmp_path / f"{folder}-scores", allow_leakage=True
            ).document
        )
        for folder in ("right", "shifted")
    }
    assert found["right"] != found["shifted"]
    assert _dice(json.loads(found["right"])) == pytest.approx(1)
    assert 0.5 < _dice(json.loads(found["shifted"])) < 0.95


def test_drawn_files_are_inputs(drawn: Path, tmp_path: Path) -> None:
    """No output may take the place of a JSON or a table, wherever a manifest says it lies."""
    dataset = open_dataset(drawn)
    named = {file for s in dataset.samples for files in s.masks.values() for file in files}
    assert named <= set(inputs_of(dataset))


def _dice(document: dict[str, Any]) -> float:
    """Pooled, in the mean over the foreground classes."""
    (row,) = [
        each
        for each in document["headline"]
        if (each["score"], each["predictor"], each["pooling"]) == ("dice", "model", "pooled")
    ]
    return float(row["value"])


def test_a_legend_of_many_classes_names_those_in_the_pictures(tmp_path: Path) -> None:
    """Of a hundred categories the contact sheet shows the two that are drawn."""
    as_coco(tmp_path / "data")
    file = tmp_path / "data" / "annotations.json"
    document = json.loads(file.read_text())
    document["categories"] += [{"id": n, "name": f"thing {n}"} for n in range(3, 101)]
    file.write_text(json.dumps(document))
    result = inspect(tmp_path / "data", tmp_path / "look")
    assert len(result.document["classes"]) == 101
    page = result.main_result.read_text()
    assert "vessel" in page
    assert "thing 99" not in page
    classes = dict(inspect_table(result.document))["classes"]
    assert classes.startswith("100: organ, vessel, thing 3, ")
    assert classes.endswith("thing 24, …")


def test_objects_of_a_mask_that_replaces_drawn_ones(tmp_path: Path) -> None:
    """What a review puts in the place of drawn objects is told apart by its connected parts."""
    as_coco(tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    labels = np.zeros(SIZE, np.uint8)
    labels[2:5, 2:5] = labels[10:15, 20:25] = 1
    write_index_mask(tmp_path / "new.png", labels, dataset.classes)
    sample = replace(dataset.samples[1], masks={"reference": (tmp_path / "new.png",)})
    own = {tmp_path / "new.png": MaskEncoding("index", ignore=255)}
    reviewed = replace(dataset, samples=(sample,), file_encodings=own)
    found = read_objects(reviewed, sample, "reference")
    assert [(each.label, int(each.mask.sum())) for each in found] == [(1, 9), (1, 25)]
    drawn = read_objects(dataset, dataset.samples[1], "reference")
    assert [each.label for each in drawn] == [1, 2]
