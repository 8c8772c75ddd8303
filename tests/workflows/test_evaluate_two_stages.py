"""A gate and a mean of segmenters in one model folder, evaluated from files to page."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.files.writing import read_json
from delineate.inference.composing import write_composed
from delineate.inference.model_card import Gate, ModelCard, OperatingPoint
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

GATE = """
name = "tiny"
description = "Bright blocks in small grey pictures."
task = "classify"
[prepare]
size_px = [32, 32]
[patches]
size_px = [32, 32]
[model]
architecture = "classifier"
arguments = { encoder = "test_resnet" }
encoder_weights = "random"
[loss]
cross_entropy = 1.0
[train]
batch = 4
precision = "float32"
[validation]
metric = "roc_auc"
times = 1
"""
SEGMENTER = (
    "patches.size_px=[32, 32]",
    "patches.foreground_share=0.5",
    "model.arguments={width = 4, depth = 1}",
    "model.presence_head=true",
    "prepare.longest_side_px=none",
    "train.batch=4",
    "train.precision=float32",
    "train.learning_rate=0.02",
    "train.average_decay=0.9",
    "validation.times=1",
)
SUBJECTS = 24


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 24 subjects, half of them with a bright block; 12 subjects are the test part."""
    root = tmp_path_factory.mktemp("stages")
    rng = np.random.default_rng(3)
    for folder in ("images", "masks"):
        (root / "data" / folder).mkdir(parents=True)
    for number in range(SUBJECTS):
        mask = np.zeros((40, 36), np.uint8)
        if number % 2:
            row, column = rng.integers(2, 22, 2)
            mask[row : row + 11, column : column + 11] = 255
        image = rng.integers(20, 90, mask.shape) + (mask > 0) * 130
        cv2.imwrite(str(root / "data" / "images" / f"{number:02}.png"), image.astype(np.uint8))
        cv2.imwrite(str(root / "data" / "masks" / f"{number:02}.png"), mask)
    parts = {f"{number:02}": "test" for number in range(12)}
    parts |= {f"{number:02}": "validation" for number in range(12, 16)}
    parts |= {f"{number:02}": "train" for number in range(16, SUBJECTS)}
    rows = [f"{id_},{part}" for id_, part in sorted(parts.items())]
    (root / "split.csv").write_text("\n".join(["id,split", *rows]) + "\n")
    (root / "gate.toml").write_text(GATE)
    return root


def composed(first: ModelCard, **changes: object) -> ModelCard:
    """A card of a model without weights of its own."""
    document = first.model_dump() | {"weights_sha256": None, "has_presence_head": False} | changes
    return ModelCard.model_validate(document)


@pytest.fixture(scope="module")
def model(root: Path) -> Path:
    """Two segmenters of a few steps behind a gate; every kind of gate has an operating point."""
    shared = {"split_file": root / "split.csv", "threads": 1}
    train(root / "data", root / "gate", recipe=str(root / "gate.toml"), steps=2, **shared)
    for seed in (0, 1):
        out = root / f"segmenter{seed}"
        train(
            root / "data", out, recipe="general", changes=SEGMENTER, steps=40, seed=seed, **shared
        )
    names = ("members/fold1-seed0", "members/fold2-seed0")
    single = read_card(root / "segmenter0")
    write_composed(
        root / "mean",
        composed(single, members=names, gate=None),
        members={name: root / f"segmenter{seed}" for seed, name in enumerate(names)},
        page="A mean.",
    )
    point = {"threshold": 0.5, "minimum_area_px": 0, "objective": "by hand", "score": None}
    gate = Gate(kind="classifier", folder="gate", threshold=0.4, rule="by hand")
    points = (
        OperatingPoint(gate="classifier", gate_threshold=0.4, **point),
        OperatingPoint(gate=None, gate_threshold=None, **point | {"threshold": 0.6}),
        OperatingPoint(gate="head", gate_threshold=0.5, **point),
    )
    card = composed(single, members=("segmenter",), gate=gate, operating_points=points)
    write_composed(
        root / "model",
        card,
        members={"segmenter": root / "mean"},
        gate=root / "gate",
        page="Two stages.",
    )
    return root / "model"


def scored(root: Path, model: Path, out: Path, **options: object) -> dict:
    """The document of the test part."""
    evaluate(model, root / "data", out=out, split_file=root / "split.csv", threads=1, **options)
    return read_json(out / "evaluation.json", schema="evaluation")


@pytest.fixture(scope="module")
def document(root: Path, model: Path) -> dict:
    """The evaluation of the whole model."""
    return scored(root, model, root / "evaluation")


def dice_of(document: dict) -> float:
    """The headline's Dice per image of the model."""
    (value,) = (
        one["value"]
        for one in document["headline"]
        if (one["predictor"], one["score"], one["pooling"]) == ("model", "dice", "mean per image")
    )
    return value


