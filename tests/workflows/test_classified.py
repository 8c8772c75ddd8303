"""Classifiers from training to evaluation, on masks and on tables of image labels."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import ReviewLog
from delineate.cli.scores import classification_table
from delineate.core.checks import sha256_of_file
from delineate.core.errors import LayoutError, LeakageError, SettingsError
from delineate.inference.model_folder import read_card
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


def decided_by(folder: Path, *decisions: tuple[str, str, Path | str]) -> Path:
    """A review of single images: id, action, and the mask file that it takes or nothing."""
    findings = {id_: Finding("unusual_mask", (id_,), "") for id_, *_ in decisions}
    log = ReviewLog.create(folder / "review.sqlite", findings=list(findings.values()), facts={})
    for id_, action, argument in decisions:
        log.decide(findings[id_].id, action, argument=argument, who="me")
    return folder / "review.sqlite"


def test_a_review_leaves_scores_on_labels_before_and_after(mask_run, data, tmp_path):
    """An emptied mask and a dropped image: what the note promises stands in the views."""
    given = data / "masks" / "s0_0.png"  # without a block
    review = decided_by(tmp_path, ("s8_1", "replace", given), ("s9_0", "drop", ""))
    result = evaluate(mask_run, data, review=review, out=tmp_path / "out", threads=1)
    document = result.document
    assert [(view["name"], view["cases"]) for view in document["views"]] == [
        ("every case, labels as decided", 3),
        ("labels before the decisions", 4),
        ("cases that no decision touched", 2),
    ]
    assert document["review"]["cases"] == {"relabelled": ["s8_1"], "dropped": ["s9_0"]}
    (note,) = (note for note in document["notes"] if note.startswith("decisions gave"))
    assert "the headline scores stand on the labels as decided, on the labels before" in note
    assert (document["present"], document["absent"]) == (0, 3)
    of = {view["name"]: view["records"] for view in document["views"]}
    plain = evaluate(mask_run, data, out=tmp_path / "plain", threads=1).document
    before = of["labels before the decisions"]
    assert [one["value"] for one in before] == [one["value"] for one in plain["headline"]]
    assert set(rows_of(tmp_path / "out")) == {"s8_0", "s8_1", "s9_1"}
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "labels before the decisions" in page.lower()


def test_a_review_beside_a_table_only_drops(table_run, data, files, tmp_path):
    """Masks count for nothing where a table labels the images, and the note says so."""
    given = data / "masks" / "s0_0.png"
    review = decided_by(tmp_path, ("s8_1", "replace", given), ("s9_0", "drop", ""))
    document = evaluate(
        table_run,
        data,
        review=review,
        labels=files["labels"],
        split_file=files["split_file"],
        layout="folders",
        out=tmp_path / "out",
        threads=1,
    ).document
    assert [view["cases"] for view in document["views"]] == [3, 4, 3]
    notes = " ".join(document["notes"])
    assert "a table says what is in the images, so that no mask counts" in notes
    assert "decisions left 1 case of this split out" in notes
    assert "another mask and left" not in notes


def test_an_image_that_cannot_be_read_is_the_worst_answer(mask_run, copied, tmp_path):
    """Its truth is its mask's: it counts as failed, and makes every figure worse."""
    root = copied()
    (root / "images" / "s8_1.png").write_bytes(b"\x89PNG\r\n")
    result = evaluate(mask_run, root, out=tmp_path / "out", threads=1)
    row = rows_of(tmp_path / "out")["s8_1"]
    assert (row["status"], row["truth"], row["outcome"]) == ("failed", "present", "failed")
    assert result.document["confusion"]["failed_present"] == 1
    assert len(result.failures) == 1
    assert "s8_1.png" in result.failures[0]


def test_a_mask_that_does_not_fit_leaves_a_row_without_truth(mask_run, copied, tmp_path):
    """Nothing counts the case; table, page and document say that it has no truth."""
    root = copied()
    Image.fromarray(np.zeros((41, 36), np.uint8)).save(root / "masks" / "s8_0.png")
    result = evaluate(mask_run, root, out=tmp_path / "out", threads=1)
    row = rows_of(tmp_path / "out")["s8_0"]
    assert (row["status"], row["truth"], row["outcome"]) == ("no truth", "", "no truth")
    assert "s8_0.png: expected the size of" in row["failure"]
    assert result.document["without_truth"] == 1
    assert len(result.failures) == 1
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "1 case failed or without truth" in page
    assert "2 present, 1 absent, 1 without truth and not scored" in page
    printed = list(classification_table(result.document))
    assert any("2 present and 1 absent, 1 without truth" in line for line in printed)


