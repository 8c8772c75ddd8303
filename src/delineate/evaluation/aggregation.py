"""From the figures of cases to records: pooled, or as the mean over images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import LabelClass
from delineate.evaluation.cases import HARD_MASK, RANKINGS, CaseFigures
from delineate.evaluation.records import (
    ALL_CLASSES,
    CLASS_MEAN,
    MODEL,
    PER_IMAGE,
    PIXEL_ACCURACY,
    POOLED,
    CurveRecord,
    ScoreRecord,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.tally import TOGETHER, Comparison
from delineate.metrics.counts import Counts
from delineate.metrics.intervals import (
    Histograms,
    Interval,
    bootstrap_pooled,
    bootstrap_ranking,
)
from delineate.metrics.levels import PooledRanking, histograms_of, joined
from delineate.metrics.overlap import RATIOS, overlap
from delineate.metrics.ranking import Curve
from delineate.metrics.score import Score, undefined

POOLED_RULE = "pixels of all cases are counted together; undefined where the divisor is zero"
LEFT_OUT_RULE = "images without a value are left out"
SCORES = (*RATIOS, *RANKINGS)
Figures = Sequence[CaseFigures]


@dataclass(frozen=True)
class Pooled:
    """The pooled rankings of one class, and what is needed to resample them."""

    scores: Mapping[str, Score]
    histograms: Histograms | None


def records_of(
    comparison: Comparison,
    by_class: dict[int, list[CaseFigures]],
    classes: Sequence[LabelClass],
    settings: EvaluationSettings,
) -> tuple[list[ScoreRecord], list[CurveRecord]]:
    """All records of a comparison, class by class and for the mean of several classes.

    The pixels' scores in `by_class` are used up to make room.
    """
    writer = _Writer(comparison, settings)
    records, curves, pools = [], [], []
    for label_class in classes[1:]:
        figures = by_class[label_class.index]
        pool, pooled_ranking = _pool(figures)
        if comparison.predictor == MODEL and pooled_ranking is not None:
            curves += list(_curves(comparison, label_class.name, pooled_ranking))
        pools.append(pool)
        records += writer.records(label_class.name, [figures], [pool])
    if len(classes) > 2:
        every = [by_class[label_class.index] for label_class in classes[1:]]
        records += writer.records(CLASS_MEAN, every, pools)
        if TOGETHER in by_class:
            records += writer.pixel_accuracy(by_class[TOGETHER])
    return records, curves


@dataclass(frozen=True)
class _Writer:
    comparison: Comparison
    settings: EvaluationSettings

    def records(
        self, name: str, figures: Sequence[Figures], pools: Sequence[Pooled]
    ) -> list[ScoreRecord]:
        """Both poolings of every score; `figures` and `pools` go over classes."""
        found = []
        for score in SCORES:
            if score in RANKINGS:
                found.append(self._pooled_ranking(score, name, figures, pools))
            else:
                found.append(self._pooled_overlap(score, name, figures))
            found.append(self._per_image(score, name, figures))
        return found

    def pixel_accuracy(self, figures: Figures) -> Iterator[ScoreRecord]:
        """The share of pixels with their right class; what is counted right stands as `tp`."""
        for record in (self._pooled_overlap, self._per_image):
            found = record("accuracy", ALL_CLASSES, [figures])
            reason = found.why_undefined
            if reason is not None:
                reason = reason.replace("accuracy", PIXEL_ACCURACY, 1)
            yield replace(found, score=PIXEL_ACCURACY, why_undefined=reason)

    def _pooled_overlap(self, score: str, name: str, figures: Sequence[Figures]) -> ScoreRecord:
        counts = np.array([[one.counts.as_array() for one in each] for each in figures])  # K, n, 4
        above, below = RATIOS[score].sums(counts.swapaxes(0, 1))  # n, K
        reason = overlap(score, sum((one.counts for one in figures[0]), Counts())).why_undefined
        groups = [one.group for one in figures[0]]
        value = _mean_of_ratios(above, below)
        return self._record(
            score, name, POOLED, POOLED_RULE, Score(value, None if value is not None else reason),
            self._resampled(above, below, groups), figures[0], 0,
        )  # fmt: skip

    def _per_image(self, score: str, name: str, figures: Sequence[Figures]) -> ScoreRecord:
        empty = self.settings.when_both_empty
        scores = [[one.score(score, empty) for one in each] for each in figures]  # K, n
        values = np.array(
            [[np.nan if one.value is None else one.value for one in each] for each in scores]
        ).T  # n, K
        has_value = np.isfinite(values)
        counted = has_value.any(axis=1)
        above, below = np.where(has_value, values, 0.0)[counted], has_value[counted]
        kept = [one for one, is_counted in zip(figures[0], counted, strict=True) if is_counted]
        value = _mean_of_ratios(above, below)
        reason = None
        if value is None:
            reasons = dict.fromkeys(one.why_undefined for each in scores for one in each)
            reason = " / ".join(str(one) for one in reasons) + ", in every image"
        return self._record(
            score, name, PER_IMAGE, self._empty_rule(score), Score(value, reason),
            self._resampled(above, below, [one.group for one in kept]), kept,
            len(counted) - len(kept),
        )  # fmt: skip

    def _pooled_ranking(
        self, score: str, name: str, figures: Sequence[Figures], pools: Sequence[Pooled]
    ) -> ScoreRecord:
        values = [pool.scores[score].value for pool in pools]
        defined = [value for value in values if value is not None]
        interval = None
        if defined:
            total = Score(float(np.mean(defined)))
            parts = [pool.histograms for pool in pools if pool.histograms is not None]
            interval = bootstrap_ranking(
                parts,
                cast(Literal["roc_auc", "average_precision"], score),
                exact=cast(float, total.value),
                seed=self.settings.seed,
                resamples=self.settings.resamples,
            )
        else:
            total = pools[0].scores[score]
        return self._record(score, name, POOLED, POOLED_RULE, total, interval, figures[0], 0)

    def _resampled(
        self, above: NDArray[np.generic], below: NDArray[np.generic], groups: Sequence[str]
    ) -> Interval | None:
        if not groups:
            return None
        seed, resamples = self.settings.seed, self.settings.resamples
        return bootstrap_pooled(above, below, groups, seed=seed, resamples=resamples)

    def _empty_rule(self, score: str) -> str:
        if score not in ("dice", "iou"):
            return LEFT_OUT_RULE
        if self.settings.when_both_empty is None:
            return "images empty in truth and prediction are left out"
        return f"images empty in truth and prediction count {self.settings.when_both_empty:g}"

    def _record(
        self, score: str, name: str, pooling: str, empty_rule: str, value: Score,
        interval: Interval | None, counted: Figures, left_out: int,
    ) -> ScoreRecord:  # fmt: skip
        why_no_interval = "the score is undefined"
        has_interval = interval is not None and value.value is not None
        if interval is not None and value.value is not None:
            why_no_interval = interval.why_none or ""
        return ScoreRecord(
            score=score,
            label_class=name,
            predictor=self.comparison.predictor,
            observer=self.comparison.observer,
            region=self.comparison.region,
            pooling=pooling,
            empty_rule=empty_rule,
            value=value.value,
            why_undefined=value.why_undefined,
            low=interval.low if interval is not None and has_interval else None,
            high=interval.high if interval is not None and has_interval else None,
            why_no_interval=why_no_interval or None,
            note=interval.note if interval is not None and has_interval else None,
            cases=len(counted),
            subjects=len({one.group for one in counted}),
            undefined_cases=left_out,
            failed_cases=sum(one.is_failed for one in counted),
        )


def _mean_of_ratios(above: NDArray[np.generic], below: NDArray[np.generic]) -> float | None:
    """The mean, over columns (classes) that have one, of the ratio of the columns' sums."""
    upper, lower = above.sum(axis=0), below.sum(axis=0)
    has_value = lower > 0
    return float((upper[has_value] / lower[has_value]).mean()) if has_value.any() else None