def test_the_first_way_is_what_is_scored(document: dict) -> None:
    """The Kaggle Dice of two stages is the headline's mean per image, and its losses add up."""
    found = document["two_stage"]
    assert found["kaggle_dice"] == pytest.approx(dice_of(document))
    assert found["ways"][0]["kaggle_dice"]["value"] == found["kaggle_dice"]
    parts = ("missed_by_gate", "missed_by_segmenter", "outlined", "false_alarms", "failed")
    lost = sum(found["losses"][part]["loss"] for part in parts)
    assert lost == pytest.approx(1 - found["kaggle_dice"])
    assert [way["name"] for way in found["ways"]] == [
        "two stages",
        "segmenter without a gate",
        "segmenter with its own head",
        "empty prediction",
    ]


def test_the_segmenter_without_a_gate_is_the_model_in_its_folder(
    root: Path, model: Path, document: dict, tmp_path: Path
) -> None:
    """That way scores what the folder of the segmenter scores alone at the same threshold."""
    alone = scored(root, model / "segmenter", tmp_path / "alone", threshold=0.6)
    assert "two_stage" not in alone
    way = document["two_stage"]["ways"][1]
    assert way["kaggle_dice"]["value"] == pytest.approx(dice_of(alone))
    mean = alone["members"]["rows"][-1]
    assert mean["dice_per_image"]["value"] == pytest.approx(dice_of(alone))
    assert mean["threshold"] == 0.6


def test_a_member_scores_as_in_its_own_folder(
    root: Path, model: Path, document: dict, tmp_path: Path
) -> None:
    """Each row is what the member reaches alone, which needs none of the others."""
    row = document["members"]["rows"][1]
    alone = scored(root, model / "segmenter" / row["name"], tmp_path / "alone", threshold=None)
    if alone.get("two_stage"):  # a head of its own as a gate: its way without counts here
        value = alone["two_stage"]["ways"][1]["kaggle_dice"]["value"]
    else:
        value = dice_of(alone)
    assert row["dice_per_image"]["value"] == pytest.approx(value)


def test_pictures_and_tables_are_written(root: Path, document: dict) -> None:
    """A strip below each overlay, a row a case, both sections on the page."""
    folder = root / "evaluation"
    with (folder / "two_stage.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [f"{number:02}" for number in range(12)]
    drawn = cv2.imread(str(folder / "overlays" / "01.png"))
    assert drawn.shape[0] > 40
    assert (drawn[40:] == 255).mean() > 0.7
    page = (folder / "evaluation.html").read_text(encoding="utf-8")
    assert "Two stages, end to end" in page
    assert "Members and their mean" in page
    assert document["palette"] == "pneumothorax"
    assert "detected, 0." in page  # the words of a picture for those who cannot see it


def test_an_image_that_cannot_be_read_stays_in(root: Path, model: Path, tmp_path: Path) -> None:
    """It fails both stages and stands in a part of its own; nothing else changes."""
    data = tmp_path / "data"
    for folder in ("images", "masks"):
        (data / folder).mkdir(parents=True)
        for file in (root / "data" / folder).glob("*.png"):
            content = file.read_bytes()
            is_bad = folder == "images" and file.stem == "03"
            (data / folder / file.name).write_bytes(content[:60] if is_bad else content)
    result = evaluate(model, data, out=tmp_path / "out", split_file=root / "split.csv", threads=1)
    assert len(result.failures) == 1
    found = result.document["two_stage"]
    assert found["losses"]["failed"]["images"] == 1
    assert found["cases"] == 12
    assert found["kaggle_dice"] == pytest.approx(dice_of(result.document))
    assert found["times"]["images"] == 10


def test_a_mean_of_classifiers_stands_beside_its_members(root: Path, model: Path) -> None:
    """Two equal gates are as good as their mean, which scores what the headline says."""
    folder, names = root / "gates", ("members/a", "members/b")
    write_composed(
        folder,
        composed(read_card(model / "gate"), members=names),
        members=dict.fromkeys(names, model / "gate"),
        page="A mean of gates.",
    )
    evaluate(folder, root / "data", out=root / "gated", split_file=root / "split.csv", threads=1)
    document = read_json(root / "gated" / "evaluation.json", schema="classification")
    first, second, mean = document["members"]["rows"]
    headline = {
        one["score"]: one["value"] for one in document["headline"] if one["predictor"] == "model"
    }
    assert mean["roc_auc"]["value"] == pytest.approx(headline["roc_auc"])
    assert mean["brier_score"]["value"] == pytest.approx(headline["brier_score"])
    assert first["brier_score"] == second["brier_score"]
    assert first["difference"]["value"] == pytest.approx(0, abs=1e-12)
    assert mean["parameters"] == 2 * first["parameters"]
    page = (root / "gated" / "evaluation.html").read_text(encoding="utf-8")
    assert "Members and their mean" in page
