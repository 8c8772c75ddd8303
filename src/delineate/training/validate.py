"""The one score that training watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.overlapping import code, is_class
from delineate.core.types import IGNORE, Labels, Probability
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.counts import Counts, count
from delineate.metrics.levels import SomeRanking, at_levels, joined
from delineate.metrics.overlap import dice
from delineate.metrics.ranking import rank, roc_auc

# One validation case: probability at native size and the labels there, IGNORE outside.
Judged = tuple[Probability, Labels]
# One of a classifier: the probability that something is there, and whether it is.
JudgedImage = tuple[float, bool]


@dataclass(frozen=True)
class Metric:
    """A score in two steps, so that no case is kept longer than it is looked at.

    `of_case` takes probability, labels, and whether classes overlap, and gives what of one case
    matters; `joined` makes the score of that, None where it has no value.
    """

    of_case: Callable[[Probability, Labels, bool], Any]
    joined: Callable[[Sequence[Any]], float | None]

    def __call__(self, cases: Iterable[Judged], *, is_overlapping: bool = False) -> float:
        """The score of all cases together; 0, the worst to watch, where it has no value."""
        score = self.joined([self.of_case(*case, is_overlapping) for case in cases])
        return 0.0 if score is None else score


def scores_of(
    metrics: Mapping[str, Metric], cases: Iterable[Judged], *, is_overlapping: bool = False
) -> dict[str, float | None]:
    """Several scores in one pass over the cases; None for those without a value."""
    seen: dict[str, list[Any]] = {name: [] for name in metrics}
    for case in cases:
        for name, metric in metrics.items():
            seen[name].append(metric.of_case(*case, is_overlapping))
    return {name: metric.joined(seen[name]) for name, metric in metrics.items()}


def cross_entropy(probability: Probability, labels: Labels, is_overlapping: bool = False) -> float:
    """Mean cross-entropy a counted pixel of one case; 0 where no pixel counts.

    Of classes that overlap the mean a pixel and class.
    """
    counted = labels != IGNORE
    if not counted.any():
        return 0.0
    if is_overlapping or len(probability) == 1:
        bits = np.array([code(index) for index in range(1, len(probability) + 1)], np.uint8)
        is_true = (labels[counted] & bits[:, None]) != 0
        right = np.where(is_true, probability[:, counted], 1 - probability[:, counted])
    else:
        right = np.take_along_axis(probability, labels[None] * counted, axis=0)[0][counted]
    return float(-np.log(np.maximum(right, 1e-7)).mean())


def _counts(probability: Probability, labels: Labels, is_overlapping: bool) -> list[Counts]:
    """The counts of each foreground class at 0.5, or where each pixel takes the likeliest."""
    threshold = (0.5,) * len(probability) if is_overlapping else 0.5
    prediction = labels_from_probability(probability, threshold=threshold)
    counted = labels != IGNORE

    def of_class(index: int) -> Counts:
        truth, found = (
            is_class(each, index, is_overlapping=is_overlapping) for each in (labels, prediction)
        )
        return count(truth, found, counted)

    return [of_class(index) for index, _ in _channels(probability, is_overlapping)]


def _pooled_dice(cases: Sequence[list[Counts]]) -> float | None:
    totals = [sum(each, Counts()) for each in zip(*cases, strict=True)]
    return _mean(dice(each, when_both_empty=None).value for each in totals)


def _mean_dice(cases: Sequence[list[Counts]]) -> float | None:
    return _mean(dice(each, when_both_empty=1.0).value for case in cases for each in case)


def _ranked(probability: Probability, labels: Labels, is_overlapping: bool) -> list[SomeRanking]:
    """How the probabilities of each foreground class rank its pixels above the others."""
    counted = labels != IGNORE

    def of_class(index: int, scores: NDArray[np.float32]) -> SomeRanking:
        scores = scores[counted]
        is_true = is_class(labels, index, is_overlapping=is_overlapping)[counted]
        ranking = rank(scores[is_true], scores[~is_true])
        return ranking if len(probability) == 1 else at_levels(ranking)

    return [of_class(index, scores) for index, scores in _channels(probability, is_overlapping)]


def _pooled_roc_auc(cases: Sequence[list[SomeRanking]]) -> float | None:
    return _mean(joined(each).roc_auc().value for each in zip(*cases, strict=True))


pooled_dice = Metric(_counts, _pooled_dice)
"""Dice over all pixels of all cases, the mean over foreground classes, at 0.5."""
mean_dice = Metric(_counts, _mean_dice)
"""Mean over cases and foreground classes of Dice at 0.5; both empty counts 1."""
pooled_roc_auc = Metric(_ranked, _pooled_roc_auc)
"""Area under the ROC curve over all pixels, the mean over foreground classes.

Exact of one class; of several counted at levels, as `delineate.metrics.levels` has it.
"""
mean_log_likelihood = Metric(cross_entropy, lambda each: -float(np.mean(each)))
"""Less the mean over cases of the cross-entropy, so that more is better."""

METRICS = {
    "pooled_dice": pooled_dice,
    "mean_dice": mean_dice,
    "pooled_roc_auc": pooled_roc_auc,
}
# What a training can watch: the scores, and the loss itself.
WATCHED = METRICS | {"cross_entropy": mean_log_likelihood}


def image_roc_auc(cases: Iterable[JudgedImage]) -> float:
    """The chance that an image with something to find outranks one without; ties count half.

    0 where one of the two is lacking, the worst for a watched score.
    """
    judged = list(cases)
    present = np.array([probability for probability, is_present in judged if is_present])
    absent = np.array([probability for probability, is_present in judged if not is_present])
    return roc_auc(present, absent).value or 0.0


def image_accuracy(cases: Iterable[JudgedImage]) -> float:
    """The share of images that are called right at 0.5."""
    return float(np.mean([(probability >= 0.5) == is_present for probability, is_present in cases]))


def image_cross_entropy(probability: float, is_present: bool) -> float:
    """Cross-entropy of one verdict."""
    right = probability if is_present else 1 - probability
    return float(-np.log(max(right, 1e-7)))


def image_log_likelihood(cases: Iterable[JudgedImage]) -> float:
    """Less the mean cross-entropy of the verdicts, so that more is better."""
    return -float(np.mean([image_cross_entropy(*case) for case in cases]))


# What the training of a classifier can watch.
CLASSIFIER_METRICS: dict[str, Callable[[Iterable[JudgedImage]], float]] = {
    "roc_auc": image_roc_auc,
    "accuracy": image_accuracy,
    "cross_entropy": image_log_likelihood,
}


def _channels(
    probability: Probability, is_overlapping: bool
) -> Iterable[tuple[int, NDArray[np.float32]]]:
    """Each foreground class with its channel (H, W)."""
    has_background = len(probability) > 1 and not is_overlapping
    foreground = probability[1:] if has_background else probability
    return enumerate(foreground, 1)


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values there are; None where there is none."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
