"""The whole evaluation of "is there anything to find in this image", beside its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SettingsError
from delineate.evaluation.classification_records import (
    ALWAYS_ABSENT,
    ALWAYS_PRESENT,
    FAILURE_RULE,
    OPTIMISTIC,
    PREVALENCE,
    SPECIFICITIES,
    CaseVerdict,
    ClassificationEvaluation,
    ClassScore,
    Reliability,
    RocPoints,
    headline_of,
)
from delineate.evaluation.classification_scores import Answers, scores_of
from delineate.evaluation.figures import ViewScores
from delineate.evaluation.records import AS_DECIDED, BEFORE, EVERY_CASE, MODEL, UNTOUCHED
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View
from delineate.metrics.calibration import error_when_calibrated, reliability
from delineate.metrics.operating_points import OperatingPoint

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassifiedCase:
    """An image with its truth and the model's probability that there is something to find.

    `truth` is None where none can be read. `failure` says why there is no probability, or no
    truth. Several images may share a subject.
    """

    id: str
    subject: str | None
    truth: bool | None
    probability: float | None
    failure: str | None = None

    @property
    def group(self) -> str:
        """Who is drawn as a whole in resampling: the subject, else the case itself."""
        return self.subject if self.subject is not None else f"sample:{self.id}"


def score_classification(
    cases: Sequence[ClassifiedCase],
    threshold: float,
    *,
    threshold_origin: str = "not stated",
    prevalence_in_training: float | None = None,
    views: Sequence[View] = (),
    before: Sequence[ClassifiedCase] = (),
    settings: EvaluationSettings | None = None,
) -> ClassificationEvaluation:
    """Every score of the model, of either constant answer and of the training prevalence.

    A case is called present where its probability is at least the threshold, which
    `threshold_origin` says how it was chosen. A case without a probability from 0 to 1 has
    failed and counts as the worst answer there is; one without truth is listed and not scored.
    `prevalence_in_training` is the share of training cases that are present.

    The headline scores are given once more for each view. `before` holds the cases that
    somebody's decisions changed or dropped, as they were: where there are any, the labels
    before the decisions and the cases that no decision touched are views too.

    Raises:
        SettingsError: There is no case with a truth, an id comes twice, or the threshold or the
            prevalence is no number of its range.
    """
    settings = settings or EvaluationSettings()
    _check(cases, threshold, prevalence_in_training)
    of = _Predictors(threshold, threshold_origin, prevalence_in_training)
    scored = _scored(cases)
    records = [score for each in of.answers(scored) for score in scores_of(each, settings)]
    model = next(of.answers(scored))
    answered = ~model.has_failed
    shares, truth = model.probability[answered], model.truth[answered]
    expected = error_when_calibrated(shares, seed=settings.seed)
    return ClassificationEvaluation(
        threshold=threshold,
        threshold_origin=threshold_origin,
        prevalence_in_training=prevalence_in_training,
        records=tuple(records),
        views=tuple(_views(of, scored, views, _scored(before), before, records, settings)),
        cases=tuple(_verdict(case, threshold) for case in cases),
        subjects=len({case.group for case in cases}),
        confusion=model.confusion(),
        operating_points=tuple(_within_range(model, wanted) for wanted in SPECIFICITIES),
        reliability=Reliability(reliability(shares, truth), expected),
        roc=_roc(model),
        notes=tuple(_notes(cases, scored, model, prevalence_in_training, expected)),
    )


def _scored(cases: Sequence[ClassifiedCase]) -> list[ClassifiedCase]:
    return [case for case in cases if case.truth is not None]


@dataclass(frozen=True)
class _Predictors:
    """The model and what costs nothing, over any cases that have a truth."""

    threshold: float
    origin: str
    prevalence: float | None

    def answers(self, cases: Sequence[ClassifiedCase]) -> Iterator[Answers]:
        """The model first, then each baseline."""
        truth = np.array([case.truth for case in cases], bool)
        groups = [case.group for case in cases]
        verdicts = [_verdict(case, self.threshold) for case in cases]
        # None becomes NaN.
        probability = np.array([one.probability for one in verdicts], np.float64)
        # A failed case is called what it is not.
        called = [not one.truth if one.is_present is None else one.is_present for one in verdicts]
        cut = f"present where the probability is at least {self.threshold:.4g} ({self.origin})"
        yield Answers(MODEL, cut, truth, probability, np.array(called, bool), groups)
        constants = [(ALWAYS_ABSENT, 0.0), (ALWAYS_PRESENT, 1.0)]
        if self.prevalence is not None:
            constants.append((PREVALENCE, self.prevalence))
        for name, value in constants:
            cut = f"{'present' if value >= 0.5 else 'absent'} everywhere"
            yield Answers(
                name, cut, truth, np.full(len(truth), value), np.full(len(truth), value >= 0.5),
                groups,
            )  # fmt: skip


def _check(cases: Sequence[ClassifiedCase], threshold: float, prevalence: float | None) -> None:
    if not _scored(cases):
        raise SettingsError("cases: expected at least one with a truth to score, found none")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise SettingsError(f"case '{case.id}': expected each id once, found it again")
        seen.add(case.id)
    if not np.isfinite(threshold):
        raise SettingsError(
            f"threshold: expected a number, found {threshold}; choose one on validation cases"
        )
    if prevalence is not None and not 0 <= prevalence <= 1:
        raise SettingsError(
            f"prevalence_in_training: expected a share from 0 to 1, found {prevalence}"
        )


def _verdict(case: ClassifiedCase, threshold: float) -> CaseVerdict:
    failure = case.failure or _fault_of(case.probability)
    probability = None if failure or case.probability is None else float(case.probability)
    is_present = None if probability is None else probability >= threshold
    return CaseVerdict(case.id, case.subject, case.truth, probability, is_present, failure)


def _fault_of(probability: float | None) -> str | None:
    if probability is None:
        return "no prediction"
    if not 0 <= probability <= 1:  # nor is NaN
        return f"probability: expected a number from 0 to 1, found {probability:g}"
    return None


def _views(
    of: _Predictors,
    cases: Sequence[ClassifiedCase],
    asked: Sequence[View],
    before: Sequence[ClassifiedCase],
    touched: Sequence[ClassifiedCase],
    whole: Sequence[ClassScore],
    settings: EvaluationSettings,
) -> Iterator[ViewScores[ClassScore]]:
    """The whole and every view beside it; nothing where there is but the whole."""

    def view(name: str, kept: Sequence[ClassifiedCase]) -> ViewScores[ClassScore]:
        scored = of.answers(kept) if kept else ()
        records = headline_of(score for each in scored for score in scores_of(each, settings))
        return ViewScores(name, len(kept), _subjects(kept), records)

    if not asked and not touched:
        return
    name = AS_DECIDED if touched else EVERY_CASE
    yield ViewScores(name, len(cases), _subjects(cases), headline_of(whole))
    for each in asked:
        yield view(each.name, [case for case in cases if case.id not in each.left_out])
    if touched:
        ids = {case.id for case in touched}
        untouched = [case for case in cases if case.id not in ids]
        yield view(BEFORE, [*untouched, *before])
        yield view(UNTOUCHED, untouched)


def _subjects(cases: Sequence[ClassifiedCase]) -> int:
    return len({case.group for case in cases})


def _within_range(model: Answers, specificity: float) -> OperatingPoint:
    """The operating point; the rank of a failed case is no threshold."""
    point = model.operating_point(specificity)
    is_rank = point.threshold is not None and point.threshold > 1
    return replace(point, threshold=None) if is_rank else point


def _roc(model: Answers) -> RocPoints | None:
    curve = model.ranking().roc_curve()
    if curve is None:
        return None
    levels = (round(float(one), 6) if 0 <= one <= 1 else None for one in curve.threshold)
    x, y = (tuple(np.round(each, 6).tolist()) for each in (curve.x, curve.y))
    return RocPoints(x, y, tuple(levels))


def _notes(
    cases: Sequence[ClassifiedCase],
    scored: Sequence[ClassifiedCase],
    model: Answers,
    prevalence: float | None,
    expected_error: float | None,
) -> Iterator[str]:
    total = len(cases)
    unknown = sum(case.subject is None for case in cases)
    if unknown:
        yield (
            f"subjects are unknown for {unknown} of {total} cases: each of these counts as a "
            "subject of its own, so that intervals are too narrow if one subject has several"
        )
    failed = int(model.has_failed.sum())
    if failed:
        yield f"{failed} of {total} cases failed: {FAILURE_RULE}"
    if len(scored) < total:
        yield f"{total - len(scored)} of {total} cases have no truth and no score"
    present = int(model.truth.sum())
    yield (
        f"{present} of {len(scored)} cases are present: accuracy, average precision and both "
        "predictive values hold at this share alone"
    )
    if prevalence is None:
        yield "the share of present cases in training is not known: it is no baseline here"
    if expected_error is not None:
        yield (
            "a perfectly calibrated model of these probabilities would show a calibration error "
            f"of {expected_error:.3f} on as many cases: only what is above is a fault of the model"
        )
    yield OPTIMISTIC
