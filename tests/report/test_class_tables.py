"""Tables of many classes and of objects, and who is taken for whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.core.types import LabelClass
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.objects import ObjectTally
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings
from delineate.report.class_tables import (
    SCORES_OF_OBJECTS,
    Swap,
    class_tables,
    confusion_of,
    object_tables,
    swaps_of,
)
from delineate.report.confusion_plot import NO_ANSWER, confusion_plot, shown_shares
from delineate.report.evaluation_page import write_evaluation_page
from delineate.report.score_plots import MOST_CURVES, evaluation_plots

HOSTILE = '<script>alert("1")</script>&$x_{'
QUICK = EvaluationSettings(resamples=100)


def document_of(count: int, *, has_probabilities: bool = False) -> dict[str, Any]:
    """An evaluation of so many foreground classes, the second with a hostile name."""
    random = np.random.default_rng(count)
    classes = [LabelClass(0, "background", (0, 0, 0))] + [
        LabelClass(k, HOSTILE if k == 2 else f"kind {k}", (k, 100, 200))
        for k in range(1, count + 1)
    ]
    cases = []
    for number in range(10):
        truth = random.integers(0, count + 1, (10, 12)).astype(np.uint8)
        wrong = random.random(truth.shape) < 0.3
        labels = np.where(wrong, (truth + 1) % (count + 1), truth).astype(np.uint8)
        hot = np.eye(count + 1, dtype=np.float32)[labels].transpose(2, 0, 1) * 0.9 + 0.001
        fields = {"probability": hot} if has_probabilities else {"labels": labels}
        failure = "gone" if number == 3 else None
        cases.append(
            ScoredCase(f"{number}", f"s{number}", {"1st": truth}, failure=failure, **fields)
        )
    found = score_cases(cases, classes, None, objects=ObjectTally(classes), settings=QUICK)
    return dict(json.loads(json.dumps(found.to_document())))


@pytest.fixture(scope="module")
def few() -> dict[str, Any]:
    """Four classes."""
    return document_of(4)


@pytest.fixture(scope="module")
def many() -> dict[str, Any]:
    """Twenty-five classes with probabilities."""
    return document_of(25, has_probabilities=True)


def test_few_classes_have_one_table_with_their_colours(few) -> None:
    """Pooled and per image below each other; a class has its colour and the mean none."""
    [made] = class_tables(few)
    assert [group.pooling for group in made.groups] == ["Pooled", "Mean per image"]
    assert [row.colour for row in made.groups[0].rows] == [
        "#0164c8", "#0264c8", "#0364c8", "#0464c8", None,
    ]  # fmt: skip
    assert made.columns[:4] == ("IoU", "Dice", "Precision", "Sensitivity")


def test_scores_without_any_value_are_said_below(few) -> None:
    """Hard masks have no column of ROC AUC, but a sentence that says why."""
    [made] = class_tables(few)
    assert "ROC AUC" not in made.columns
    assert any(one.startswith("ROC AUC and Average precision: undefined") for one in made.remarks)


def test_many_classes_have_a_table_each_pooling(many) -> None:
    """The second is folded by the page."""
    made = class_tables(many)
    assert [table.title.rpartition(": ")[2] for table in made] == ["pooled", "mean per image"]
    assert [len(table.groups[0].rows) for table in made] == [26, 26]


def test_objects_are_rows_of_classes(few) -> None:
    """Every score is a column, and the rules stand below."""
    [made] = object_tables(few)
    [group] = made.groups
    assert len(made.columns) == len(SCORES_OF_OBJECTS)
    assert [row.name for row in group.rows][-1] == "Mean of the foreground classes"
    assert all(cell is not None for row in group.rows for cell in row.cells)
    assert any("connected components" in one for one in made.remarks)
    assert object_tables({**few, "objects": None}) == []


def test_swaps_are_counted_by_hand() -> None:
    """The commonest first; the share is of all pixels of the true class, unanswered ones too."""
    matrix = {"pixels": [[5, 1], [3, 2]], "unanswered_px": [0, 5]}
    assert swaps_of(matrix, ["sky", "road"]) == (
        Swap("road", "sky", 3, 0.3),
        Swap("sky", "road", 1, pytest.approx(1 / 6)),
    )


def test_a_perfect_matrix_has_no_swaps(few) -> None:
    """Then that is what is said."""
    zero = [[0] * 5 for _ in range(5)]
    perfect = [{**few["confusion_matrices"][0], "pixels": zero}]
    found = confusion_of({**few, "confusion_matrices": perfect})
    assert found is not None
    assert (found.swaps, found.remark) == ((), "No class is taken for another.")
    assert confusion_of({**few, "confusion_matrices": []}) is None


def test_classes_that_nobody_holds_are_left_out() -> None:
    """Neither row nor column; failures have a column of their own."""
    matrix = {"pixels": [[0, 0, 0], [0, 3, 1], [0, 0, 0]], "unanswered_px": [0, 4, 0]}
    shares, rows, columns = shown_shares(matrix, ["none", "a", "b"])
    assert (rows, columns) == (["a", "b"], ["a", "b", NO_ANSWER])
    assert shares == [[3 / 8, 1 / 8, 0.5], [None, None, None]]


@pytest.mark.parametrize("count", [2, 12, 40])
def test_the_matrix_names_every_class(count: int) -> None:
    """On both sides; up to two dozen classes with numbers in the cells."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 9, (count, count)) + 90 * np.eye(count, dtype=int)
    matrix = {"pixels": pixels.tolist(), "unanswered_px": [0] * count}
    names = [f"kind-{place:02d}" for place in range(count)]
    text = confusion_plot(matrix, names)
    assert all(text.count(f">{name}<") == 2 for name in names)
    numbers = re.findall(r">\d+\.\d<", text)
    assert (len(numbers) >= count) == (count <= 13)
    assert ("plot whole fitted" in text) == (count > 24)


def test_numbers_are_per_cent_of_the_row() -> None:
    """Three quarters of a class are 75.0, whatever the column's total is."""
    matrix = {"pixels": [[30, 10], [90, 0]], "unanswered_px": [0, 0]}
    text = confusion_plot(matrix, ["sky", "road"])
    assert sorted(re.findall(r">(\d+\.\d)<", text)) == ["100.0", "25.0", "75.0"]


@pytest.mark.parametrize("name", ["few", "many"])
def test_the_page_is_whole(
    tmp_path: Path, request: pytest.FixtureRequest, faults: Callable[[str], list[str]], name: str
) -> None:
    """Few or many classes: tables, matrix and objects without fault or hostile script."""
    document = request.getfixturevalue(name)
    file = tmp_path / "evaluation.html"
    write_evaluation_page(file, document=document, plots=evaluation_plots(document))
    text = file.read_text(encoding="utf-8")
    assert faults(text) == []
    assert "<script" not in text
    assert "Which class is taken for which" in text
    assert "Objects of each class" in text
    assert text.count("<details") == text.count("</details>")
    assert ("tables, one for each class" in text) == (name == "many")


def test_only_the_worst_of_many_curves_are_drawn(many) -> None:
    """Those of least area, and the caption says so."""
    captions = [one for one in evaluation_plots(many) if "least area" in one]
    assert len(captions) == 2
    assert all(f"the {MOST_CURVES} of 25 classes" in one for one in captions)
