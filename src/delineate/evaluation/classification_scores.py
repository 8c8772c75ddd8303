"""Every score of one predictor of "present" or "absent", with its interval over subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from delineate.evaluation.classification_records import (
    ALL_THRESHOLDS,
    AT_SPECIFICITY,
    AT_THRESHOLD,
    PROBABILITIES,
    SPECIFICITIES,
    ClassScore,
    Confusion,
    at_specificity_name,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.metrics.calibration import BINS, brier_score, calibration_error
from delineate.metrics.intervals import (
    Interval,
    Ranked,
    binned_auc,
    binned_average_precision,
    bootstrap_levels,
    bootstrap_mean,
    bootstrap_sums,
)
from delineate.metrics.operating_points import (
    OperatingPoint,
    at_specificity,
    binned_at_specificity,
)
from delineate.metrics.ranking import Ranking, rank
from delineate.metrics.score import Score, undefined

# Beyond every probability, so that a failed case ranks worst of all.
_LOWEST, _HIGHEST = -1.0, 2.0
_NO_PRESENT = "the truth holds no present case"
_NO_ABSENT = "the truth holds no absent case"
ALL_THRESHOLDS_RULE = "every distinct probability is a threshold, ties count one half"
AT_SPECIFICITY_RULE = (
    "at the lowest threshold with at least that specificity, read off these very cases and "
    "therefore optimistic"
)
CALIBRATION_RULE = f"over {BINS} bins of equal width"
NO_CALIBRATION_INTERVAL = (
    "no interval of the calibration error: resampling inflates it, so that an interval would "
    "not hold the 0 of a calibrated model"
)
_BRIER_RULE = "the mean squared distance from the truth, 0 is best"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Ratio:
    """Weights of (found, missed, false alarm, rightly absent) above and below the line."""

    above: tuple[int, int, int, int]
    below: tuple[int, int, int, int]
    undefined_when: str


RATIOS = {
    "sensitivity": Ratio((1, 0, 0, 0), (1, 1, 0, 0), _NO_PRESENT),
    "specificity": Ratio((0, 0, 0, 1), (0, 0, 1, 1), _NO_ABSENT),
    "accuracy": Ratio((1, 0, 0, 1), (1, 1, 1, 1), "there is no case"),
    "positive_predictive_value": Ratio((1, 0, 0, 0), (1, 0, 1, 0), "no case is called present"),
    "negative_predictive_value": Ratio((0, 0, 0, 1), (0, 1, 0, 1), "no case is called absent"),
}


@dataclass(frozen=True)
class Answers:
    """What one predictor says of every case: (n,) truths, probabilities, decisions, subjects.

    A failed case has no probability (NaN), and the decision that is wrong.
    """

    predictor: str
    cut: str
    truth: Flags
    probability: Floats
    is_present: Flags
    groups: Sequence[str]

    @property
    def has_failed(self) -> Flags:
        """(n,) cases without an answer."""
        return np.isnan(self.probability)

    @cached_property
    def outcomes(self) -> Floats:
        """(n, 4) one 1 a case: found, missed, false alarm, rightly absent."""
        return np.stack(
            [
                self.truth & self.is_present,
                self.truth & ~self.is_present,
                ~self.truth & self.is_present,
                ~self.truth & ~self.is_present,
            ],
            axis=1,
        ).astype(np.float64)

    def confusion(self) -> Confusion:
        """How many of each."""
        found, missed, alarms, rejected = (int(one) for one in self.outcomes.sum(axis=0))
        failed = self.has_failed
        return Confusion(
            found,
            missed,
            alarms,
            rejected,
            failed_present=int((failed & self.truth).sum()),
            failed_absent=int((failed & ~self.truth).sum()),
        )

    def ranking(self) -> Ranking:
        """Present above absent, failed cases worst of all."""
        return rank(self.ranked[self.truth], self.ranked[~self.truth])

    def operating_point(self, specificity: float) -> OperatingPoint:
        """Where the lowest threshold of at least this specificity lies."""
        ranked = self.ranked
        return at_specificity(ranked[self.truth], ranked[~self.truth], specificity)

    @property
    def ranked(self) -> Floats:
        """(n,) probabilities, those of failed cases beyond all others."""
        worst = np.where(self.truth, _LOWEST, _HIGHEST)
        return np.where(self.has_failed, worst, self.probability)


def scores_of(answers: Answers, settings: EvaluationSettings) -> list[ClassScore]:
    """All records of one predictor, grouped by their kind."""
    return list(_Writer(answers, settings).records())


@dataclass(frozen=True)
class _Writer:
    answers: Answers
    settings: EvaluationSettings

    def records(self) -> Iterator[ClassScore]:
        yield from self._rankings()
        cut = self.answers.cut
        for name, ratio in RATIOS.items():
            yield self._record(name, AT_THRESHOLD, cut, *self._ratio(ratio))
            if name == "accuracy":
                yield self._record("balanced_accuracy", AT_THRESHOLD, cut, *self._balanced())
        yield self._record("brier_score", PROBABILITIES, _BRIER_RULE, *self._brier())
        yield self._record(
            "calibration_error", PROBABILITIES, CALIBRATION_RULE, self._calibration(), None,
            why_no_interval=NO_CALIBRATION_INTERVAL,
        )  # fmt: skip

    def _rankings(self) -> Iterator[ClassScore]:
        answers, why = self.answers, self._lacking_class()
        ranking = answers.ranking()
        points = {at_specificity_name(one): one for one in SPECIFICITIES}
        measures: dict[str, Ranked] = {
            "roc_auc": binned_auc,
            "average_precision": binned_average_precision,
            **{name: binned_at_specificity(one) for name, one in points.items()},
        }
        intervals: dict[str, Interval] = {}
        if why is None:
            intervals = bootstrap_levels(
                answers.ranked, answers.truth, answers.groups, measures, **self._how()
            )
        for name, compute in (
            ("roc_auc", ranking.roc_auc),
            ("average_precision", ranking.average_precision),
        ):
            score = undefined(why) if why else compute()
            yield self._record(
                name, ALL_THRESHOLDS, ALL_THRESHOLDS_RULE, score, intervals.get(name)
            )
        for name, wanted in points.items():
            score = answers.operating_point(wanted).sensitivity
            yield self._record(
                name, AT_SPECIFICITY, AT_SPECIFICITY_RULE, score, intervals.get(name)
            )

    def _lacking_class(self) -> str | None:
        if not self.answers.truth.any():
            return _NO_PRESENT
        return _NO_ABSENT if self.answers.truth.all() else None

    def _ratio(self, ratio: Ratio) -> tuple[Score, Interval | None]:
        def value(sums: Floats) -> Floats:
            return _ratio_of(sums, ratio)

        return self._of_sums(self.answers.outcomes, value, ratio.undefined_when)

    def _balanced(self) -> tuple[Score, Interval | None]:
        def value(sums: Floats) -> Floats:
            halves = [_ratio_of(sums, RATIOS[name]) for name in ("sensitivity", "specificity")]
            return (halves[0] + halves[1]) / 2

        return self._of_sums(self.answers.outcomes, value, self._lacking_class() or "")

    def _of_sums(
        self, rows: Floats, score: Callable[[Floats], Floats], why_undefined: str
    ) -> tuple[Score, Interval | None]:
        value = float(score(rows.sum(axis=0, keepdims=True))[0])
        if np.isnan(value):
            return undefined(why_undefined), None
        return Score(value), bootstrap_sums(rows, self.answers.groups, score, **self._how())

    def _brier(self) -> tuple[Score, Interval | None]:
        squared = (self._filled() - self.answers.truth) ** 2
        value = brier_score(self._filled(), self.answers.truth)
        return value, bootstrap_mean(squared, self.answers.groups, **self._how())

    def _filled(self) -> Floats:
        """Probabilities, those of failed cases as far from the truth as can be."""
        return np.where(self.answers.has_failed, ~self.answers.truth, self.answers.probability)

    def _calibration(self) -> Score:
        """Failed cases are a bin of their own with an error of 1, so that they never help."""
        kept = ~self.answers.has_failed
        answered = calibration_error(self.answers.probability[kept], self.answers.truth[kept])
        failed = float(np.mean(~kept))
        return Score((answered.value or 0.0) * (1 - failed) + failed)

    def _how(self) -> dict[str, int]:
        return {"seed": self.settings.seed, "resamples": self.settings.resamples}

    def _record(
        self, score: str, kind: str, how: str, value: Score, interval: Interval | None,
        why_no_interval: str | None = None,
    ) -> ClassScore:  # fmt: skip
        shown = interval if value.value is not None else None
        if value.value is None:
            why_no_interval = "the score is undefined"
        elif shown is not None:
            why_no_interval = shown.why_none
        answers = self.answers
        return ClassScore(
            score=score,
            predictor=answers.predictor,
            kind=kind,
            how=how,
            value=value.value,
            why_undefined=value.why_undefined,
            low=shown.low if shown else None,
            high=shown.high if shown else None,
            why_no_interval=why_no_interval,
            note=shown.note if shown else None,
            cases=len(answers.groups),
            subjects=len(set(answers.groups)),
            failed_cases=int(answers.has_failed.sum()),
        )


def _ratio_of(sums: Floats, ratio: Ratio) -> Floats:
    """(resamples,) ratios of sums (resamples, 4); NaN where the divisor is zero."""
    above, below = sums @ np.array(ratio.above), sums @ np.array(ratio.below)
    values: Floats = np.divide(above, below, out=np.full(len(sums), np.nan), where=below > 0)
    return values
