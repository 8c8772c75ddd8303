"""How well scores rank foreground above background: exact, over every pixel.

The classes are sorted apart, each in its own array, and the smaller is looked up in the
larger; pixels of equal score count one half. On 6.6 million float32 pixels this takes a
fraction of the time of sorting all pixels together with their labels, and no memory but
the two sorted copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.metrics.score import Score, undefined

Scores = NDArray[np.floating[Any]]

CURVE_POINTS = 1000


@dataclass(frozen=True)
class Curve:
    """Points for a picture, from the highest threshold to the lowest.

    Each point lies on the full curve. A pixel is predicted where its score is at least
    `threshold`; the first point of a ROC curve has the threshold infinity.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    threshold: NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The scores of foreground and of background pixels, each sorted upwards.

    Make it with `rank`.
    """

    positive: Scores
    negative: Scores

    def roc_auc(self) -> Score:
        """The chance that a foreground pixel outranks a background pixel; ties count half."""
        lacking = lacking_side(self.positive.size, self.negative.size)
        if lacking:
            return undefined(f"roc_auc: {lacking}")
        if self.positive.size <= self.negative.size:
            keys, others = self.positive, self.negative
        else:
            keys, others = self.negative, self.positive
        # In halves of a pair, so that ties stay whole numbers.
        below = int(np.searchsorted(others, keys, "left").sum(dtype=np.int64))
        below += int(np.searchsorted(others, keys, "right").sum(dtype=np.int64))
        pairs = 2 * keys.size * others.size
        return Score((below if keys is self.positive else pairs - below) / pairs)

    def average_precision(self) -> Score:
        """The sum of precision times the step of recall, over every distinct threshold.

        Not interpolated, as in scikit-learn. Without background it is 1.
        """
        if self.positive.size == 0:
            return undefined("average_precision: the truth holds no foreground")
        # Recall only steps at scores of positives: no other threshold contributes.
        first = np.flatnonzero(np.r_[True, self.positive[1:] != self.positive[:-1]])
        values = self.positive[first]
        hits = self.positive.size - first
        alarms = self.negative.size - np.searchsorted(self.negative, values, "left")
        steps = np.diff(np.r_[first, self.positive.size])
        return Score(float((hits / (hits + alarms)) @ steps) / self.positive.size)

    def roc_curve(self, points: int = CURVE_POINTS) -> Curve | None:
        """False positive rate (x) against sensitivity (y); None where a class is lacking."""
        if lacking_side(self.positive.size, self.negative.size):
            return None
        thresholds, hits, alarms = self._at_thresholds(points - 2)
        x = np.r_[0.0, alarms / self.negative.size, 1.0]
        y = np.r_[0.0, hits / self.positive.size, 1.0]
        lowest = min(self.positive[0], self.negative[0])
        return Curve(x, y, np.r_[np.inf, thresholds, float(lowest)])

    def pr_curve(self, points: int = CURVE_POINTS) -> Curve | None:
        """Recall (x) against precision (y); None where the truth holds no foreground.

        The point (0, 1) that is often put in front belongs to no threshold, and is not here.
        """
        if self.positive.size == 0:
            return None
        thresholds, hits, alarms = self._at_thresholds(points)
        return Curve(hits / self.positive.size, hits / (hits + alarms), thresholds)

    def _at_thresholds(
        self, limit: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Thresholds downwards, with the number of positives and negatives at or above each."""
        chosen = np.union1d(
            _spread(self.positive, limit // 2), _spread(self.negative, limit - limit // 2)
        )[::-1]
        hits = self.positive.size - np.searchsorted(self.positive, chosen, "left")
        alarms = self.negative.size - np.searchsorted(self.negative, chosen, "left")
        return chosen.astype(np.float64), hits.astype(np.float64), alarms.astype(np.float64)


def rank(positive_scores: ArrayLike, negative_scores: ArrayLike) -> Ranking:
    """Both classes flattened and sorted; the arguments are left as they are.

    Raises:
        ValueError: A score is not a number.
    """
    return Ranking(
        _sorted("positive_scores", positive_scores), _sorted("negative_scores", negative_scores)
    )


def roc_auc(positive_scores: ArrayLike, negative_scores: ArrayLike) -> Score:
    """Exact area under the ROC curve; undefined where a class is lacking.

    Source: Hanley and McNeil, Radiology 143 (1982) 29: the Wilcoxon statistic.

    Examples:
        >>> roc_auc([0.9, 0.5], [0.5, 0.1]).value
        0.875
    """
    return rank(positive_scores, negative_scores).roc_auc()


def average_precision(positive_scores: ArrayLike, negative_scores: ArrayLike) -> Score:
    """Exact average precision as scikit-learn defines it; undefined without foreground.

    Examples:
        >>> average_precision([0.9, 0.3], [0.5]).value
        0.8333333333333333
    """
    return rank(positive_scores, negative_scores).average_precision()


def roc_curve(positive_scores: ArrayLike, negative_scores: ArrayLike) -> Curve | None:
    """At most `CURVE_POINTS` points of the ROC curve, both ends among them."""
    return rank(positive_scores, negative_scores).roc_curve()


def pr_curve(positive_scores: ArrayLike, negative_scores: ArrayLike) -> Curve | None:
    """At most `CURVE_POINTS` points of the precision-recall curve, both ends among them."""
    return rank(positive_scores, negative_scores).pr_curve()


def lacking_side(positives: int, negatives: int) -> str | None:
    """Which of the two there is none of, in words; None where nothing lacks."""
    if positives == 0:
        return "the truth holds no foreground"
    return "the truth holds no background" if negatives == 0 else None


def _sorted(name: str, scores: ArrayLike) -> Scores:
    array = np.asarray(scores).ravel()
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    ordered = np.sort(array)
    if ordered.size and np.isnan(ordered[-1]):  # NaN sorts to the end
        raise ValueError(f"{name}: expected numbers, found NaN; look for a model that diverged")
    return ordered


def _spread(ordered: Scores, limit: int) -> Scores:
    """All distinct values if there are few, else values at even ranks with both ends."""
    if ordered.size == 0:
        return ordered
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    if first.size <= limit:
        return ordered[first]
    at = np.linspace(0, ordered.size - 1, limit).round().astype(np.int64)
    return ordered[at]
