"""From evaluation.json to tables in which every figure stands with its rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delineate.report.pages import number

Document = Mapping[str, Any]
Record = Mapping[str, Any]

SCORE_NAMES = {
    "dice": "Dice",
    "iou": "IoU",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "pixel_accuracy": "Pixel accuracy, all classes",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "object_ap": "AP",
    "object_ap50": "AP50",
    "object_ap75": "AP75",
    "object_ar100": "AR100",
    "object_precision": "Precision",
    "object_recall": "Recall",
    "object_f1": "F1",
    "object_count_error": "Count error",
    "object_count_absolute_error": "Absolute count error",
}
MODEL, POOLED, PER_IMAGE = "model", "pooled", "mean per image"
UNLEAKED = "without the leaked cases"
INTERVAL_RULE = " Below each value stands its 95 % interval, by resampling whole subjects."


@dataclass(frozen=True)
class Cell:
    """A value as text, its interval, and the numbers of the notes that belong to it.

    `between` stands between the ends of the interval; a dash will not do where they have signs.
    """

    value: str
    interval: tuple[str, str] | None = None
    notes: tuple[int, ...] = ()
    is_undefined: bool = False
    between: str = "–"


@dataclass(frozen=True)
class Row:
    """One score or class, by name, with a cell a column; None where nothing was counted.

    A class has its colour, as a style sheet writes it.
    """

    name: str
    cells: tuple[Cell | None, ...]
    colour: str | None = None


@dataclass(frozen=True)
class RowGroup:
    """The rows of one pooling, with the rule that they share."""

    pooling: str
    rules: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ScoreTable:
    """A table as the template draws it.

    `title` is the caption in short, `spans` are headings over several columns, and with
    `is_led` the first column is what the table is about; `corner` heads the rows' names.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    groups: tuple[RowGroup, ...]
    notes: tuple[tuple[int, str], ...]
    remarks: tuple[str, ...]
    spans: tuple[tuple[str, int], ...]
    is_led: bool
    corner: str
    key: str