def test_the_evaluation_says_what_the_truth_was(mask_run, table_run, data, files, tmp_path):
    """Masks, or a table by its name and contents: in the document, on the page and in the log."""
    of_masks = evaluate(mask_run, threads=1, out=tmp_path / "masks")
    assert of_masks.document["labels"] == {
        "origin": "the masks of observer reference",
        "table_sha256": None,
    }
    of_table = evaluate(table_run, threads=1, out=tmp_path / "table")
    said = {"origin": "the table labels.csv", "table_sha256": sha256_of_file(files["labels"])}
    assert of_table.document["labels"] == said
    assert "the table labels.csv" in of_table.main_result.read_text()
    assert json.loads((table_run / "scorings.jsonl").read_text().splitlines()[-1])["labels"] == said
    other = table(
        tmp_path / "second.csv", {id_: int(not one) for id_, one in LABELS.items()}, "label"
    )
    document = evaluate(table_run, labels=other, threads=1, out=tmp_path / "other").document
    assert document["labels"] == {
        "origin": "the table second.csv",
        "table_sha256": sha256_of_file(other),
    }
    assert (document["present"], of_table.document["present"]) == (2, 2)


def test_a_run_on_a_table_knows_its_data_by_its_labels(table_run, data, files, tmp_path):
    """A copy of images and table is the run's own data; a resumed run refuses other labels."""
    moved = Path(shutil.copytree(data / "images", tmp_path / "moved"))
    document = evaluate(table_run, moved, threads=1, out=tmp_path / "out").document
    assert document["split"] == "test"
    run = Path(shutil.copytree(table_run, tmp_path / "run"))
    train(data / "images", run, resume=True, threads=1)
    table(run / "labels.csv", {id_: int(not label) for id_, label in LABELS.items()}, "label")
    with pytest.raises(SettingsError, match="images or labels are not those that this run began"):
        train(data / "images", run, resume=True, threads=1)


@pytest.mark.parametrize("split", [None, "test", "all"])
def test_images_without_labels_lead_to_the_option(mask_run, files, data, tmp_path, split):
    """Training and evaluation of a classifier both name --labels."""
    with pytest.raises(LayoutError, match=r"images without masks; .*--labels"):
        evaluate(
            mask_run, data / "images", layout="images", split=split, out=tmp_path / "a", threads=1
        )
    with pytest.raises(LayoutError, match=r"images without masks; give a CSV .* with --labels"):
        trained(data / "images", tmp_path / "b", files, layout="images")


def test_every_image_of_the_runs_own_data_is_no_test(mask_run, tmp_path):
    """Among all images are those that the model was trained on, and a note says so."""
    document = evaluate(mask_run, split="all", out=tmp_path / "out", threads=1).document
    assert (
        "the model was trained on some of these cases: expect less on new images"
        in (document["notes"])
    )


def test_a_palette_is_refused(mask_run, tmp_path):
    """A classifier draws no masks that could be coloured."""
    with pytest.raises(SettingsError, match="--palette nerve: colours masks"):
        evaluate(mask_run, palette="nerve", out=tmp_path / "out", threads=1)
    assert not (tmp_path / "out").exists()


def test_the_curve_says_where_its_threshold_is_from(mask_run, tmp_path):
    """Chosen on validation images, or given by hand."""
    chosen = evaluate(mask_run, out=tmp_path / "a", threads=1).main_result.read_text()
    given = evaluate(mask_run, threshold=0.4, out=tmp_path / "b", threads=1).main_result.read_text()
    start = "ROC curve over the scored cases; the dot is at the threshold"
    assert f"{start} 0.4: given by hand." in given
    assert f"{start} 0.4: given by hand." not in chosen
    assert re.search(rf"{start} [0-9.e-]+: .*validation split", chosen)


def test_the_card_says_at_which_threshold_accuracy_is_counted(mask_run):
    """Its name holds 0.5, which is not the threshold chosen; the share present is told too."""
    card = read_card(mask_run)
    assert set(card.validation["scores"]) == {"roc_auc", "accuracy_at_0.5"}
    page = (mask_run / "model" / "README.md").read_text()
    assert "| accuracy at 0.5 |" in page
    assert "12 images, layout folders, the masks of observer reference, 50.0% present |" in page
