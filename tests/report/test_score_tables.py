"""From evaluation.json to tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from delineate.evaluation import records
from delineate.report.class_tables import class_tables
from delineate.report.score_tables import (
    UNLEAKED,
    ScoreTable,
    full_tables,
    headline_table,
    predictor_table,
    protocol_tables,
    summary_sentence,
    views_table,
)


def record(**changes: Any) -> dict[str, Any]:
    """A record as evaluation.json holds it."""
    return {
        "score": "dice",
        "label_class": "nerve",
        "predictor": "model",
        "observer": "1st",
        "region": "whole frame",
        "pooling": "mean per image",
        "empty_rule": "images empty in truth and prediction count 1",
        "value": 0.8125,
        "why_undefined": None,
        "low": 0.75,
        "high": 0.875,
        "why_no_interval": None,
        "note": None,
        "cases": 20,
        "subjects": 20,
        "undefined_cases": 0,
        "failed_cases": 0,
    } | changes


def table(*records: dict[str, Any]) -> ScoreTable:
    """The table of these records."""
    return predictor_table(records, title="Title", key="t")


def test_a_value_stands_with_its_interval_and_rule() -> None:
    """The cell has the value and both ends, its group the pooling and the rule for empty masks."""
    made = table(record())
    [group] = made.groups
    [row] = group.rows
    [cell] = row.cells
    assert (row.name, group.pooling) == ("Dice", "Mean per image")
    assert group.rules == ("images empty in truth and prediction count 1",)
    assert cell is not None
    assert (cell.value, cell.interval) == ("0.812", ("0.750", "0.875"))
    assert "95 % interval" in made.caption


def test_undefined_is_a_word_with_its_reason() -> None:
    """A score without value is `undefined` with a numbered note, never zero."""
    made = table(
        record(value=None, low=None, high=None, why_undefined="dice: every image is left out")
    )
    [cell] = made.groups[0].rows[0].cells
    assert cell is not None
    assert (cell.value, cell.is_undefined, cell.interval) == ("undefined", True, None)
    assert made.notes == ((1, "Every image is left out"),)
    assert cell.notes == (1,)
    assert "95 % interval" not in made.caption


def test_equal_reasons_share_a_number() -> None:
    """Two scores undefined for one reason refer to one note."""
    gone = {"value": None, "low": None, "high": None}
    made = table(
        record(score="roc_auc", why_undefined="roc_auc: a hard mask", **gone),
        record(score="dice", why_undefined="dice: a hard mask", **gone),
        record(score="iou", why_undefined="iou: another reason", **gone),
    )
    assert [row.cells[0].notes for row in made.groups[0].rows if row.cells[0]] == [(1,), (1,), (2,)]
    assert len(made.notes) == 2


def test_a_reason_for_all_needs_no_number() -> None:
    """Why no figure has an interval is said once, below the table."""
    why = {"low": None, "high": None, "why_no_interval": "no interval from 4 subjects"}
    made = table(record(**why), record(score="iou", **why))
    assert made.remarks == ("No interval from 4 subjects",)
    assert made.notes == ()


def test_cases_left_out_are_told() -> None:
    """A mean that leaves cases out says how many, and so does one with failures."""
    made = table(record(cases=18, undefined_cases=2), record(score="iou", failed_cases=1))
    assert [text for _, text in made.notes] == [
        "The mean of 18 cases; 2 left out as undefined",
        "1 case failed and counted as missed",
    ]


def test_the_model_comes_first_and_the_empty_prediction_last() -> None:
    """People stand between the model and the trivial baselines."""
    names = ("empty prediction", "observer 2nd", "mean training mask", "model")
    made = table(*(record(predictor=name) for name in names))
    assert made.columns == ("Model", "Observer 2nd", "Mean training mask", "Empty prediction")


def test_what_was_not_counted_is_an_empty_cell() -> None:
    """A predictor without this score has no figure, and no invented one."""
    made = table(record(), record(predictor="observer 2nd", score="iou"))
    assert [[cell is None for cell in row.cells] for row in made.groups[0].rows] == [
        [False, True],
        [True, False],
    ]


def test_several_rules_name_their_scores() -> None:
    """Where the rule differs, the exception is named and the rest are `others`."""
    other = "images without a value are left out"
    made = table(
        record(),
        record(score="precision", empty_rule=other),
        record(score="accuracy", empty_rule=other),
    )
    assert made.groups[0].rules == (
        "Dice: images empty in truth and prediction count 1",
        f"others: {other}",
    )


def test_every_record_is_in_a_full_table(document: dict[str, Any]) -> None:
    """No figure of evaluation.json is left off the page."""
    cells = [
        cell
        for made in full_tables(document)
        for group in made.groups
        for row in group.rows
        for cell in row.cells
        if cell is not None
    ]
    assert len(cells) == len(document["records"])


def test_the_headline_shows_all_predictors(document: dict[str, Any]) -> None:
    """The model stands beside the second observer, the mean mask and nothing."""
    made = headline_table(document)
    assert made is not None
    assert made.columns == ("Model", "Observer 2nd", "Mean training mask", "Empty prediction")
    assert {group.pooling for group in made.groups} == {"Pooled", "Mean per image"}
    assert "inside the region, against observer 1st" in made.title


def test_protocols_stand_side_by_side(document: dict[str, Any]) -> None:
    """Both observers and both regions are columns of one table."""
    [made] = protocol_tables(document)
    assert made.spans == (("Against observer 1st", 2), ("Against observer 2nd", 2))
    assert made.columns == ("Inside the region", "Whole frame") * 2
    assert all(cell for group in made.groups for row in group.rows for cell in row.cells)


def test_one_protocol_needs_no_comparison(document: dict[str, Any]) -> None:
    """With one observer and one region there is nothing to put side by side."""
    assert protocol_tables({**document, "observers": ["1st"], "regions": ["whole frame"]}) == []


def test_classes_are_rows(class_document: dict[str, Any], document: dict[str, Any]) -> None:
    """Several classes and their mean have a row each; a single class has no such table."""
    [made] = class_tables(class_document)
    assert made.corner == "Class"
    assert len(made.columns) == 8
    for group in made.groups:
        assert [row.name for row in group.rows][::2] == ["Nerve", "Mean of the foreground classes"]
    assert class_tables(document) == []


def test_the_summary_names_protocol_interval_and_baselines(document: dict[str, Any]) -> None:
    """One sentence says what was scored, how well, how surely, and what others reach."""
    words = summary_sentence(document)
    assert words.startswith("Mean Dice per image of foreground, inside the region, against ob")
    assert "95 % interval 0." in words
    assert "on 12 cases of 12 subjects" in words
    for other in ("observer 2nd", "the mean training mask", "an empty prediction"):
        assert other in words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": None, "why_undefined": "dice: no truth"}, "is undefined: no truth."),
        ({"low": None, "high": None}, "0.812 (no interval), on 20 cases of 20 subjects."),
        ({"label_class": "mean of the foreground classes"}, "image, mean of the foreground"),
    ],
)
def test_the_summary_is_honest(changes: dict[str, Any], expected: str) -> None:
    """Without value or interval the sentence says so."""
    assert expected in summary_sentence({"headline": [record(**changes)]})


def test_nothing_scored_is_said() -> None:
    """Without any truth there is no table and a sentence that says why."""
    assert headline_table({"headline": []}) is None
    assert "no case has a truth" in summary_sentence({"headline": []})


def test_tables_come_from_json_alone(document: dict[str, Any]) -> None:
    """The page can be made again from the file."""
    again = json.loads(json.dumps(document))
    assert full_tables(again) == full_tables(document)


def with_views(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a view that leaves two cases out, and one that leaves out all."""
    part = [{**one, "value": 0.5, "low": None, "high": None} for one in document["headline"]]
    views = [
        {"name": "every case", "cases": 12, "subjects": 12, "records": document["headline"]},
        {"name": "without the leaked cases", "cases": 10, "subjects": 10, "records": part},
        {"name": "none", "cases": 0, "subjects": 0, "records": []},
    ]
    return {**document, "views": views}


