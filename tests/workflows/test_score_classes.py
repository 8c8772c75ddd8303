"""Predictions of several classes, of classes that overlap, and of objects."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as oracle

from delineate.core.errors import SettingsError
from delineate.data.phantoms.writing import write_fundus
from delineate.files.mask_files import write_probability
from delineate.files.writing import read_json
from delineate.workflows.score import score

SIZE = (24, 30)


def write_picture(path: Path, values: np.ndarray, palette: bool = False) -> None:
    """A grey picture, or one of indices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values.astype(np.uint8))
    if palette:
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
    picture.save(path)


@pytest.fixture
def three(tmp_path) -> Path:
    """Four images with index masks of three classes."""
    random = np.random.default_rng(2)
    for number in range(4):
        labels = np.zeros(SIZE, np.uint8)
        labels[2:10, 3:14], labels[14:20, 4 + number : 16] = 1, 2
        write_picture(tmp_path / f"data/images/c{number}.png", random.integers(0, 255, SIZE))
        write_picture(tmp_path / f"data/masks/c{number}.png", labels, palette=True)
    return tmp_path


def truth_of(root: Path, name: str) -> np.ndarray:
    """The labels of a case."""
    with Image.open(root / f"data/masks/{name}.png") as picture:
        return np.asarray(picture)


def test_probability_maps_of_several_classes_are_ranked(three) -> None:
    """A map a class gives ROC AUC, and the likeliest class is the mask."""
    random = np.random.default_rng(5)
    truths, maps = [], []
    for number in range(4):
        truth = truth_of(three, f"c{number}")
        hot = np.stack([truth == k for k in range(3)]) + random.random((3, *SIZE))
        probability = (hot / hot.sum(axis=0)).astype(np.float32)
        (three / "pred").mkdir(exist_ok=True)
        for k in range(3):
            write_probability(three / f"pred/c{number}_prob_{k}.png", probability[k])
        truths.append(truth.ravel())
        maps.append(np.rint(probability.reshape(3, -1) * 65535) / 65535)
    result = score(three / "pred", three / "data", out=three / "out")
    truth, probability = np.concatenate(truths), np.concatenate(maps, axis=1)
    [auc] = result.evaluation.find(
        score="roc_auc", label_class="class 2", predictor="model", pooling="pooled"
    )
    assert auc.value == pytest.approx(oracle.roc_auc_score(truth == 2, probability[2]), abs=1e-6)
    [dice] = result.evaluation.find(
        score="dice", label_class="class 1", predictor="model", pooling="pooled"
    )
    theirs = oracle.f1_score(truth, probability.argmax(axis=0), labels=[1], average=None)
    assert dice.value == pytest.approx(theirs[0])
    with pytest.raises(SettingsError, match="of several classes the likeliest is taken"):
        score(three / "pred", three / "data", out=three / "other", threshold=0.5)


def test_masks_of_several_classes_decide_beside_their_maps(three) -> None:
    """Not the likeliest class of the maps, for small objects may have been taken from masks."""
    for number in range(4):
        write_picture(
            three / f"pred/c{number}_mask.png", truth_of(three, f"c{number}"), palette=True
        )
        for k in range(3):
            values = np.full(SIZE, 1.0 if k == 0 else 0.0, np.float32)
            write_probability(three / f"pred/c{number}_prob_{k}.png", values)
    result = score(three / "pred", three / "data", out=three / "out")
    found = {
        one.score: one.value
        for one in result.evaluation.find(
            predictor="model", pooling="pooled", label_class="mean of the foreground classes"
        )
    }
    assert (found["dice"], found["roc_auc"]) == (1.0, 0.5)


def test_overlays_of_several_classes_have_a_legend_below(three) -> None:
    """The picture is truth beside prediction, and the strip hides none of it."""
    result = score(three / "data/masks", three / "data", out=three / "out")
    with Image.open(result.folder / "overlays/c0.png") as picture:
        drawn = np.asarray(picture)
    height, width = SIZE
    assert drawn.shape[0] > height
    assert drawn.shape[1] >= 2 * width
    assert np.array_equal(drawn[:height, :width], drawn[:height, width : 2 * width])


