"""One case: what is scored, and what was counted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import IGNORE, DrawnObject, LabelClass, Labels, Mask, Probability
from delineate.metrics.counts import Counts
from delineate.metrics.levels import SomeRanking
from delineate.metrics.overlap import overlap
from delineate.metrics.score import Score, undefined
from delineate.metrics.thresholds import Cut, decide

HARD_MASK = "a hard mask has no probabilities to rank"
RANKINGS = ("roc_auc", "average_precision")


@dataclass(frozen=True)
class ScoredCase:
    """A case with its truths and the model's answer.

    `truths` goes from observer to labels, the observer of reference first. `labels` are the
    model's decision at native size; where they are None they are taken from `probability`
    by the threshold (or the highest channel). `failure` says why there is no answer.

    `objects` are the single objects that observers drew, where the data set has them.

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
    objects: Mapping[str, Sequence[DrawnObject]] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Who is drawn as a whole in resampling: the subject, else the case itself."""
        return self.subject if self.subject is not None else f"sample:{self.id}"


@dataclass(frozen=True)
class Prediction:
    """An answer of any predictor: labels, and probabilities where it has them."""

    labels: Labels
    probability: Probability | None

    def channel(self, index: int, *, is_overlapping: bool) -> NDArray[np.float32] | None:
        """(H, W) probability of one class; None without probabilities."""
        if self.probability is None:
            return None
        has_background = not is_overlapping and len(self.probability) > 1
        channel: NDArray[np.float32] = self.probability[index if has_background else index - 1]
        return channel


@dataclass(frozen=True)
class CaseFigures:
    """What was counted of one class in one case, for one predictor, observer and region.

    A failed case has its true foreground as missed and nothing else; its ranking holds that
    foreground below every score, and each of its own scores is 0. `ranking`, for the pooled
    figures, and `rankings` (ROC AUC and average precision of this case) are None for hard masks.
    """

    id: str
    group: str
    counts: Counts
    ranking: SomeRanking | None
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
    case: ScoredCase,
    classes: Sequence[LabelClass],
    threshold: Cut,
    *,
    is_overlapping: bool = False,
) -> Prediction | str:
    """The model's prediction, or in words why the case has failed."""
    if case.failure is not None:
        return case.failure
    size = next(iter(case.truths.values())).shape if case.truths else None
    labels, probability = case.labels, case.probability
    if probability is not None:
        channels = channel_count(classes, is_overlapping=is_overlapping)
        fault = _fault_of_probability(probability, channels, size)
        if fault:
            return fault
        labels = decide(probability, threshold) if labels is None else labels
    if labels is None:
        return "no prediction"
    fault = _fault_of_labels(labels, highest_label(classes, is_overlapping=is_overlapping), size)
    return fault or Prediction(labels, probability)


def channel_count(classes: Sequence[LabelClass], *, is_overlapping: bool) -> int:
    """One for a binary task, one a foreground class where classes overlap, else one a class."""
    return len(classes) - 1 if is_overlapping or len(classes) == 2 else len(classes)


def highest_label(classes: Sequence[LabelClass], *, is_overlapping: bool) -> int:
    """The highest number that a pixel can have: an index, or the code of all classes at once."""
    return (1 << (len(classes) - 1)) - 1 if is_overlapping else len(classes) - 1


def _fault_of_probability(
    probability: Probability, channels: int, size: tuple[int, ...] | None
) -> str | None:
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


def _fault_of_labels(labels: Labels, highest: int, size: tuple[int, ...] | None) -> str | None:
    if size is not None and labels.shape != size:
        return f"labels: expected the truth's size {size}, found {labels.shape}"
    found = int(labels.max(initial=0))
    if found == IGNORE:
        return f"labels: a prediction must decide every pixel, found the ignore label {IGNORE}"
    if found > highest:
        return f"labels: expected classes below {highest + 1}, found {found}"
    return None
