"""One case: what is scored, and what was counted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.core.types import IGNORE, LabelClass, Labels, Mask, Probability
from delineate.metrics.counts import Counts
from delineate.metrics.overlap import overlap
from delineate.metrics.ranking import Ranking
from delineate.metrics.score import Score, undefined
from delineate.metrics.thresholds import decide

HARD_MASK = "a hard mask has no probabilities to rank"
RANKINGS = ("roc_auc", "average_precision")


@dataclass(frozen=True)
class ScoredCase:
    """A case with its truths and the model's answer.

    `truths` goes from observer to labels, the observer of reference first. `labels` are the
    model's decision at native size; where they are None they are taken from `probability`
    by the threshold (or the highest channel). `failure` says why there is no answer.

    `earlier` are the truths from before somebody's decisions changed them, None where none
    did; a case that `is_dropped` by a decision counts with its earlier truths alone.
    """

    id: str
    subject: str | None
    truths: Mapping[str, Labels]
    region: Mask | None = None
    probability: Probability | None = None
    labels: Labels | None = None
    failure: str | None = None
    earlier: Mapping[str, Labels] | None = None
    is_dropped: bool = False

    @property
    def group(self) -> str:
        """Who is drawn as a whole in resampling: the subject, else the case itself."""
        return self.subject if self.subject is not None else f"sample:{self.id}"


@dataclass(frozen=True)
class Prediction:
    """An answer of any predictor: labels, and probabilities where it has them."""

    labels: Labels
    probability: Probability | None


@dataclass(frozen=True)
class CaseFigures:
    """What was counted of one class in one case, for one predictor, observer and region.

    A failed case has its true foreground as missed and nothing else; its ranking holds that
    foreground below every score, and each of its own scores is 0. `ranking` and `rankings`
    (ROC AUC and average precision of this case) are None for hard masks.
    """

    id: str
    group: str
    counts: Counts
    ranking: Ranking | None
    is_failed: bool = False
    rankings: Mapping[str, Score] | None = None

    def score(self, name: str, when_both_empty: float | None) -> Score:
        """One score of this case alone."""
        if name in RANKINGS and self.ranking is None:
            return undefined(f"{name}: {HARD_MASK}")
        if self.is_failed:
            return Score(0.0)
        if self.rankings is not None and name in RANKINGS:
            return self.rankings[name]
        return overlap(name, self.counts, when_both_empty=when_both_empty)


def answer(
    case: ScoredCase, classes: Sequence[LabelClass], threshold: float | None
) -> Prediction | str:
    """The model's prediction, or in words why the case has failed."""
    if case.failure is not None:
        return case.failure
    size = next(iter(case.truths.values())).shape if case.truths else None
    labels, probability = case.labels, case.probability
    if probability is not None:
        fault = _fault_of_probability(probability, classes, size)
        if fault:
            return fault
        labels = decide(probability, threshold) if labels is None else labels
    if labels is None:
        return "no prediction"
    fault = _fault_of_labels(labels, classes, size)
    return fault or Prediction(labels, probability)


def _fault_of_probability(
    probability: Probability, classes: Sequence[LabelClass], size: tuple[int, ...] | None
) -> str | None:
    channels = 1 if len(classes) == 2 else len(classes)
    if probability.ndim != 3 or probability.shape[0] != channels:
        return (
            f"probability: expected (channels, height, width) with {channels} channels, "
            f"found the shape {probability.shape}"
        )
    if size is not None and probability.shape[1:] != size:
        return f"probability: expected the truth's size {size}, found {probability.shape[1:]}"
    if not np.isfinite(probability).all():
        return "probability: expected numbers, found NaN or infinity"
    lowest, highest = float(probability.min()), float(probability.max())
    if lowest < 0 or highest > 1.0001:  # sums of channels may round above 1
        return f"probability: expected values from 0 to 1, found {lowest:g} to {highest:g}"
    return None


def _fault_of_labels(
    labels: Labels, classes: Sequence[LabelClass], size: tuple[int, ...] | None
) -> str | None:
    if size is not None and labels.shape != size:
        return f"labels: expected the truth's size {size}, found {labels.shape}"
    highest = int(labels.max(initial=0))
    if highest == IGNORE:
        return f"labels: a prediction must decide every pixel, found the ignore label {IGNORE}"
    if highest >= len(classes):
        return f"labels: expected classes below {len(classes)}, found {highest}"
    return None