def test_views_stand_side_by_side(document: dict[str, Any]) -> None:
    """The model's headline has a column a view, under a heading with its number of cases."""
    assert views_table(document) is None
    made = views_table(with_views(document))
    assert made is not None
    assert made.columns == (
        "Every case: 12 cases", "Without the leaked cases: 10 cases", "None: 0 cases",
    )  # fmt: skip
    rows = [row for group in made.groups for row in group.rows]
    assert len(rows) == 6
    for row in rows:
        whole, part, none = row.cells
        assert whole is not None
        assert part is not None
        assert part.value == "0.500" or part.value == "0.5000"
        assert none is None


def test_the_summary_says_what_leaks_make_of_it(document: dict[str, Any]) -> None:
    """The first sentence of a page never shows a leaked score alone."""
    assert "leaked" not in summary_sentence(document)
    text = summary_sentence(with_views(document))
    assert ", on 12 cases of 12 subjects. Without 2 leaked cases: 0.500. For comparison" in text
    views = with_views(document)["views"]
    nothing = {**views[1], "cases": 0, "records": []}
    text = summary_sentence({**document, "views": [views[0], nothing]})
    assert "Without 12 leaked cases there is no figure." in text


def test_the_view_without_leaks_is_called_as_in_evaluations() -> None:
    """The page finds the view by the name that the evaluation gives it."""
    assert UNLEAKED == records.UNLEAKED
