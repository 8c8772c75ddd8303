"""study.html from documents: tables, figures, words and what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.core.types import default_classes
from delineate.report.case_pictures import CasePicture, case_picture
from delineate.report.study_page import StudyPage, budget_words, summary_of, write_study_page
from delineate.report.study_plots import TrainingCurve, study_plots
from delineate.report.study_tables import board_table, pair_rows, score_tables_by_seed

Faults = Callable[[str], list[str]]
HOSTILE = '<script>alert("1")</script>&$x_{'


def score(value: float | None, by_seed: list[float | None], *, has_interval: bool = True, **more):
    """A score of a row."""
    ends = {"low": None, "high": None, "why_no_interval": "no interval from 3 subjects"}
    if has_interval and value is not None:
        ends = {"low": value - 0.05, "high": value + 0.05, "why_no_interval": None}
    why = None if value is not None else "roc_auc: a hard mask has no probabilities to rank"
    return {
        "score": "dice", "pooling": "mean per image", "value": value, "why_undefined": why,
        "by_seed": by_seed, **ends, "note": None, "empty_rule": "images empty in both count 1",
    } | more  # fmt: skip


def row(recipe: str, value: float, **cost: Any) -> dict[str, Any]:
    """A recipe with two seeds."""
    paid = {"seconds": 300.0, "steps": 900.0, "parameters": 12345.0, "images_timed": 5,
            "milliseconds_an_image": 41.25} | cost  # fmt: skip
    scores = [
        score(value, [value - 0.01, value + 0.01]),
        score(None, [None, None], score="roc_auc", pooling="pooled"),
    ]
    return {"recipe": recipe, "seeds": [0, 1], "scores": scores, "cost": paid}


def pair(first: str, second: str, value: float, is_told: bool | None) -> dict[str, Any]:
    """A comparison with this outcome."""
    has_interval = is_told is not None
    return {
        "first": first, "second": second, "cases": 12, "subjects": 11, "by_seed": [value, None],
        "value": value, "low": value - 0.01 if has_interval else None,
        "high": value + 0.01 if has_interval else None, "is_distinguishable": is_told,
        "why_no_interval": None if has_interval else "no interval from 3 subjects",
    }  # fmt: skip


@pytest.fixture
def document() -> dict[str, Any]:
    """A board of three recipes."""
    names = ("vessel", HOSTILE, "otsu")
    classes = [{"index": i, "name": n, "colour": None} for i, n in enumerate(("background", "x"))]
    return {
        "data": "/data/eyes", "folds": None, "seed": 3, "seeds": 2, "minutes": 5.0,
        "epochs": None, "steps": None, "machine": {"processor": "a processor"},
        "scored": {"split": "test", "label_class": "x", "observer": "1", "cases": 12,
                   "region": "inside the region", "subjects": 11, "classes": classes,
                   "is_overlapping": False},
        "choosing": "this is a test split", "missing": [], "failures": [], "notes": ["a note"],
        "rows": [row(names[0], 0.8), row(names[1], 0.79),
                 row(names[2], 0.5, parameters=0.0, steps=None, seconds=None)],
        "baselines": [{"predictor": "empty prediction", "scores": [score(0.0, [])]}],
        "pairs": [pair(names[0], names[1], 0.01, False), pair(names[0], names[2], 0.3, True),
                  pair(names[1], names[2], 0.29, True)],
    }  # fmt: skip


@pytest.fixture
def curves() -> list[TrainingCurve]:
    """Three trainings of two recipes that watch different scores."""
    return [
        TrainingCurve("vessel", 0, "pooled_roc_auc", (1.0, 2.0), (0.8, 0.9), (0.5, 0.4)),
        TrainingCurve("vessel", 1, "pooled_roc_auc", (1.0, 2.0), (0.8, None), (0.5, 0.3)),
        TrainingCurve(HOSTILE, 0, "pooled_dice", (1.5,), (0.7,), (0.6,)),
    ]


@pytest.fixture
def picture() -> CasePicture:
    """A case with a hostile name."""
    labels = np.eye(30, dtype=np.uint8)
    image = np.zeros((30, 30, 1), np.uint8)
    return case_picture(image, labels, labels, case_id=HOSTILE, classes=default_classes(2),
                        subject=HOSTILE, role="worst", caption=HOSTILE)  # fmt: skip


def test_the_page_is_whole_and_without_fault(
    tmp_path: Path, document, curves, picture, faults: Faults
) -> None:
    """Tables, figures and pictures make one file without requests, scripts or dead links."""
    plots = study_plots(document, curves)
    page = StudyPage(document, plots=plots, examples=[picture])
    text = write_study_page(tmp_path / "study.html", page).read_text(encoding="utf-8")
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("<svg ") == len(plots) == 4
    said = unescape(text)
    for words in ("0.800", "0.750–", "this is a test split", "a note", "not distinguishable",
                  "vessel is better", "split test: 12 images of 11 subjects", "12,345",
                  "5 minutes, the written model included", "hit: in truth and prediction",
                  "A hard mask has no probabilities to rank"):  # fmt: skip
        assert words in said, words


def test_what_is_missing_and_what_failed_is_said(tmp_path: Path, document, faults: Faults) -> None:
    """Runs that are still missing, and failures, stand above the board."""
    failed = [{"run": HOSTILE, "failure": HOSTILE}]
    document |= {"missing": ["otsu-seed1"], "failures": failed}
    text = write_study_page(tmp_path / "study.html", StudyPage(document)).read_text()
    assert faults(text) == []
    assert "1 run is still missing" in text
    assert "1 failed" in text


def test_an_empty_board_is_a_page(tmp_path: Path, document, faults: Faults) -> None:
    """Before the first run is scored, or where all failed, there is no table and no figure."""
    del document["scored"]
    document |= {"rows": [], "pairs": [], "baselines": [], "choosing": None}
    assert study_plots(document, []) == {}
    text = write_study_page(tmp_path / "study.html", StudyPage(document)).read_text()
    assert faults(text) == []
    assert "No run has been scored yet." in text
    assert "<table" not in text


def test_the_leader_is_named_with_what_can_be_told(document) -> None:
    """Who leads, who cannot be told from it, and who can."""
    said = summary_of(document)
    assert said.startswith("vessel has the highest Dice, 0.800 (0.750 to 0.850), mean per image.")
    assert f"Not distinguishable from it: {HOSTILE}." in said
    assert "Told apart from it: otsu." in said
    document["pairs"] = [pair("vessel", "otsu", 0.3, None)]
    assert summary_of(document).endswith("whether any difference is more than chance.")


def test_a_leader_that_is_no_better_than_nothing_is_called_so(document) -> None:
    """Where most images are empty, an empty prediction may stand as high as all recipes."""
    assert "no worse" not in summary_of(document)
    document["baselines"] += [
        {"predictor": "mean training mask", "scores": [score(None, [])]},
        {"predictor": "observer 2", "scores": [score(0.8, [])]},
    ]
    ending = " Not trained here, and no worse: observer 2, 0.800 (0.750 to 0.850)."
    assert summary_of(document).endswith(ending)


def test_a_pair_says_who_is_better(document) -> None:
    """A difference below zero speaks for the second; without an interval there is a reason."""
    pairs = [pair("a", "b", -0.2, True), pair("a", "b", 0.2, None)]
    first, second = pair_rows(document | {"pairs": pairs})
    assert (first.verdict, first.difference, first.is_told_apart) == ("b is better", "−0.200", True)
    assert first.interval == "−0.210 to −0.190"
    assert first.by_seed == "−0.200, undefined"
    assert (second.verdict, second.interval) == ("no interval from 3 subjects", None)
    assert not second.is_told_apart


def test_costs_that_nobody_noted_are_not_zero(document) -> None:
    """What is not known is said so, with its reason; no parameters are 0."""
    cells = board_table(document).groups[0].rows[2].cells
    assert [cell.value for cell in cells[-3:]] == ["not known", "41", "0"]
    assert cells[-3].is_undefined
    assert board_table(document).columns[:2] == ("Dice, mean per image", "ROC AUC, pooled")
    assert [cell.value for cell in cells][2] == "0.490, 0.510"


def test_every_seed_has_its_column(document) -> None:
    """A table a recipe, with the mean and each seed's own value."""
    table = score_tables_by_seed(document)[0]
    assert table.columns == ("Mean over seeds", "Seed 0", "Seed 1")
    values = [cell.value for cell in table.groups[0].rows[0].cells]
    assert values == ["0.800", "0.790", "0.810"]
    assert "900 steps" in table.caption


