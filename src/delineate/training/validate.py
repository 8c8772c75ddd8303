"""The one score that training watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import IGNORE, Labels, Probability
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.counts import Counts, count
from delineate.metrics.overlap import dice
from delineate.metrics.ranking import roc_auc

# One validation case: probability at native size and the labels there, IGNORE outside.
Judged = tuple[Probability, Labels]
# One of a classifier: the probability that something is there, and whether it is.
JudgedImage = tuple[float, bool]


def pooled_dice(cases: Iterable[Judged]) -> float:
    """Dice over all pixels of all cases, the mean over foreground classes, at 0.5."""
    totals: dict[int, Counts] = {}
    for probability, labels in cases:
        for index, counts in _counts_by_class(probability, labels):
            totals[index] = totals.get(index, Counts(0, 0, 0, 0)) + counts
    values = [dice(counts, when_both_empty=None).value for counts in totals.values()]
    return _mean(values)


def mean_dice(cases: Iterable[Judged]) -> float:
    """Mean over cases and foreground classes of Dice at 0.5; both empty counts 1."""
    values = [
        dice(counts, when_both_empty=1.0).value
        for probability, labels in cases
        for _, counts in _counts_by_class(probability, labels)
    ]
    return _mean(values)


def pooled_roc_auc(cases: Iterable[Judged]) -> float:
    """Area under the ROC curve over all pixels, the mean over foreground classes."""
    positives: dict[int, list[NDArray[np.float32]]] = {}
    negatives: dict[int, list[NDArray[np.float32]]] = {}
    for probability, labels in cases:
        counted = labels != IGNORE
        for index in range(1, max(len(probability), 2)):
            scores = probability[0 if len(probability) == 1 else index]
            positives.setdefault(index, []).append(scores[counted & (labels == index)])
            negatives.setdefault(index, []).append(scores[counted & (labels != index)])
    values = [
        roc_auc(np.concatenate(positives[index]), np.concatenate(negatives[index])).value
        for index in positives
    ]
    return _mean(values)


def cross_entropy(probability: Probability, labels: Labels) -> float:
    """Mean cross-entropy a counted pixel of one case; 0 where no pixel counts."""
    counted = labels != IGNORE
    if not counted.any():
        return 0.0
    if len(probability) == 1:
        foreground = probability[0][counted]
        right = np.where(labels[counted] == 1, foreground, 1 - foreground)
    else:
        right = np.take_along_axis(probability, labels[None] * counted, axis=0)[0][counted]
    return float(-np.log(np.maximum(right, 1e-7)).mean())


def mean_log_likelihood(cases: Iterable[Judged]) -> float:
    """Less the mean over cases of the cross-entropy, so that more is better."""
    return -float(np.mean([cross_entropy(*case) for case in cases]))


METRICS: dict[str, Callable[[Iterable[Judged]], float]] = {
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
    return _mean([roc_auc(present, absent).value])


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


def _counts_by_class(probability: Probability, labels: Labels) -> Iterable[tuple[int, Counts]]:
    prediction = labels_from_probability(probability, threshold=0.5)
    counted = labels != IGNORE
    for index in range(1, max(len(probability), 2)):
        yield index, count(labels == index, prediction == index, counted)


def _mean(values: Iterable[float | None]) -> float:
    """The mean of the values there are; 0 where there is none, the worst for a watched score."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else 0.0
