"""What people read of a model that is made of others."""

from __future__ import annotations

import pytest

from delineate.inference.model_card import Gate, ModelCard, NamedClass, OperatingPoint, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.workflows.composed_page import composed_page

OTHER = Threshold(value=0.5, chosen_on="20 images", rule="by itself", score=None)


def card_of(**changes: object) -> ModelCard:
    """A card of a network, or with members of a model without weights of its own."""
    fields = {
        "name": "small, seed 0",
        "architecture": "unet",
        "arguments": {},
        "parameters": 1234,
        "stride_px": 2,
        "context_px": None,
        "classes": (
            NamedClass(index=0, name="background", colour=(0, 0, 0)),
            NamedClass(index=1, name="gas", colour=(9, 9, 9)),
        ),
        "preparation": Preparation(
            channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,), size_px=(96, 128)
        ),
        "predict": PredictSettings(minimum_area_px=40),
        "precision": "float32",
        "threshold": Threshold(value=0.25, chosen_on="20 images", rule="the best", score=0.5),
        "training": {},
        "validation": {"scores": {"mean_dice": 0.5, "dice": None}, "rule": "out of fold"},
        "weights_sha256": None if "members" in changes else "0" * 64,
    }
    return ModelCard.model_validate(fields | changes)


@pytest.fixture
def gate() -> ModelCard:
    """A classifier that is the mean of two."""
    return card_of(task="classify", members=("members/1", "members/2"), parameters=777)


def row_of(page: str, first: str) -> list[str]:
    """The cells of the row that begins so."""
    (line,) = (each for each in page.splitlines() if each.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_mean_says_what_is_in_it():
    """Every member has a row with its folder, its size and its own threshold."""
    page = composed_page(
        card_of(members=("members/a", "members/b"), parameters=2468),
        {"members/a": card_of(), "members/b": card_of(parameters=4321)},
    )
    assert page.startswith(
        "# small, seed 0\n\nThe mean probability of 2 segmentation models, trained with"
    )
    assert row_of(page, "`members/b`") == [
        "segmentation model unet",
        "4,321",
        "1 channel(s), brought to 96 x 128 px",
        "0.2500, the best (20 images)",
    ]
    assert row_of(page, "parameters") == ["2,468 in all"]
    assert row_of(page, "gate") == ["none: every image is segmented"]
    assert row_of(page, "smallest object") == ["40 px"]
    assert row_of(page, "mean dice") == ["0.5000"]
    assert row_of(page, "dice") == ["undefined"]
    assert "--no-gate" not in page
    assert "chosen together" not in page


def test_two_stages_say_what_decides_and_how_it_was_chosen(gate):
    """The gate comes first, and each kind of gate has its row of what was chosen for it."""
    point = {"objective": "mean Dice of 20 images", "score": 0.75}
    card = card_of(
        members=("segmenter",),
        gate=Gate(kind="classifier", folder="gate", threshold=0.125, rule="with the masks"),
        operating_points=(
            OperatingPoint(
                gate="classifier",
                gate_threshold=0.125,
                threshold=0.25,
                minimum_area_px=40,
                cross_fitted_score=0.5,
                **point,
            ),
            OperatingPoint(
                gate=None, gate_threshold=None, threshold=0.5, minimum_area_px=80, **point
            ),
        ),
    )
    page = composed_page(card, {"segmenter": card_of(), "gate": gate})
    assert "A segmentation model behind a gate" in page
    assert row_of(page, "gate")[0] == "the classifier, from 0.1250 on: with the masks"
    assert row_of(page, "`gate`")[:3] == [
        "gate: the mean of 2 classifiers",
        "777",
        "as each of them takes them",
    ]
    assert page.index("`gate`") < page.index("`segmenter`")
    assert row_of(page, "the classifier") == ["0.1250", "0.2500", "40 px", "0.7500", "0.5000"]
    assert row_of(page, "none: every image is segmented") == [
        "none", "0.5000", "80 px", "0.7500", "undefined",
    ]  # fmt: skip
    assert page.count("mean Dice of 20 images") == 1
    assert "IMAGES --out DIR --no-gate" in page
    assert "{this folder}/gate IMAGES" in page


def test_a_classifier_has_no_masks_to_speak_of(gate):
    """Neither a smallest object nor a gate stands on the page of classifiers."""
    member = card_of(task="classify")
    page = composed_page(gate, {"members/1": member, "members/2": member})
    assert "The mean probability of 2 classifiers" in page
    assert "smallest object" not in page
    assert "| gate |" not in page


def test_what_was_chosen_together_is_said_once():
    """One rule for both thresholds stands at the first, and the gate refers to it."""
    gate = Gate(kind="head", threshold=0.5, rule="the best")
    page = composed_page(card_of(members=("a",), gate=gate), {"a": card_of(threshold=OTHER)})
    assert page.count("the best") == 1
    assert row_of(page, "gate") == [
        "the segmenter's own head, from 0.5000 on: chosen together with that threshold"
    ]


def test_a_segmenters_own_head_is_named():
    """A mean behind its own head says so, and has no other folder to ask."""
    gate = Gate(kind="head", threshold=0.5, rule="on validation")
    card = card_of(members=("members/a",), gate=gate)
    page = composed_page(card, {"members/a": card_of()})
    assert row_of(page, "gate") == ["the segmenter's own head, from 0.5000 on: on validation"]
    assert "which says itself whether there is anything to find" in page
