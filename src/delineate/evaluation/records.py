"""What an evaluation says: figures that carry their whole rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from delineate.core.types import LabelClass
from delineate.evaluation.figures import ViewScores, figure_document, figure_words, having

MODEL, EMPTY, MEAN_MASK = "model", "empty prediction", "mean training mask"
INSIDE, WHOLE = "inside the region", "whole frame"
POOLED, PER_IMAGE = "pooled", "mean per image"
CLASS_MEAN, ALL_CLASSES = "mean of the foreground classes", "all classes together"
# The share of pixels that have their right class, whichever it is.
PIXEL_ACCURACY = "pixel_accuracy"
EVERY_CASE, AS_DECIDED = "every case", "every case, labels as decided"
UNLEAKED = "without the leaked cases"
BEFORE, UNTOUCHED = "labels before the decisions", "cases that no decision touched"

# What a person sees first, in this order: score and pooling.
HEADLINE = (
    ("dice", POOLED),
    ("dice", PER_IMAGE),
    ("roc_auc", POOLED),
    ("average_precision", POOLED),
    ("sensitivity", POOLED),
    ("specificity", POOLED),
)
# The same of several classes, where the mean IoU is what the field compares.
HEADLINE_OF_SEVERAL = (
    ("dice", POOLED),
    ("dice", PER_IMAGE),
    ("iou", POOLED),
    ("precision", POOLED),
    ("sensitivity", POOLED),
    ("specificity", POOLED),
    (PIXEL_ACCURACY, POOLED),
    ("roc_auc", POOLED),
    ("average_precision", POOLED),
)

FAILURE_RULE = (
    "a failed case stays in: every score of it is 0 in means over images, and in pooled scores "
    "its foreground counts as missed and its background is not credited"
)


@dataclass(frozen=True)
class ScoreRecord:
    """One figure with the rule that it was counted by.

    `cases` and `subjects` are those that the figure is made of, `undefined_cases` those left
    out because they have no value, `failed_cases` those among `cases` for which the
    predictor gave no answer.
    """

    score: str
    label_class: str
    predictor: str
    observer: str
    region: str
    pooling: str
    empty_rule: str
    value: float | None
    why_undefined: str | None
    low: float | None
    high: float | None
    why_no_interval: str | None
    note: str | None
    cases: int
    subjects: int
    undefined_cases: int
    failed_cases: int

    @property
    def rule(self) -> str:
        """How the figure came about, in one sentence."""
        left_out = f", {self.undefined_cases} left out as undefined" if self.undefined_cases else ""
        failed = f", {self.failed_cases} of them failed" if self.failed_cases else ""
        return (
            f"{self.score} of {self.label_class}, {self.predictor} against {self.observer}, "
            f"{self.region}, {self.pooling}; {self.empty_rule}; "
            f"{self.cases} cases of {self.subjects} subjects{left_out}{failed}"
        )

    def __str__(self) -> str:
        """The value with its interval, or `undefined` and the reason."""
        return figure_words(self)


@dataclass(frozen=True)
class EmptyRuleRow:
    """The model's Dice under one convention for empty masks, and who follows it."""

    rule: str
    source: str
    label_class: str
    observer: str
    region: str
    value: float | None
    why_undefined: str | None
    cases: int
    left_out: int


@dataclass(frozen=True)
class CurveRecord:
    """A thinned ROC curve (x false positive rate, y sensitivity) or PR curve (recall, precision).

    Pooled over all pixels, for the model. A threshold of None is above every score.
    """

    kind: str
    label_class: str
    observer: str
    region: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    threshold: tuple[float | None, ...]


@dataclass(frozen=True)
class CaseTable:
    """One row a case, observer and region; `undefined` where a score has no value."""

    header: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]


@dataclass(frozen=True)
class Confusion:
    """Pixels of all cases by true class (row) and the class that the model gave (column).

    `unanswered_px` are those of failed cases, by true class.
    """

    observer: str
    region: str
    pixels: tuple[tuple[int, ...], ...]
    unanswered_px: tuple[int, ...]

    def to_document(self) -> dict[str, Any]:
        """The matrix, and the shares of its rows; None where the truth has no pixel."""
        rows = zip(self.pixels, self.unanswered_px, strict=True)
        totals = [sum(row) + unanswered for row, unanswered in rows]
        shares = [
            [round(count / total, 6) if total else None for count in row]
            for row, total in zip(self.pixels, totals, strict=True)
        ]
        return {**asdict(self), "row_shares": shares, "predictor": MODEL, "pooling": POOLED}


