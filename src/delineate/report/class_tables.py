"""Several classes side by side: pixels, objects, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from delineate.report.confusion_plot import confusion_plot
from delineate.report.overlays import LegendEntry
from delineate.report.score_tables import (
    INTERVAL_RULE,
    MODEL,
    Document,
    Notes,
    Record,
    Row,
    RowGroup,
    ScoreTable,
    cell_of,
    distinct,
    observer_words,
    only,
    reason_of,
    score_name,
    sentence,
    table_of,
)

# Above so many classes what is read second is folded away.
MANY_CLASSES = 16
# And above so many a line for each is a list to be folded itself.
MOST_FOLDED = 6
SCORES_OF_CLASSES = (
    "iou", "dice", "precision", "sensitivity", "specificity", "accuracy", "roc_auc",
    "average_precision",
)  # fmt: skip
SCORES_OF_OBJECTS = (
    "object_ap", "object_ap50", "object_ap75", "object_ar100", "object_precision",
    "object_recall", "object_f1", "object_count_error", "object_count_absolute_error",
)  # fmt: skip
MOST_SWAPS = 12


@dataclass(frozen=True)
class Swap:
    """A class that is taken for another: how many pixels, and what share of its own."""

    true: str
    predicted: str
    pixels: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """Who is taken for whom: the picture, and in words what is taken most often."""

    caption: str
    figure: str
    swaps: tuple[Swap, ...]
    remark: str


def class_tables(document: Document) -> list[ScoreTable]:
    """The model class by class, at the reference observer and region; none for one class.

    One table of both poolings, or one each where the classes are many.
    """
    if not document["headline"] or len(document["classes"]) < 3:
        return []
    first = document["headline"][0]
    observer, region = str(first["observer"]), str(first["region"])
    records = only(document["records"], predictor=MODEL, observer=observer, region=region)
    names = [str(one["name"]) for one in document["classes"][1:]]
    records = [
        one
        for one in records
        if one["score"] in SCORES_OF_CLASSES and one["label_class"] in {*names, _mean(document)}
    ]
    shown, remarks = _with_values(records)
    where = f"against {observer_words(observer)}, {region}"
    poolings = distinct(shown, "pooling")
    parts = [[one] for one in poolings] if len(names) > MANY_CLASSES else [poolings]
    tables = []
    for place, part in enumerate(parts):
        of_part = [one for one in shown if one["pooling"] in part]
        columns = [
            (score_name(one), {"score": one})
            for one in SCORES_OF_CLASSES
            if any(record["score"] == one for record in of_part)
        ]
        title = f"The model class by class, {where}"
        if len(parts) > 1:
            title += f": {part[0]}"
        made = table_of(
            of_part, columns, title=title, key=f"classes-{place}", down="label_class",
            colours=colours_of(document),
        )  # fmt: skip
        tables.append(_remarked(made, remarks))
    return tables


def object_tables(document: Document) -> list[ScoreTable]:
    """The objects of each class, a table an observer; none where they were not counted."""
    objects = document.get("objects")
    if not objects:
        return []
    return [
        _object_table(only(objects["records"], observer=observer), document, f"objects-{place}")
        for place, observer in enumerate(distinct(objects["records"], "observer"))
    ]


def _object_table(records: Sequence[Record], document: Document, key: str) -> ScoreTable:
    notes = Notes()
    said = {
        str(one[field])
        for one in records
        for field in ("why_no_interval", "note")
        if one["value"] is not None and one.get(field)
    }
    colours = colours_of(document)
    rows = tuple(
        Row(
            sentence(name),
            tuple(
                cell_of(only(records, label_class=name, score=score), notes, tuple(said))
                for score in SCORES_OF_OBJECTS
            ),
            colours.get(name),
        )
        for name in distinct(records, "label_class")
    )
    first = records[0]
    has_intervals = any(one["low"] is not None for one in records)
    title = f"Objects of each class, against {observer_words(first['observer'])}, {first['region']}"
    meanings = (
        "AP: average precision over IoU 0.50 to 0.95, AP50 and AP75 at one IoU; AR100: average "
        "recall with up to 100 objects a class and image",
        "precision, recall and F1: objects of all cases together that one of the other side "
        "covers with an IoU of at least 0.5; count error: predicted minus true objects, mean of "
        "images",
    )
    remarks = (*meanings, *document["objects"]["rules"], *sorted(said))
    return ScoreTable(
        title,
        f"{title}." + (INTERVAL_RULE if has_intervals else ""),
        tuple(score_name(one) for one in SCORES_OF_OBJECTS),
        (RowGroup("", (), rows),),
        tuple((place, sentence(text)) for text, place in notes.numbers.items()),
        tuple(sentence(text) for text in remarks),
        (),
        is_led=False,
        corner="Class",
        key=key,
    )


def confusion_of(document: Document) -> Confusion | None:
    """Who is taken for whom at the reference observer and region; None for one class."""
    if not document["headline"] or len(document["classes"]) < 3:
        return None
    first = document["headline"][0]
    found = only(
        document.get("confusion_matrices", ()), observer=first["observer"], region=first["region"]
    )
    if not found:
        return None
    names = [str(one["name"]) for one in document["classes"]]
    caption = (
        "Who is taken for whom: in per cent of the pixels of each true class (row), the classes "
        f"that the model gave them (columns). All cases pooled, {first['region']}, against "
        f"{observer_words(first['observer'])}; empty cells are under 0.05 %."
    )
    swaps = swaps_of(found[0], names)
    remark = "The commonest mistakes, by pixels." if swaps else "No class is taken for another."
    return Confusion(caption, confusion_plot(found[0], names), swaps, remark)


def swaps_of(matrix: Mapping[str, Any], names: Sequence[str]) -> tuple[Swap, ...]:
    """The commonest mistakes between classes, the most pixels first."""
    found = [
        Swap(names[true], names[predicted], count, count / (sum(row) + unanswered))
        for true, (row, unanswered) in enumerate(
            zip(matrix["pixels"], matrix["unanswered_px"], strict=True)
        )
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    return tuple(sorted(found, key=lambda one: -one.pixels)[:MOST_SWAPS])


def colours_of(document: Document) -> dict[str, str]:
    """Class name to its colour, without the background."""
    return {
        str(one["name"]): LegendEntry(tuple(one["colour"]), "").css
        for one in document["classes"][1:]
    }


def _mean(document: Document) -> str:
    return str(document["headline"][0]["label_class"])


def _with_values(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """The scores of which any class has a value, and why the others have none."""
    kept = {one["score"] for one in records if one["value"] is not None}
    reasons: dict[str, list[str]] = {}
    for one in records:
        if one["score"] not in kept:
            names = reasons.setdefault(reason_of(one).removesuffix(", in every image"), [])
            name = score_name(str(one["score"]))
            if name not in names:
                names.append(name)
    remarks = [f"{' and '.join(names)}: undefined, {why}" for why, names in reasons.items()]
    return [one for one in records if one["score"] in kept], remarks


def _remarked(table: ScoreTable, remarks: Sequence[str]) -> ScoreTable:
    return replace(table, remarks=(*table.remarks, *(sentence(one) for one in remarks)))
