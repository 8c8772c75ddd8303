"""Classifiers from training to evaluation, on masks and on tables of image labels."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LeakageError
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

RECIPE = """
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
times = 2
"""
SUBJECTS = 10
SPLITS = {"s6": "validation", "s7": "validation", "s8": "test", "s9": "test"}
LABELS = {f"s{n}_{m}": bool((n + m) % 2) for n in range(SUBJECTS) for m in range(2)}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Two pictures a subject, one of them with a block and its mask; not to be written to."""
    rng = np.random.default_rng(3)
    root = tmp_path_factory.mktemp("blocks") / "data"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for id_, is_present in LABELS.items():
        mask = np.zeros((41, 37), np.uint8)
        if is_present:
            row, column = rng.integers(0, 25, 2)
            mask[row : row + 12, column : column + 12] = 255
        picture = rng.integers(0, 80, mask.shape) + mask // 2
        Image.fromarray(picture.astype(np.uint8)).save(root / "images" / f"{id_}.png")
        Image.fromarray(mask).save(root / "masks" / f"{id_}.png")
    return root


def table(file: Path, rows: Mapping[str, object], column: str) -> Path:
    """A CSV of id and one more column."""
    file.write_text("\n".join([f"id,{column}", *(f"{id_},{row}" for id_, row in rows.items())]))
    return file


def split_rows() -> dict[str, str]:
    """Id to its part."""
    return {id_: SPLITS.get(id_[:2], "train") for id_ in LABELS}


@pytest.fixture(scope="module")
def files(data) -> dict[str, Path]:
    """The recipe, the split and the table of labels, beside the data."""
    recipe = data.parent / "tiny.toml"
    recipe.write_text(RECIPE)
    labels = {id_: int(label) for id_, label in LABELS.items()}
    return {
        "recipe": recipe,
        "split_file": table(data.parent / "split.csv", split_rows(), "split"),
        "labels": table(data.parent / "labels.csv", labels, "label"),
    }


def trained(source: Path, out: Path, files: Mapping[str, Path], **options) -> Path:
    """The folder of a run of a few steps."""
    options = {"steps": 4, "split_file": files["split_file"], "device": "cpu"} | options
    return train(source, out, recipe=str(files["recipe"]), threads=1, **options).folder


@pytest.fixture(scope="module")
def mask_run(data, files) -> Path:
    """A run whose labels come from masks, only ever added to."""
    return trained(data, data.parent / "mask run", files)


@pytest.fixture(scope="module")
def table_run(data, files) -> Path:
    """A run on images alone, labelled by a table; only ever added to."""
    folder, out = data / "images", data.parent / "table run"
    return trained(folder, out, files, layout="images", labels=files["labels"])


@pytest.fixture
def copied(data, tmp_path) -> Callable[[], Path]:
    """A function that copies the data to where it may be changed."""

    def copy() -> Path:
        return Path(shutil.copytree(data, tmp_path / "copied"))

    return copy


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    """Id to its row of cases.csv."""
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_copies_among_images_that_a_table_labels_stop_training(files, copied, tmp_path):
    """A test image that is a training image's file is found without any mask."""
    root = copied()
    shutil.copy(root / "images" / "s0_1.png", root / "images" / "s8_1.png")
    options = {"layout": "images", "labels": files["labels"]}
    with pytest.raises(LeakageError, match=r"1 image file on both sides: s0_1 .train. and s8_1"):
        trained(root / "images", tmp_path / "run", files, **options)
    assert not (tmp_path / "run").exists()


def test_copies_among_images_that_a_table_labels_stop_evaluation(
    table_run, files, copied, tmp_path
):
    """Copies that came after training are found too, and where allowed leave a second score."""
    root = copied()
    shutil.copy(root / "images" / "s0_1.png", root / "images" / "s8_1.png")
    options = {"layout": "images", "threads": 1}
    with pytest.raises(LeakageError, match=r"1 image file on both sides: s0_1 .train. and s8_1"):
        evaluate(table_run, root / "images", out=tmp_path / "a", **options)
    document = evaluate(
        table_run, root / "images", out=tmp_path / "b", allow_leakage=True, **options
    ).document
    assert document["leaks"]["cases"] == ["s8_1"]
    assert [(view["name"], view["cases"]) for view in document["views"]] == [
        ("every case", 4),
        ("without the leaked cases", 3),
    ]