def test_objects_are_counted_where_that_is_asked_for(three) -> None:
    """Figures in the document, a row a case and class, and nothing where it is not asked."""
    options = {"out": three / "out", "overwrite": True}
    plain = score(three / "data/masks", three / "data", **options)
    assert plain.document["objects"] is None
    assert not (three / "out/objects.csv").exists()
    result = score(three / "data/masks", three / "data", objects=True, **options)
    found = {
        (one["score"], one["label_class"]): one["value"]
        for one in result.document["objects"]["records"]
    }
    assert found["object_ap", "class 1"] == pytest.approx(1.0)
    assert found["object_count_absolute_error", "class 2"] == 0.0
    with (three / "out/objects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["found"] for row in rows} == {"1"}
    assert "Objects of each class" in (three / "out/evaluation.html").read_text()
    assert read_json(three / "out/evaluation.json", schema="evaluation")["confusion_matrices"]


@pytest.fixture
def crossing(tmp_path) -> Path:
    """Three images with two classes that overlap, a folder of masks each."""
    for number in range(3):
        write_picture(tmp_path / f"data/images/c{number}.png", np.full(SIZE, 9 * number))
        for name, rows in (("cup", slice(6, 12)), ("disc", slice(4, 16))):
            mask = np.zeros(SIZE)
            mask[rows, 5:20] = 255
            write_picture(tmp_path / f"data/masks/{name}/c{number}.png", mask)
    return tmp_path


def test_classes_that_overlap_are_scored_and_read_back(crossing) -> None:
    """What a scoring leaves in its predictions is scored alike, with both classes in a pixel."""
    for number in range(3):
        for name, rows in (("cup", slice(6, 12)), ("disc", slice(4, 10))):
            mask = np.zeros(SIZE)
            mask[rows, 5:20] = 255
            write_picture(crossing / f"pred/c{number}_mask_{name}.png", mask)
    options = {"overlapping": True}
    result = score(crossing / "pred", crossing / "data", out=crossing / "out", **options)
    found = {
        one.label_class: one.value
        for one in result.evaluation.find(score="sensitivity", predictor="model", pooling="pooled")
    }
    assert found["cup"] == 1.0
    assert found["disc"] == 0.5
    again = score(
        result.folder / "predictions", crossing / "data", out=crossing / "again", **options
    )
    assert again.document["headline"] == result.document["headline"]
    assert "The prediction over image c0" in (result.folder / "evaluation.html").read_text()


def test_a_class_without_a_file_fails_the_case(crossing) -> None:
    """It is named, for an absent file is not an empty mask."""
    for number in range(3):
        write_picture(crossing / f"pred/c{number}_mask_disc.png", np.zeros(SIZE))
    result = score(crossing / "pred", crossing / "data", out=crossing / "out", overlapping=True)
    assert len(result.failures) == 3
    assert "expected a file of every class, found none of cup" in result.failures[0]


def test_probabilities_of_overlapping_classes_need_a_threshold(crossing) -> None:
    """Given by hand it holds for every class."""
    for number in range(3):
        for index in (1, 2):
            (crossing / "pred").mkdir(exist_ok=True)
            values = np.full(SIZE, 0.25 * index, np.float32)
            write_probability(crossing / f"pred/c{number}_prob_{index}.png", values)
    with pytest.raises(SettingsError, match="probability maps need --threshold"):
        score(crossing / "pred", crossing / "data", out=crossing / "out", overlapping=True)
    result = score(
        crossing / "pred", crossing / "data", out=crossing / "out", overlapping=True, threshold=0.4
    )
    assert result.document["thresholds"] == [0.4, 0.4]
    found = {
        one.label_class: one.value
        for one in result.evaluation.find(score="sensitivity", predictor="model", pooling="pooled")
    }
    assert (found["cup"], found["disc"]) == (0.0, 1.0)
    for number in range(3):
        for name, values in (("cup", np.full(SIZE, 255)), ("disc", np.zeros(SIZE))):
            write_picture(crossing / f"pred/c{number}_mask_{name}.png", values)
    result = score(crossing / "pred", crossing / "data", out=crossing / "by", overlapping=True)
    found = {
        one.label_class: one.value
        for one in result.evaluation.find(score="sensitivity", predictor="model", pooling="pooled")
    }
    assert (found["cup"], found["disc"]) == (1.0, 0.0)


def test_binary_data_keeps_its_headline(tmp_path) -> None:
    """One foreground class has no matrix on its page, no table by class and no objects."""
    write_fundus(tmp_path / "eyes", training=2, test=2, seed=1, size_px=(64, 64))
    masks = tmp_path / "masks"
    for file in (tmp_path / "eyes/test/1st_manual").iterdir():
        with Image.open(file) as picture:
            name = file.stem.replace("_manual1", "_test") + ".png"
            write_picture(masks / name, np.asarray(picture.convert("L")))
    result = score(masks, tmp_path / "eyes", out=tmp_path / "out", split="test")
    text = (tmp_path / "out/evaluation.html").read_text()
    assert {one.score for one in result.evaluation.headline()} == {
        "dice", "roc_auc", "average_precision", "sensitivity", "specificity",
    }  # fmt: skip
    assert "Which class is taken" not in text
    assert "By class" not in text
