"""What is said of a model, and which images are offered to try it on."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.data.opening import open_dataset
from delineate.data.sample import TEST, TRAIN, VALIDATION
from delineate.data.splitting import apply_split, read_split
from delineate.inference.about import About
from delineate.inference.model import Model, load_model
from delineate.inference.model_card import NamedClass
from delineate.web.examples import (
    MOST,
    Examples,
    examples_of,
    examples_of_folder,
    examples_of_run,
)
from delineate.web.model_facts import model_document
from delineate.web.problems import RefusedError
from delineate.web.uploads.decoding import Decoder
from delineate.workflows.model_page import MUST_NOT
from delineate.workflows.run_folder import read_run

EVALUATION = "evaluation-test/evaluation.json"


@pytest.fixture(scope="module")
def model(disc_run: Path) -> Model:
    """The model of the run on discs."""
    return load_model(disc_run, device="cpu", threads=1)


@pytest.fixture
def run(disc_run: Path, tmp_path: Path) -> Path:
    """The run's evaluation in a folder of its own, to be changed."""
    (tmp_path / "evaluation-test").mkdir()
    shutil.copy(disc_run / EVALUATION, tmp_path / EVALUATION)
    return tmp_path


def changed(run: Path, **values: object) -> None:
    """The evaluation with other values."""
    document = json.loads((run / EVALUATION).read_text())
    (run / EVALUATION).write_text(json.dumps(document | values))


def test_held_out_scores_come_with_interval_rule_and_baselines(model: Model, run: Path) -> None:
    """They are the figures of the evaluation, each with its own rule."""
    figures = json.loads((run / EVALUATION).read_text())["headline"]
    document = model_document(model, run)
    assert document.is_held_out
    assert document.scored_on == "test split, 4 images of 2 subjects"
    own = [each for each in figures if each["predictor"] == "model"]
    assert [each.value for each in document.scores] == [each["value"] for each in own]
    assert [each.rule for each in document.scores] == [each["rule"] for each in own]
    assert document.scores[0].name == "Dice, pooled"
    assert len(document.baselines) == len(figures) - len(own)
    assert document.baselines[0].name == "mean training mask: Dice, pooled"


def test_without_an_evaluation_the_card_speaks(model: Model, tmp_path: Path) -> None:
    """And it is said that its scores are of the split on which the model was chosen."""
    for place in (None, tmp_path):
        document = model_document(model, place)
        assert not document.is_held_out
        assert document.scored_on == model.card.threshold.chosen_on
        assert {each.name: each.value for each in document.scores} == {
            name.replace("_", " "): value for name, value in model.card.validation["scores"].items()
        }
        assert document.baselines == []
        assert "better than on new images" in document.notes[0]


@pytest.mark.parametrize(
    "values", [{"weights_sha256": "0" * 64}, {"split": "validation"}, {"schema": "other"}]
)
def test_scores_of_anything_else_are_not_taken(
    model: Model, run: Path, values: dict[str, str]
) -> None:
    """Other weights, another split, another version."""
    changed(run, **values)
    assert not model_document(model, run).is_held_out
    assert model_document(model, run).baselines == []


def test_leaked_scores_are_not_called_held_out(model: Model, run: Path) -> None:
    """They are shown, for there are no others, and not as what new images would give."""
    changed(run, leaks={"cases": ["s09_0"]})
    document = model_document(model, run)
    assert not document.is_held_out
    assert document.baselines


def test_what_it_is_for_and_not_for_is_said(model: Model, disc_run: Path) -> None:
    """In words, with what it learnt from."""
    document = model_document(model, disc_run)
    assert document.purpose.startswith("Outlines foreground in grey images")
    assert any("no medical device" in each for each in document.limits)
    assert document.facts["learnt from"].startswith("16 images, layout folders")
    assert document.gate is None


def under(model: Model, **changes: object) -> Model:
    """The model with another card."""
    return replace(model, card=model.card.model_copy(update=changes))


