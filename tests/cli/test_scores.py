"""The headline scores as a table."""

from __future__ import annotations

from delineate.cli.scores import _MODEL, score_table
from delineate.evaluation.records import MODEL


def record(predictor="model", score="dice", value=0.8, **changes):
    """A record as an evaluation document holds it."""
    fields = {
        "score": score,
        "predictor": predictor,
        "value": value,
        "pooling": "pooled",
        "observer": "1",
        "label_class": "foreground",
        "region": "inside the region",
        "empty_rule": "empty counts 1",
        "low": None,
        "high": None,
        "why_no_interval": None,
        "why_undefined": None,
    }
    return fields | changes


def table(*records, **changes):
    """The lines for a document with these headline records."""
    document = {
        "headline": list(records),
        "split": "test",
        "cases": 12,
        "subjects": 11,
        "threshold": 0.45,
        "threshold_origin": "the highest Dice (validation split)",
        "notes": ["trained on others"],
    }
    return list(score_table(document | changes))


def test_model_and_baselines_stand_side_by_side():
    """Each score is a row, each predictor a column; a score that nobody has is a dash."""
    lines = table(
        record(low=0.75, high=0.85),
        record("empty prediction", value=0.0, low=0.0, high=0.0),
        record(score="roc_auc", value=0.9, pooling="mean per image"),
    )
    assert lines[:3] == [
        "                         model                      empty prediction",
        "Dice, pooled             0.8000 (0.7500 to 0.8500)  0.0000",
        "ROC AUC, mean per image  0.9000                     -",
    ]


def test_the_model_is_known_by_its_name():
    """The predictor that gets an interval is called as the evaluation calls it."""
    assert _MODEL == MODEL


def test_the_rule_stands_below():
    """Class, observer, region, split, counts, threshold, interval and notes are all said."""
    lines = table(record(low=0.75, high=0.85), record(pooling="mean per image"))
    assert lines[3:] == [
        "",
        "foreground against observer 1, inside the region; split test: 12 cases of 11 subjects",
        "threshold 0.45: the highest Dice (validation split)",
        "in brackets: 95 % interval, subjects resampled",
        "mean per image: empty counts 1",
        "note: trained on others",
    ]


def test_undefined_is_said_with_its_reason():
    """A score without a value prints `undefined`, never 0, and why, once a reason."""
    why = {"value": None, "why_undefined": "dice: nothing there"}
    lines = table(record(**why), record(pooling="mean per image", **why))
    assert lines[1].endswith("undefined")
    assert "undefined for model: Dice, pooled; Dice, mean per image: nothing there" in lines


def test_a_missing_interval_is_explained():
    """With too few subjects the reason is said; an undefined score needs no second reason."""
    few = "no interval from 4 subjects; at least 10 are needed"
    undefined = record(score="iou", value=None, why_undefined="x", why_no_interval="undefined")
    lines = table(record(why_no_interval=few), record(why_no_interval=few), undefined)
    assert lines.count(few) == 1
    assert "undefined" not in lines


def test_nothing_scored():
    """Without any figure that is what is said."""
    assert table() == ["nothing could be scored"]


def test_several_classes_have_no_threshold():
    """Where the likeliest class is taken, no threshold is printed."""
    assert not [line for line in table(record(), threshold=None) if line.startswith("threshold")]


def test_views_have_a_table_of_their_own():
    """The model's scores stand once for each set of cases, with how many these are."""
    whole, part = record(low=0.75, high=0.85), record(value=0.7)
    other = record("empty prediction", value=0.0)
    views = [
        {"name": "every case", "cases": 1200, "records": [whole, other]},
        {"name": "without the leaked cases", "cases": 10, "records": [part, other]},
    ]
    lines = table(whole, views=views)
    assert lines[3:7] == [
        "model         every case (1,200)         without the leaked cases",
        "                                         (10)",
        "Dice, pooled  0.8000 (0.7500 to 0.8500)  0.7000",
        "",
    ]


def test_many_views_leave_intervals_to_the_page():
    """Four sets of cases still fit a terminal, and one without cases is a dash."""
    whole = record(low=0.75, high=0.85)
    names = ("every case, labels as decided", "without the leaked cases", "before", "nothing")
    views = [{"name": name, "cases": 12, "records": [whole]} for name in names]
    views[-1] |= {"cases": 0, "records": []}
    lines = table(whole, views=views)
    assert lines[5] == (
        "Dice, pooled  0.8000                 0.8000                    0.8000       -"
    )
    assert max(map(len, lines)) <= 100
