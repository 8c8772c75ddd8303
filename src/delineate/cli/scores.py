"""The headline scores as a table: the model beside what costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from delineate.cli.composed_tables import (
    classifier_members_table,
    members_table,
    two_stage_table,
)
from delineate.cli.structure_table import error_table
from delineate.cli.tables import columns, counted

_NAMES = {
    "dice": "Dice",
    "iou": "IoU",
    "roc_auc": "ROC AUC",
    "pixel_accuracy": "accuracy of all classes",
    "brier_score": "Brier score",
    # In full the table of a classifier would be wider than a terminal.
    "sensitivity_at_specificity_0.90": "sens. at spec. 0.90",
    "sensitivity_at_specificity_0.95": "sens. at spec. 0.95",
}
# As `delineate.evaluation.records.MODEL`. The intervals of the others stand on the page:
# with them the table would be wider than a terminal.
_MODEL = "model"
_CLASS_SCORES = ("iou", "dice", "precision", "sensitivity")
_OBJECT_SCORES = {
    "object_ap": "AP",
    "object_ap50": "AP50",
    "object_ap75": "AP75",
    "object_ar100": "AR100",
    "object_precision": "precision",
    "object_recall": "recall",
    "object_count_error": "count error",
    "object_count_absolute_error": "absolute",
}
# A terminal shows all of so many classes, and of more the worst few.
_MOST_CLASSES, _FEWEST_CLASSES = 24, 10
_VIEWS_WITH_INTERVALS, _NAME_WIDTH = 2, 25


def table_of(document: Mapping[str, Any]) -> Iterator[str]:
    """What a person wants to know of an evaluation, of a classifier or of masks."""
    is_classifier = document.get("task") == "classify"
    return classification_table(document) if is_classifier else score_table(document)


def score_table(document: Mapping[str, Any]) -> Iterator[str]:
    """A row a score, a column a predictor, and below them the rules and what is undefined."""
    records = document["headline"]
    if not records:
        yield "nothing could be scored"
        return
    yield from side_by_side(records)
    yield ""
    if document.get("two_stage"):
        yield from two_stage_table(document["two_stage"])
        yield ""
    if document.get("members"):
        yield from members_table(document["members"])
        yield ""
    if document.get("views"):
        yield from views_side_by_side(document["views"])
        yield ""
    if len(document.get("classes", ())) > 2:
        yield from classes_below_each_other(document)
        yield ""
    if document.get("structure"):
        yield from error_table(document["structure"])
        yield ""
    if document.get("objects"):
        yield from objects_below_each_other(document)
        yield ""
    if document.get("depths"):
        yield from depths_below_each_other(document["depths"])
        yield ""
    yield from _rules(document, records)


def classes_below_each_other(document: Mapping[str, Any]) -> list[str]:
    """A row a foreground class, pooled; of many classes those with the lowest IoU."""
    first = document["headline"][0]
    found = {
        (one["label_class"], one["score"]): one
        for one in document["records"]
        if one["predictor"] == _MODEL
        and one["pooling"] == "pooled"
        and (one["observer"], one["region"]) == (first["observer"], first["region"])
    }
    names = [one["name"] for one in document["classes"][1:]]
    shown, remark = _lowest(names, [found[name, "iou"]["value"] for name in names], "IoU")
    rows = [
        [name, *(_value(found[name, score]) for score in _CLASS_SCORES)]
        for name in [*shown, first["label_class"]]
    ]
    return [*columns(rows, ["class, pooled", *map(_name, _CLASS_SCORES)]), *remark]


def objects_below_each_other(document: Mapping[str, Any]) -> list[str]:
    """A row a class of objects, against the observer of reference."""
    records = document["objects"]["records"]
    found = {
        (one["label_class"], one["score"]): one
        for one in records
        if one["observer"] == document["observers"][0]
    }
    every = list(dict.fromkeys(name for name, _ in found))
    names = [one["name"] for one in document["classes"][1:]]
    values = [found[name, "object_ap"]["value"] for name in names]
    shown, remark = _lowest(names, values, "AP")
    rows = [
        [name, *(_object_value(found[name, score]) for score in _OBJECT_SCORES)]
        for name in [*shown, *(name for name in every if name not in names)]
    ]
    return [*columns(rows, ["objects", *_OBJECT_SCORES.values()]), *remark]


def _lowest(
    names: Sequence[str], values: Sequence[float | None], score: str
) -> tuple[list[str], list[str]]:
    """The names, or of many those with the lowest values, and what is to be said of that."""
    if len(names) <= _MOST_CLASSES:
        return list(names), []
    ranked = sorted(
        zip(names, values, strict=True), key=lambda one: 2.0 if one[1] is None else one[1]
    )
    remark = (
        f"the {_FEWEST_CLASSES} of {len(names)} classes with the lowest {score}; all of them "
        "stand on the page"
    )
    return [name for name, _ in ranked[:_FEWEST_CLASSES]], [remark]


def depths_below_each_other(depths: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row a depth to which the network can be pruned, with what it costs and reaches."""
    shown = [one for one in depths[0]["scores"] if one["score"] in ("dice", "roc_auc")]
    header = ["depth", "parameters", "time", *(_row(one) for one in shown)]
    wanted = [(one["score"], one["pooling"]) for one in shown]
    rows = []
    for each in depths:
        found = {(one["score"], one["pooling"]): one for one in each["scores"]}
        share = each["share_of_time"]
        time = "-" if share is None else f"{share:.2f}"
        scores = [_value(found[key]) if key in found else "-" for key in wanted]
        rows.append([str(each["depth"]), f"{each['parameters']:,}", time, *scores])
    return columns(rows, header)


