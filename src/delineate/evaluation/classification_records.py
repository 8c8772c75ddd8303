"""What the evaluation of a classifier says: figures that carry their whole rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from delineate.evaluation.figures import ViewScores, figure_document, figure_words, having
from delineate.metrics.calibration import ReliabilityBin
from delineate.metrics.operating_points import OperatingPoint

TASK = "classify"
ALWAYS_ABSENT, ALWAYS_PRESENT = "always absent", "always present"
PREVALENCE = "training prevalence"
ALL_THRESHOLDS, AT_THRESHOLD = "over all thresholds", "at the threshold"
AT_SPECIFICITY, PROBABILITIES = "at a fixed specificity", "of the probabilities"

SPECIFICITIES = (0.90, 0.95)
NO_TRUTH = "no truth"


def at_specificity_name(specificity: float) -> str:
    """The score's name of the sensitivity at a fixed specificity.

    Examples:
        >>> at_specificity_name(0.9)
        'sensitivity_at_specificity_0.90'
    """
    return f"sensitivity_at_specificity_{specificity:.2f}"


# What a person sees first, in this order.
HEADLINE = (
    "roc_auc",
    "average_precision",
    *(at_specificity_name(one) for one in SPECIFICITIES),
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "brier_score",
    "calibration_error",
)

FAILURE_RULE = (
    "a failed case stays in as the worst answer: wrong at every threshold, ranked below every "
    "other where something is present and above every other where nothing is, with a squared "
    "error and a calibration error of 1"
)
OPTIMISTIC = (
    "the sensitivity at a fixed specificity is read off the scored cases, which choose its "
    "threshold themselves: it is optimistic, and no threshold to go on with"
)


@dataclass(frozen=True)
class CaseVerdict:
    """One case as it was counted; `is_present` is None where the model gave no answer.

    A case whose `truth` is None is listed, and not scored.
    """

    id: str
    subject: str | None
    truth: bool | None
    probability: float | None
    is_present: bool | None
    failure: str | None

    @property
    def outcome(self) -> str:
        """Found, missed, false alarm, rightly absent, failed, or no truth."""
        if self.truth is None:
            return NO_TRUTH
        if self.is_present is None:
            return "failed"
        if self.truth:
            return "found" if self.is_present else "missed"
        return "false alarm" if self.is_present else "rightly absent"


@dataclass(frozen=True)
class Confusion:
    """Cases by truth and answer, failed ones among the wrong ones, and how many of them failed."""

    found: int
    missed: int
    false_alarms: int
    rightly_absent: int
    failed_present: int
    failed_absent: int


@dataclass(frozen=True)
class ClassScore:
    """One figure with the rule that it was counted by.

    `kind` says of what it is a figure: of all thresholds, of one, or of the probabilities.
    """

    score: str
    predictor: str
    kind: str
    how: str
    value: float | None
    why_undefined: str | None
    low: float | None
    high: float | None
    why_no_interval: str | None
    note: str | None
    cases: int
    subjects: int
    failed_cases: int

    @property
    def rule(self) -> str:
        """How the figure came about, in one sentence."""
        failed = f", {self.failed_cases} of them failed" if self.failed_cases else ""
        return (
            f"{self.score.replace('_', ' ')} of {self.predictor}, {self.kind}: {self.how}; "
            f"{self.cases} cases of {self.subjects} subjects{failed}"
        )

    def __str__(self) -> str:
        """The value with its interval, or `undefined` and the reason."""
        return figure_words(self)


@dataclass(frozen=True)
class RocPoints:
    """False positive rate (x) and sensitivity (y), thinned; a threshold of None is above all."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    threshold: tuple[float | None, ...]


@dataclass(frozen=True)
class Reliability:
    """The bins of the calibration error, and what a calibrated model would show of it.

    Cases that failed have no probability and stand in no bin.
    """

    bins: tuple[ReliabilityBin, ...]
    error_when_calibrated: float | None


