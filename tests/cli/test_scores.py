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


def classes_of(count):
    """Pooled records of so many classes and their mean, the later the better."""
    names = [f"kind {place}" for place in range(count)]
    scores = ("iou", "dice", "precision", "sensitivity")
    records = [
        record(score=score, label_class=name, value=place / count)
        for place, name in enumerate(names)
        for score in scores
    ]
    mean = [record(score=score, label_class="mean", value=0.5) for score in scores]
    return {
        "classes": [{"name": "none"}, *({"name": name} for name in names)],
        "records": [*records, *mean],
    }


def test_several_classes_have_a_row_each():
    """With their mean last; a single class has no such table."""
    lines = table(record(label_class="mean"), **classes_of(2))
    at = lines.index("class, pooled  IoU     Dice    precision  sensitivity")
    assert lines[at + 1 : at + 4] == [
        "kind 0         0.0000  0.0000  0.0000     0.0000",
        "kind 1         0.5000  0.5000  0.5000     0.5000",
        "mean           0.5000  0.5000  0.5000     0.5000",
    ]
    assert not [one for one in table(record(), **classes_of(1)) if "class, pooled" in one]


def test_of_many_classes_the_worst_are_shown():
    """Ten of eighty, the lowest first, and a line says where the others are."""
    lines = table(record(label_class="mean"), **classes_of(80))
    shown = [one for one in lines if one.startswith("kind ")]
    assert [one.split()[1] for one in shown] == [str(place) for place in range(10)]
    assert "the 10 of 80 classes with the lowest IoU; all of them stand on the page" in lines


def test_objects_have_a_table_and_rules():
    """Average precision, recall and counts of each class; the error of counts has its sign."""
    scores = {
        "object_ap": 0.3, "object_ap50": 0.6, "object_ap75": 0.2, "object_ar100": 0.4,
        "object_precision": 0.7, "object_recall": None, "object_count_error": 1.5,
        "object_count_absolute_error": 2.25,
    }  # fmt: skip
    objects = {
        "records": [record(score=name, value=value) for name, value in scores.items()],
        "rules": ["true objects are components"],
    }
    classes = [{"name": "none"}, {"name": "foreground"}]
    lines = table(record(), objects=objects, classes=classes, observers=["1"])
    [row] = [one for one in lines if one.startswith("foreground  ")]
    assert row.split()[1:] == [
        "0.3000", "0.6000", "0.2000", "0.4000", "0.7000", "undefined", "+1.50", "2.2500",
    ]  # fmt: skip
    assert "objects: true objects are components" in lines


def test_thresholds_of_overlapping_classes_are_named():
    """Each class has its own, and where they were chosen is said once."""
    lines = table(
        record(label_class="mean"), **classes_of(2), threshold=None, thresholds=[0.25, 0.5]
    )
    assert "thresholds kind 0 0.25, kind 1 0.5: the highest Dice (validation split)" in lines