@pytest.mark.parametrize(
    ("budget", "words"),
    [({"minutes": 0.5}, "0.5 minutes"), ({"steps": 40}, "40 steps"), ({}, "as its recipe says")],
)
def test_the_budget_in_words(document, budget, words) -> None:
    """How long each training was."""
    document |= {"minutes": None, **budget}
    assert words in budget_words(document)


def test_scores_of_different_kinds_have_a_figure_each(document, curves) -> None:
    """ROC AUC and Dice do not share an axis; losses share a figure."""
    captions = list(study_plots(document, curves))
    assert [c for c in captions if c.startswith("Validation score")] == [
        "Validation score while training, pooled ROC AUC, of the recipes that watch it.",
        "Validation score while training, pooled Dice, of the recipes that watch it.",
    ]
    board = study_plots(document, [])
    assert len(board) == 1
    assert "← 0.000" in next(iter(board.values()))  # the empty prediction lies far to the left


def test_whatever_is_better_has_room(document) -> None:
    """A person who is better than every recipe is drawn as well, and not beyond the axis."""
    document["rows"] = document["rows"][-1:]  # 0.5, with an interval that ends at 0.55
    document["baselines"].append({"predictor": "observer 2", "scores": [score(0.93, [])]})
    drawn = next(iter(study_plots(document, []).values()))
    ticks = [float(tick) for tick in re.findall(r">(0\.\d+)</text>", drawn)]
    assert max(ticks) >= 0.8