@dataclass(frozen=True)
class ClassificationEvaluation:
    """All figures of one set of answers to "is there anything to find in this image".

    `views` hold the headline scores once more over other sets of cases or labels, the whole
    first; empty where the whole is all there is.
    """

    threshold: float
    threshold_origin: str
    prevalence_in_training: float | None
    records: tuple[ClassScore, ...]
    views: tuple[ViewScores[ClassScore], ...]
    cases: tuple[CaseVerdict, ...]
    subjects: int
    confusion: Confusion
    operating_points: tuple[OperatingPoint, ...]
    reliability: Reliability
    roc: RocPoints | None
    notes: tuple[str, ...]

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        """Id and reason of each case without an answer or without truth."""
        return tuple((one.id, one.failure) for one in self.cases if one.failure is not None)

    def find(self, **fields: str) -> tuple[ClassScore, ...]:
        """The records whose fields have these values, such as `score="roc_auc"`."""
        return having(self.records, **fields)

    def headline(self) -> tuple[ClassScore, ...]:
        """What a person sees first: the model and each baseline."""
        return headline_of(self.records)

    def most_confident_errors(self, count: int) -> tuple[CaseVerdict, ...]:
        """Answered wrongly at the threshold, the farthest from the truth first; ties by id."""
        wrong = [one for one in self.cases if one.outcome in ("missed", "false alarm")]
        ranked = sorted(
            wrong, key=lambda one: (-abs((one.probability or 0.0) - bool(one.truth)), one.id)
        )
        return tuple(ranked[:count])

    def case_rows(self) -> tuple[Sequence[str], Sequence[Sequence[str | float]]]:
        """Header and rows of cases.csv: every case, failed ones too, in the order they came."""
        header = ("id", "subject", "status", "failure", "truth", "probability", "answer", "outcome")
        return header, [_case_row(one) for one in self.cases]

    def to_document(self) -> dict[str, Any]:
        """All of it for evaluation.json; None where a figure is undefined."""
        return {
            "task": TASK,
            "threshold": self.threshold,
            "threshold_origin": self.threshold_origin,
            "prevalence_in_training": self.prevalence_in_training,
            "cases": len(self.cases),
            "subjects": self.subjects,
            "present": sum(one.truth is True for one in self.cases),
            "absent": sum(one.truth is False for one in self.cases),
            "without_truth": sum(one.truth is None for one in self.cases),
            "failures": [{"id": id_, "failure": failure} for id_, failure in self.failures],
            "failure_rule": FAILURE_RULE,
            "notes": list(self.notes),
            "headline": [figure_document(record) for record in self.headline()],
            "views": [view.to_document() for view in self.views],
            "records": [figure_document(record) for record in self.records],
            "confusion": asdict(self.confusion),
            "operating_points": [_point_document(one) for one in self.operating_points],
            "reliability": {
                "bins": [asdict(one) for one in self.reliability.bins],
                "error_when_calibrated": self.reliability.error_when_calibrated,
            },
            "roc": None if self.roc is None else _lists(self.roc),
        }


def headline_of(records: Iterable[ClassScore]) -> tuple[ClassScore, ...]:
    """The records of `HEADLINE`, in its order."""
    found = tuple(records)
    return tuple(record for score in HEADLINE for record in found if record.score == score)


def _case_row(case: CaseVerdict) -> tuple[str | float, ...]:
    words = {True: "present", False: "absent", None: ""}
    return (
        case.id,
        case.subject or "",
        case.outcome if case.outcome in ("failed", NO_TRUTH) else "scored",
        case.failure or "",
        words[case.truth],
        "undefined" if case.probability is None else case.probability,
        words[case.is_present],
        case.outcome,
    )


def _lists(points: RocPoints) -> dict[str, list[float | None]]:
    return {name: list(values) for name, values in vars(points).items()}


def _point_document(point: OperatingPoint) -> dict[str, Any]:
    return {
        "wanted_specificity": point.wanted_specificity,
        "sensitivity": point.sensitivity.value,
        "why_undefined": point.sensitivity.why_undefined,
        "specificity": point.specificity,
        "threshold": point.threshold,
    }