def side_by_side(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row a score and a column a predictor, with the interval of the model."""
    predictors = list(dict.fromkeys(record["predictor"] for record in records))
    found = {(_row(record), record["predictor"]): record for record in records}
    rows = [
        [row, *(_cell(found[row, who]) if (row, who) in found else "-" for who in predictors)]
        for row in dict.fromkeys(map(_row, records))
    ]
    return columns(rows, ["", *predictors])


def views_side_by_side(views: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row a score of the model and a column a set of cases; intervals where two have room."""
    found = {
        (_row(record), view["name"]): record
        for view in views
        for record in view["records"]
        if record["predictor"] == _MODEL
    }
    cell = _cell if len(views) <= _VIEWS_WITH_INTERVALS else _value
    rows = [
        [row, *(cell(found[row, v["name"]]) if (row, v["name"]) in found else "-" for v in views)]
        for row in dict.fromkeys(row for row, _ in found)
    ]
    names = [wrap(f"{view['name']} ({view['cases']:,})", _NAME_WIDTH) for view in views]
    heads = zip_longest([_MODEL], *names, fillvalue="")
    return columns([*map(list, heads), *rows])


def classification_table(document: Mapping[str, Any]) -> Iterator[str]:
    """The headline of a classifier beside its baselines, cases by answer, and the rules."""
    records = document["headline"]
    yield from side_by_side(records)
    yield ""
    if document.get("members"):
        yield from classifier_members_table(document["members"])
        yield ""
    if document["views"]:
        yield from views_side_by_side(document["views"])
        yield ""
    yield from _confusion(document["confusion"])
    yield ""
    yield (
        f"split {document['split']}: {counted(document['cases'], 'case')} of "
        f"{counted(document['subjects'], 'subject')}, {document['present']:,} present and "
        f"{document['absent']:,} absent"
        + (f", {document['without_truth']:,} without truth" if document["without_truth"] else "")
    )
    yield f"threshold {document['threshold']:.4g}: {document['threshold_origin']}"
    defined = [record for record in records if record["value"] is not None]
    if any(record["low"] is not None for record in defined):
        yield "in brackets: 95 % interval, subjects resampled"
    yield from dict.fromkeys(r["why_no_interval"] for r in defined if r["why_no_interval"])
    yield from _undefined(records)
    yield from (f"note: {note}" for note in document["notes"])


def _confusion(counts: Mapping[str, int]) -> list[str]:
    rows = [
        ["present", f"{counts['found']:,}", f"{counts['missed']:,}"],
        ["absent", f"{counts['false_alarms']:,}", f"{counts['rightly_absent']:,}"],
    ]
    return columns(rows, ["truth", "called present", "called absent"])


def _name(score: str) -> str:
    return _NAMES.get(score, score.replace("_", " "))


def _row(record: Mapping[str, Any]) -> str:
    name = _name(record["score"])
    # The figures of a classifier have no pooling: a case is an image.
    return f"{name}, {record['pooling']}" if "pooling" in record else name


def _cell(record: Mapping[str, Any]) -> str:
    is_ours = record["predictor"] == _MODEL
    if record["value"] is None or not is_ours or record["low"] is None or record["high"] is None:
        return _value(record)
    return f"{_value(record)} ({record['low']:.4f} to {record['high']:.4f})"


def _object_value(record: Mapping[str, Any]) -> str:
    if record["score"] == "object_count_error" and record["value"] is not None:
        return f"{record['value']:+.2f}"
    return _value(record)


def _value(record: Mapping[str, Any]) -> str:
    return "undefined" if record["value"] is None else f"{record['value']:.4f}"


def _rules(document: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = records[0]
    observer = first["observer"]
    yield (
        f"{first['label_class']} against "
        f"{observer if observer.startswith('observer') else f'observer {observer}'}, "
        f"{first['region']}; split {document['split']}: "
        f"{counted(document['cases'], 'case')} of {counted(document['subjects'], 'subject')}"
    )
    if document.get("thresholds"):
        names = [one["name"] for one in document["classes"][1:]]
        each = ", ".join(
            f"{name} {value:.4g}" for name, value in zip(names, document["thresholds"], strict=True)
        )
        yield f"thresholds {each}: {document['threshold_origin']}"
    if document["threshold"] is not None:
        yield f"threshold {document['threshold']:.4g}: {document['threshold_origin']}"
    defined = [record for record in records if record["value"] is not None]
    if any(record["low"] is not None for record in defined):
        yield "in brackets: 95 % interval, subjects resampled"
    if document.get("depths"):
        yield "each depth: cut at its own threshold from validation; time of the whole network = 1"
    yield from dict.fromkeys(r["why_no_interval"] for r in defined if r["why_no_interval"])
    for rule in dict.fromkeys(r["empty_rule"] for r in records if r["pooling"] != "pooled"):
        yield f"mean per image: {rule}"
    if document.get("objects"):
        yield from (f"objects: {rule}" for rule in document["objects"]["rules"])
    yield from _undefined(records)
    yield from (f"note: {note}" for note in document["notes"])


def _undefined(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line a predictor and reason, with all the scores that it leaves without a value."""
    rows: dict[tuple[str, str], list[str]] = {}
    for record in records:
        if record["value"] is None:
            reason = str(record["why_undefined"]).removeprefix(f"{record['score']}: ")
            rows.setdefault((record["predictor"], reason), []).append(_row(record))
    for (predictor, reason), scores in rows.items():
        yield f"undefined for {predictor}: {'; '.join(scores)}: {reason}"
