"""A segmenter with a head for presence, from training to prediction."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.data.folding import read_folds
from delineate.inference.model import load_model
from delineate.inference.model_card import PRESENT
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

CHANGES = (
    "patches.size_px=[32, 32]",
    "patches.foreground_share=0",
    "model.arguments={width = 6, depth = 2}",
    "model.presence_head=true",
    "prepare.longest_side_px=none",
    "train.batch=8",
    "train.precision=float32",
    "train.learning_rate=0.01",
    "train.average_decay=0.9",
    "validation.times=2",
    "validation.fraction=0.4",
)


def write_half_empty(root: Path) -> Path:
    """32 grey pictures of 32x32, every other one with a bright block; the block is the mask."""
    rng = np.random.default_rng(3)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(32):
        mask = np.zeros((32, 32), np.uint8)
        if number % 2:
            row, column = rng.integers(2, 18, 2)
            mask[row : row + 11, column : column + 11] = 255
        image = rng.integers(20, 90, mask.shape) + (mask > 0) * 130
        cv2.imwrite(str(root / "images" / f"{number:02}.png"), image.astype(np.uint8))
        cv2.imwrite(str(root / "masks" / f"{number:02}.png"), mask)
    return root


@pytest.fixture(scope="module")
def headed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The pictures, and a run with a head that learnt from them for a few steps."""
    root = tmp_path_factory.mktemp("headed")
    data, run = write_half_empty(root / "data"), root / "run"
    train(data, run, recipe="general", changes=CHANGES, steps=60, threads=1)
    return data, run


def test_head_becomes_a_gate_that_was_chosen_on_validation(headed: tuple[Path, Path]) -> None:
    """The card holds the head, its threshold with the rule, and how it ranks images."""
    card = read_card(headed[1])
    assert card.has_presence_head
    assert card.gate is not None
    assert card.gate.kind == "head"
    assert "nothing is drawn counting 1 (validation split, " in card.gate.rule
    assert card.validation["scores"]["presence_roc_auc"] > 0.9


def test_closed_gate_draws_nothing(headed: tuple[Path, Path]) -> None:
    """The model says what its head says; below the threshold nothing is drawn."""
    data, run = headed
    model = load_model(run)
    empty, full = (
        cv2.imread(str(data / "images" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        for name in ("00", "01")
    )
    found = model.predict(full)
    assert found.probability.shape == (1, 32, 32)
    assert found.gate is not None
    assert found.gate.is_present
    assert found.mask(PRESENT).any()
    nothing = model.predict(empty)
    assert nothing.gate is not None
    assert nothing.gate.probability < found.gate.probability
    assert not nothing.gate.is_present
    assert not nothing.labels.any()


def test_evaluation_sets_the_head_beside_no_gate(headed: tuple[Path, Path]) -> None:
    """Both are scored on the same images."""
    data, run = headed
    result = evaluate(run, data, split="validation")
    kinds = {way["gate"] for way in result.document["two_stage"]["ways"]}
    assert {"head", None} <= kinds


def test_resumed_training_chooses_the_same_gate(headed: tuple[Path, Path], tmp_path: Path) -> None:
    """The same steps and seed give the same head."""
    data, run = headed
    again = tmp_path / "again"
    train(data, again, recipe="general", changes=CHANGES, steps=60, threads=1)
    assert read_card(again).gate == read_card(run).gate
    assert read_card(again).weights_sha256 == read_card(run).weights_sha256


@pytest.fixture(scope="module")
def folded(headed: tuple[Path, Path]) -> Path:
    """The same recipe over two folds of the same pictures."""
    data, run = headed
    out = run.parent / "folds"
    train(data, out, recipe="general", changes=CHANGES, folds=2, steps=60, threads=1)
    return out


def test_heads_of_folds_become_the_gate_of_their_mean(
    headed: tuple[Path, Path], folded: Path
) -> None:
    """The gate is chosen on the mean presence out of fold, and stands before the whole model."""
    card = read_card(folded)
    assert card.gate is not None
    assert card.gate.kind == "head"
    folds = read_folds(folded / "folds.csv")
    assert f"(out-of-fold predictions, {len(folds)} images)" in card.gate.rule
    assert card.validation["scores"]["presence_roc_auc"] > 0.9
    head, none = card.operating_points
    assert (head.gate, none.gate) == ("head", None)
    assert head.score >= none.score
    model = load_model(folded)
    image = cv2.imread(str(headed[0] / "images" / "01.png"), cv2.IMREAD_GRAYSCALE)
    said = [load_model(folded / "members" / f"fold{n}-seed0").predict(image) for n in (1, 2)]
    verdict = model.predict(image).gate
    assert verdict is not None
    mean = np.mean([each.gate.probability for each in said])
    assert verdict.probability == pytest.approx(mean, abs=1e-6)


def test_pages_of_folds_say_what_the_head_is_worth(folded: Path) -> None:
    """The page and the evaluation of unseen images name the gate, and what masks are without."""
    gate = json.loads((folded / "folds.json").read_text())["gate"]
    assert gate["mean_dice"] >= gate["mean_dice_without"]
    assert "their own head, from" in (folded / "folds.html").read_text()
    notes = json.loads((folded / "out_of_fold" / "evaluation.json").read_text())["notes"]
    assert any(note.startswith("no mask is kept back here") for note in notes)


def test_mean_is_evaluated_behind_its_head_and_without(
    headed: tuple[Path, Path], folded: Path
) -> None:
    """Both ways stand beside each other, and each member beside the mean."""
    document = evaluate(folded, headed[0], split="test", threads=1).document
    ways = {way["gate"]: way for way in document["two_stage"]["ways"]}
    assert ways["head"]["gate_threshold"] == read_card(folded).gate.threshold
    assert ways[None]["gate_threshold"] is None
    assert len(document["members"]["rows"]) == 3