def named(*names: str) -> tuple[NamedClass, ...]:
    """A background and classes of these names."""
    return tuple(
        NamedClass(index=index, name=name, colour=(index, 0, 0))
        for index, name in enumerate(("background", *names))
    )


def test_its_own_words_come_first(model: Model) -> None:
    """Title and purpose are those of the card, and its limits stand before those of every model."""
    about = About(title="Discs & rings", purpose="To try.", limits=("Squares.", "Lines."))
    document = model_document(under(model, about=about), None)
    assert (document.title, document.purpose) == ("Discs & rings", "To try.")
    assert document.limits == ["Squares.", "Lines.", *MUST_NOT]
    assert document.name == model.card.name


@pytest.mark.parametrize(
    ("classes", "channels", "title"),
    [
        (named("nerve"), 1, "Nerve in grey images"),
        (named("left lung", "right lung", "heart"), 3, None),
        (named("foreground"), 1, "general, seed 0"),
        (named("vessel", "class 2"), 3, "general, seed 0"),
        (named(*(f"sort {number} of cell" for number in range(7))), 3, "general, seed 0"),
    ],
)
def test_without_a_title_named_classes_are_the_heading(
    model: Model, classes: tuple[NamedClass, ...], channels: int, title: str | None
) -> None:
    """Where somebody named them all and they fit in a line; else the name is."""
    preparation = model.card.preparation.model_copy(update={"channels": channels})
    document = model_document(under(model, classes=classes, preparation=preparation), None)
    assert document.title == (title or "Left lung, right lung and heart in colour images")


def test_a_gate_is_told_with_its_rule(gated: Path) -> None:
    """Its threshold is that of the card."""
    behind = load_model(gated, device="cpu", threads=1)
    document = model_document(behind, None)
    assert behind.card.gate is not None
    assert document.gate is not None
    assert document.kind.startswith("segmenter behind a gate, ")
    assert document.gate.threshold == behind.card.gate.threshold
    assert "where its gate finds anything" in document.purpose


def test_examples_are_none_that_it_was_trained_on(disc_run: Path, discs: Path) -> None:
    """Of the run's data the test images; without any those of validation; never others."""
    parts = read_split(disc_run / "split.csv")
    offered = examples_of_run(disc_run, read_run(disc_run))
    assert 0 < len(offered) <= MOST
    assert {parts[each.name] for each in offered} == {TEST}
    without = {id_: split for id_, split in parts.items() if split != TEST}
    dataset = apply_split(open_dataset(discs), without)
    assert {parts[each.name] for each in examples_of(dataset)} == {VALIDATION}
    only = {id_: split for id_, split in parts.items() if split == TRAIN}
    assert examples_of(apply_split(open_dataset(discs), only)) == []


def test_without_its_data_a_run_has_no_examples(disc_run: Path, tmp_path: Path) -> None:
    """The rest of the server does not need them."""
    facts = read_run(disc_run).model_copy(update={"data": str(tmp_path / "gone")})
    assert examples_of_run(disc_run, facts) == []


def test_examples_of_a_folder_are_shown_small(tmp_path: Path) -> None:
    """In natural order; a key that there is not is refused, and one whose file is gone is told."""
    for number in (10, 9):
        pixels = np.full((300, 600), number, np.uint8)
        cv2.imwrite(str(tmp_path / f"scan{number}.png"), pixels)
    offered = examples_of_folder(tmp_path)
    assert [each.name for each in offered] == ["scan9.png", "scan10.png"]
    decoder = Decoder(1, 1_000_000)
    try:
        examples = Examples(offered, decoder)
        small = asyncio.run(examples.thumbnail(offered[0].key))
        shown = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_UNCHANGED)
        assert shown.shape[:2] == (128, 256)
        assert (shown == 9).all()
        with pytest.raises(RefusedError, match="no such one here"):
            asyncio.run(examples.decoded("0" * 16))
    finally:
        decoder.close()