@dataclass(frozen=True)
class ObjectFigures:
    """All figures of objects, the rules by which they were counted, and a row a case and class."""

    records: tuple[ScoreRecord, ...]
    rules: tuple[str, ...]
    case_table: CaseTable

    def to_document(self) -> dict[str, Any]:
        """All but the rows of cases in plain JSON values."""
        records = [figure_document(record) for record in self.records]
        return {"rules": list(self.rules), "records": records}


def headline_of(
    records: Iterable[ScoreRecord], classes: Sequence[LabelClass], **fields: str
) -> tuple[ScoreRecord, ...]:
    """What is read first of these classes, in its order, of records with these values.

    One foreground class has `HEADLINE`; several have `HEADLINE_OF_SEVERAL` of their mean.
    """
    found = having(records, **fields)
    names = (reference_class(classes), ALL_CLASSES)
    return tuple(
        record
        for wanted in (HEADLINE if len(classes) == 2 else HEADLINE_OF_SEVERAL)
        for record in found
        if (record.score, record.pooling) == wanted and record.label_class in names
    )


@dataclass(frozen=True)
class Evaluation:
    """All figures of one set of predictions.

    `views` hold the headline scores once more over other sets of cases or labels, the whole
    first; empty where the whole is all there is.
    """

    classes: tuple[LabelClass, ...]
    threshold: float | None
    threshold_origin: str
    observers: tuple[str, ...]
    regions: tuple[str, ...]
    cases: int
    subjects: int
    records: tuple[ScoreRecord, ...]
    empty_rules: tuple[EmptyRuleRow, ...]
    curves: tuple[CurveRecord, ...]
    case_table: CaseTable
    failures: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    views: tuple[ViewScores[ScoreRecord], ...] = ()
    is_overlapping: bool = False
    thresholds: tuple[float, ...] | None = None
    confusions: tuple[Confusion, ...] = ()
    objects: ObjectFigures | None = None

    @property
    def reference_class(self) -> str:
        """The class that is looked at first: the only one, or the mean of all."""
        return reference_class(self.classes)

    @property
    def reference_region(self) -> str:
        """Inside the region of interest where there is one."""
        return reference_region(self.regions)

    def find(self, **fields: str) -> tuple[ScoreRecord, ...]:
        """The records whose fields have these values, such as `score="dice"`."""
        return having(self.records, **fields)

    def headline(self) -> tuple[ScoreRecord, ...]:
        """What a person sees first: each predictor against the observer of reference.

        Inside the region where there is one, of the reference class: Dice pooled and per
        image, then other scores pooled.
        """
        if not self.observers:
            return ()
        return headline_of(
            self.records,
            self.classes,
            observer=self.observers[0],
            region=self.reference_region,
        )

    def case_rows(self) -> tuple[Sequence[str], Sequence[Sequence[str | int | float]]]:
        """Header and rows of cases.csv."""
        return self.case_table.header, self.case_table.rows

    def to_document(self) -> dict[str, Any]:
        """All of it for evaluation.json; None where a figure is undefined."""
        return {
            "threshold": self.threshold,
            "thresholds": None if self.thresholds is None else list(self.thresholds),
            "threshold_origin": self.threshold_origin,
            "is_overlapping": self.is_overlapping,
            "classes": [asdict(label_class) for label_class in self.classes],
            "observers": list(self.observers),
            "regions": list(self.regions),
            "cases": self.cases,
            "subjects": self.subjects,
            "failures": [{"id": id_, "failure": failure} for id_, failure in self.failures],
            "failure_rule": FAILURE_RULE,
            "notes": list(self.notes),
            "headline": [figure_document(record) for record in self.headline()],
            "views": [view.to_document() for view in self.views],
            "empty_rules": [asdict(row) for row in self.empty_rules],
            "records": [figure_document(record) for record in self.records],
            "curves": [asdict(curve) for curve in self.curves],
            "confusion_matrices": [one.to_document() for one in self.confusions],
            "objects": None if self.objects is None else self.objects.to_document(),
        }


def reference_class(classes: Sequence[LabelClass]) -> str:
    """The foreground class where there is one, else the mean of all."""
    return classes[1].name if len(classes) == 2 else CLASS_MEAN


def reference_region(regions: Collection[str]) -> str:
    """Inside the region of interest where any case has one."""
    return INSIDE if INSIDE in regions else WHOLE


def observer_predictor(observer: str) -> str:
    """The name of an observer in the place of a predictor.

    Examples:
        >>> observer_predictor("2"), observer_predictor("observer 2")
        ('observer 2', 'observer 2')
    """
    return observer if observer.startswith("observer") else f"observer {observer}"