@dataclass
class Notes:
    """Numbers reasons in the order in which they come."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """The number of this reason, a new one where it has none yet."""
        return self.numbers.setdefault(text, len(self.numbers) + 1)


def predictor_table(records: Sequence[Record], *, title: str, key: str) -> ScoreTable:
    """Rows of scores, a column a predictor: of one class, observer and region."""
    predictors = sorted(distinct(records, "predictor"), key=_predictor_rank)
    columns = tuple((sentence(one), {"predictor": one}) for one in predictors)
    return table_of(records, columns, title=title, key=key, is_led=True)


def protocol_table(records: Sequence[Record], *, title: str, key: str) -> ScoreTable:
    """Rows of scores, a column an observer and region: of one class and predictor."""
    observers, regions = distinct(records, "observer"), distinct(records, "region")
    columns = tuple(
        (sentence(region), {"observer": observer, "region": region})
        for observer in observers
        for region in regions
    )
    spans = tuple((f"Against {observer_words(one)}", len(regions)) for one in observers)
    return table_of(records, columns, title=title, key=key, spans=spans)


def headline_table(document: Document, *, key: str = "headline") -> ScoreTable | None:
    """What to look at first; None where nothing could be scored."""
    records: Sequence[Record] = document["headline"]
    if not records:
        return None
    first = records[0]
    title = (
        f"{sentence(first['label_class'])}, {first['region']}, against "
        f"{observer_words(first['observer'])}: the model beside its baselines"
    )
    return predictor_table(records, title=title, key=key)


def views_table(document: Document, *, key: str = "views") -> ScoreTable | None:
    """The model over every set of cases and labels; None where there is but one."""
    views: Sequence[Mapping[str, Any]] = document.get("views", ())
    records = [
        {**record, "view": str(view["name"])}
        for view in views
        for record in only(view["records"], predictor=MODEL)
    ]
    if not records:
        return None
    columns = tuple(
        (
            f"{sentence(str(view['name']))}: {amount_of(view['cases'], 'case')}",
            {"view": view["name"]},
        )
        for view in views
    )
    title = "The same predictions of the model over other cases or labels"
    return table_of(records, columns, title=title, key=key)


def protocol_tables(document: Document) -> list[ScoreTable]:
    """The model against every observer in every region, a table a class, the headline's first.

    None where there is but one protocol.
    """
    if not document["headline"] or len(document["observers"]) * len(document["regions"]) < 2:
        return []
    first = str(document["headline"][0]["label_class"])
    names = [first, *(name for name in class_names(document) if name != first)]
    return [
        protocol_table(
            only(document["records"], predictor=MODEL, label_class=name),
            title=f"{sentence(name)}: the model under every protocol",
            key=f"protocol-{place}",
        )
        for place, name in enumerate(names)
    ]


def full_tables(document: Document) -> list[ScoreTable]:
    """Every record: a table for each class, observer and region."""
    tables: list[ScoreTable] = []
    for name in class_names(document):
        for observer in document["observers"]:
            for region in document["regions"]:
                records = only(
                    document["records"], label_class=name, observer=observer, region=region
                )
                if records:
                    where = f"{sentence(name)}, against {observer_words(observer)}, {region}"
                    tables.append(predictor_table(records, title=where, key=f"full-{len(tables)}"))
    return tables


def summary_sentence(document: Document) -> str:
    """The first figure, its interval, and what it has to be compared with, in words."""
    records = only(document["headline"], score="dice", pooling=PER_IMAGE)
    model = next((one for one in records if one["predictor"] == MODEL), None)
    if model is None:
        return "Nothing could be scored: no case has a truth."
    where = f"{model['region']}, against {observer_words(model['observer'])}"
    of = f"{amount_of(model['cases'], 'case')} of {amount_of(model['subjects'], 'subject')}"
    name = str(model["label_class"])
    what = ", " + name if name.startswith("mean of") else f" of {name}"
    if model["value"] is None:
        return f"The mean Dice per image{what}, {where}, is undefined: {reason_of(model)}."
    interval = (
        f" (95 % interval {number(model['low'])} to {number(model['high'])})"
        if model["low"] is not None
        else " (no interval)"
    )
    others = [
        f"{article(one['predictor'])} {number(one['value'])}"
        for one in sorted(records, key=lambda one: _predictor_rank(one["predictor"]))
        if one["predictor"] != MODEL and one["value"] is not None
    ]
    beside = f" For comparison: {', '.join(others)}." if others else ""
    return (
        f"Mean Dice per image{what}, {where}: {number(model['value'])}{interval}, on {of}."
        f"{_unleaked(document)}{beside}"
    )


def _unleaked(document: Document) -> str:
    """The same figure without the leaked cases, where there are any."""
    view = next((one for one in document.get("views", ()) if one["name"] == UNLEAKED), None)
    if view is None:
        return ""
    leaked = amount_of(document["cases"] - view["cases"], "leaked case")
    records = only(view["records"], score="dice", pooling=PER_IMAGE, predictor=MODEL)
    if not records or records[0]["value"] is None:
        return f" Without {leaked} there is no figure."
    record = records[0]
    interval = ""
    if record["low"] is not None:
        interval = f" ({number(record['low'])} to {number(record['high'])})"
    return f" Without {leaked}: {number(record['value'])}{interval}."


def observer_words(name: str) -> str:
    """An observer in running text.

    Examples:
        >>> observer_words("1st"), observer_words("observer 2")
        ('observer 1st', 'observer 2')
    """
    return name if name.startswith("observer") else f"observer {name}"


def article(predictor: str) -> str:
    """A predictor in running text, with its article.

    Examples:
        >>> article("empty prediction"), article("observer 2"), article("mean training mask")
        ('an empty prediction', 'observer 2', 'the mean training mask')
    """
    articles = {"empty prediction": "an ", "mean training mask": "the "}
    return articles.get(predictor, "") + predictor


def sentence(text: str) -> str:
    """The text with a capital, and nothing else changed."""
    return text[:1].upper() + text[1:]


def table_of(
    records: Sequence[Record],
    columns: Sequence[tuple[str, Mapping[str, str]]],
    *,
    title: str,
    key: str,
    spans: tuple[tuple[str, int], ...] = (),
    is_led: bool = False,
    down: str = "score",
    colours: Mapping[str, str] | None = None,
) -> ScoreTable:
    """Rows of what differs in the field `down`, grouped by pooling."""
    remarks = _remarks(records)
    notes = Notes()
    groups = []
    for pooling in distinct(records, "pooling"):
        within = only(records, pooling=pooling)
        rows = tuple(
            Row(
                score_name(name) if down == "score" else sentence(name),
                tuple(
                    cell_of(only(within, **{down: name}, **wanted), notes, remarks)
                    for _, wanted in columns
                ),
                (colours or {}).get(name),
            )
            for name in distinct(within, down)
        )
        groups.append(RowGroup(sentence(pooling), _rules(within), rows))
    has_intervals = any(one["low"] is not None for one in records)
    return ScoreTable(
        title,
        f"{title}." + (INTERVAL_RULE if has_intervals else ""),
        tuple(name for name, _ in columns),
        tuple(groups),
        tuple((place, sentence(text)) for text, place in notes.numbers.items()),
        tuple(sentence(text) for text in remarks),
        spans,
        is_led,
        "Score" if down == "score" else "Class",
        key,
    )


def _remarks(records: Sequence[Record]) -> tuple[str, ...]:
    """What holds for all figures of the table, and therefore needs no number."""
    with_interval = [one for one in records if one["low"] is not None]
    defined = [one for one in records if one["value"] is not None]
    if with_interval:
        texts = {one.get("note") for one in with_interval}
    else:
        texts = {one.get("why_no_interval") for one in defined}
    return tuple(str(text) for text in texts if text) if len(texts) == 1 else ()


def cell_of(found: Sequence[Record], notes: Notes, remarks: Sequence[str]) -> Cell | None:
    """The first of these records as a cell; None where there is none."""
    if not found:
        return None
    record = found[0]
    if record["value"] is None:
        reason = reason_of(record)
        return Cell("undefined", None, (notes.number(reason),), is_undefined=True)
    score = str(record["score"])
    texts = (record.get("why_no_interval"), record.get("note"), _left_out(record))
    numbers = tuple(notes.number(str(text)) for text in texts if text and text not in remarks)
    interval = None
    if record["low"] is not None and record["high"] is not None:
        interval = (number(record["low"], score), number(record["high"], score))
    return Cell(number(record["value"], score), interval, numbers)


def reason_of(record: Record) -> str:
    """Why a figure is undefined, without the score's name, which the row says."""
    reason = str(record["why_undefined"] or "no reason was given")
    return reason.removeprefix(f"{record['score']}: ")