def _pool(figures: list[CaseFigures]) -> tuple[Pooled, PooledRanking | None]:
    rankings = [one.ranking for one in figures]
    hard = sum(ranking is None for ranking in rankings)
    scored = [ranking for ranking in rankings if ranking is not None]
    if hard or all(one.is_failed for one in figures):
        how_many = "" if hard == len(figures) else f" ({hard} of {len(figures)} cases)"
        reason = HARD_MASK + how_many if hard else "every case failed"
        return Pooled({name: undefined(f"{name}: {reason}") for name in RANKINGS}, None), None
    ranking, by_subject = joined(scored), histograms_of(scored, [one.group for one in figures])
    scores = {"roc_auc": ranking.roc_auc(), "average_precision": ranking.average_precision()}
    return Pooled(scores, by_subject), ranking


def _curves(comparison: Comparison, name: str, ranking: PooledRanking) -> Iterator[CurveRecord]:
    for kind, curve in (("roc", ranking.roc_curve()), ("pr", ranking.pr_curve())):
        if curve is not None:
            yield _curve_record(kind, curve, comparison, name)


def _curve_record(kind: str, curve: Curve, comparison: Comparison, name: str) -> CurveRecord:
    return CurveRecord(
        kind,
        name,
        comparison.observer,
        comparison.region,
        tuple(np.round(curve.x, 6).tolist()),
        tuple(np.round(curve.y, 6).tolist()),
        tuple(round(float(level), 6) if np.isfinite(level) else None for level in curve.threshold),
    )