def _left_out(record: Record) -> str | None:
    parts: list[str] = []
    if record.get("undefined_cases"):
        parts.append(
            f"the mean of {amount_of(record['cases'], 'case')}; "
            f"{record['undefined_cases']} left out as undefined"
        )
    if record.get("failed_cases"):
        parts.append(f"{amount_of(record['failed_cases'], 'case')} failed and counted as missed")
    return "; ".join(parts) or None


def _rules(records: Sequence[Record]) -> tuple[str, ...]:
    """The empty rules of a group: one for all, or each with the scores that it holds for."""
    of: dict[str, list[str]] = {}
    for record in records:
        name = score_name(str(record["score"]))
        names = of.setdefault(record["empty_rule"], [])
        if name not in names:
            names.append(name)
    *some, most = sorted(of, key=lambda rule: len(of[rule]))
    return (
        *(f"{', '.join(of[rule])}: {rule}" for rule in some),
        ("others: " if some else "") + most,
    )


def score_name(score: str) -> str:
    """A score as people write it."""
    return SCORE_NAMES.get(score, sentence(score))


def class_names(document: Document) -> list[str]:
    """Every class that has a record, and their mean."""
    return distinct(document["records"], "label_class")


def distinct(records: Iterable[Record], name: str) -> list[str]:
    """The values of one field, each once, in the order in which they come."""
    return list(dict.fromkeys(str(record[name]) for record in records))


def only(records: Iterable[Record], **fields: str) -> list[Record]:
    """The records whose fields have these values."""
    return [
        record for record in records if all(record[name] == value for name, value in fields.items())
    ]


def _predictor_rank(name: str) -> tuple[int, str]:
    """The model, then people, then what any model must beat."""
    fixed = {MODEL: 0, "mean training mask": 2, "empty prediction": 3}
    return (fixed.get(name, 1), name)


def amount_of(amount: int, noun: str) -> str:
    """A number with its noun."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")
