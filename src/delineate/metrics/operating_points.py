"""Where to cut the probabilities of whole images, and what a cut reaches; exact.

An image is called present where its probability is at least the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.metrics.score import Score, undefined
from delineate.metrics.thresholds import FALLBACK, Choice

Floats = NDArray[np.float64]

# Shares of counts are compared: the sum of 0.1s in binary must not cost one case.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class OperatingPoint:
    """What the lowest threshold reaches whose specificity is at least the wanted one.

    `threshold` is the lowest probability that is still called present; None where none is.
    `specificity` is the one that is reached, None where there is no absent case.
    """

    wanted_specificity: float
    sensitivity: Score
    specificity: float | None
    threshold: float | None


def at_specificity(positives: ArrayLike, negatives: ArrayLike, wanted: float) -> OperatingPoint:
    """Sensitivity at the lowest threshold with at least the wanted specificity.

    `positives` and `negatives` are the probabilities (n,) of cases that are present and
    absent. Nothing is interpolated: the point is one that a threshold gives. On the cases
    that it is read off it is optimistic, for they have chosen it.

    Raises:
        ValueError: A probability is not a number, or the specificity is not in (0, 1].

    Examples:
        >>> at_specificity([0.9, 0.6, 0.3], [0.7, 0.4, 0.2, 0.1], 0.75).threshold
        0.6
    """
    if not 0 < wanted <= 1:
        raise ValueError(f"wanted: expected a specificity above 0 and up to 1, found {wanted}")
    present, absent = _sorted("positives", positives), _sorted("negatives", negatives)
    if absent.size == 0:
        return OperatingPoint(wanted, undefined("the truth holds no absent case"), None, None)
    alarms = int(np.floor((1 - wanted) * absent.size + _ROUNDING))
    # All up to this absent case must lie below the threshold, its equals too.
    bar = absent[absent.size - alarms - 1] if alarms < absent.size else -np.inf
    above = np.concatenate([present[present > bar], absent[absent > bar]])
    threshold = float(above.min()) if above.size else None
    specificity = float(np.count_nonzero(absent <= bar)) / absent.size
    if present.size == 0:
        why = undefined("the truth holds no present case")
        return OperatingPoint(wanted, why, specificity, threshold)
    sensitivity = Score(float(np.count_nonzero(present > bar)) / present.size)
    return OperatingPoint(wanted, sensitivity, specificity, threshold)


def binned_at_specificity(wanted: float) -> Callable[[Floats, Floats], Floats]:
    """The same from (resamples, bins) counts, bins upwards, for `intervals.bootstrap_levels`.

    The result is (resamples,), NaN where a class is lacking.
    """

    def sensitivity(positive: Floats, negative: Floats) -> Floats:
        total, others = positive.sum(axis=1), negative.sum(axis=1)
        # Column b: the cases in the b highest bins, from none to all.
        hits = np.cumsum(np.pad(positive[:, ::-1], ((0, 0), (1, 0))), axis=1)
        alarms = np.cumsum(np.pad(negative[:, ::-1], ((0, 0), (1, 0))), axis=1)
        is_allowed = alarms <= ((1 - wanted) * others)[:, None] + _ROUNDING
        lowest = np.count_nonzero(is_allowed, axis=1) - 1
        reached = hits[np.arange(len(hits)), lowest]
        has_value = (total > 0) & (others > 0)
        shares: Floats = np.divide(reached, total, out=np.full(len(total), np.nan), where=has_value)
        return shares

    return sensitivity


def youden_threshold(positives: ArrayLike, negatives: ArrayLike) -> Choice:
    """The threshold of highest sensitivity + specificity - 1; does not depend on prevalence.

    Of equally good thresholds the middle of the widest range is taken. Where a class is
    lacking, or no threshold is better than chance, it is 0.5, without a score.

    Source: Youden, Cancer 3 (1950) 32.

    Raises:
        ValueError: There is no case, or a probability is not a number.

    Examples:
        >>> youden_threshold([0.9, 0.7], [0.5, 0.1]).threshold
        0.6
    """
    present, absent = _sorted("positives", positives), _sorted("negatives", negatives)

    def index(hits: Floats, alarms: Floats) -> Floats:
        return hits / present.size - alarms / absent.size

    choice = _best(present, absent, index, "Youden index")
    if choice.score is not None and choice.score <= _ROUNDING:
        cases = _cases(present.size + absent.size)
        rule = f"threshold 0.5, not chosen: on {cases} no threshold is better than chance"
        return Choice(FALLBACK, None, rule)
    return choice


def accuracy_threshold(positives: ArrayLike, negatives: ArrayLike) -> Choice:
    """The threshold of highest accuracy: of the likelier answer alone where that is best.

    Of equally good thresholds the middle of the widest range is taken. Where a class is
    lacking it is 0.5, without a score.

    Raises:
        ValueError: There is no case, or a probability is not a number.
    """
    present, absent = _sorted("positives", positives), _sorted("negatives", negatives)

    def accuracy(hits: Floats, alarms: Floats) -> Floats:
        return (hits + absent.size - alarms) / (present.size + absent.size)

    return _best(present, absent, accuracy, "accuracy")


THRESHOLD_RULES: Mapping[str, Callable[[ArrayLike, ArrayLike], Choice]] = {
    "youden": youden_threshold,
    "best_accuracy": accuracy_threshold,
}


def _best(
    present: Floats, absent: Floats, gain: Callable[[Floats, Floats], Floats], name: str
) -> Choice:
    """The middle of the widest range of thresholds with the highest gain(hits, alarms)."""
    cases = _cases(present.size + absent.size)
    if present.size + absent.size == 0:
        raise ValueError("positives, negatives: expected at least one case, found none")
    for found, word in ((present, "present"), (absent, "absent")):
        if found.size == 0:
            return Choice(FALLBACK, None, f"threshold 0.5, not chosen: none of {cases} is {word}")
    levels = np.unique(np.concatenate([present, absent]))
    # The i-th range of thresholds is (low[i], high[i]]; above the highest level none is present.
    low = np.r_[min(0.0, levels[0]), levels]
    high = np.r_[levels, max(1.0, np.nextafter(levels[-1], np.inf))]
    gains = gain(_at_or_above(present, high), _at_or_above(absent, high))
    threshold = middle_of_widest(gains >= gains.max() - _ROUNDING, low, high)
    rule = f"the highest {name} of {cases}, over every threshold"
    return Choice(threshold, float(gains.max()), rule)


def middle_of_widest(is_best: NDArray[np.bool_], low: Floats, high: Floats) -> float:
    """The middle of the widest of the best ranges (low, high] of thresholds.

    Ranges come upwards, each beginning where the one before ends; best ones that touch are joined.
    """
    # A joined range begins where the one before is not best.
    starts = np.flatnonzero(is_best & ~np.r_[False, is_best[:-1]])
    ends = np.flatnonzero(is_best & ~np.r_[is_best[1:], False])
    widest = int(np.argmax(high[ends] - low[starts]))
    bottom, top = float(low[starts[widest]]), float(high[ends[widest]])
    middle = bottom + (top - bottom) / 2
    return middle if middle > bottom else top


def _at_or_above(ordered: Floats, thresholds: Floats) -> Floats:
    counts = ordered.size - np.searchsorted(ordered, thresholds, "left")
    return np.asarray(counts, dtype=np.float64)


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _sorted(name: str, scores: ArrayLike) -> Floats:
    ordered = np.sort(np.asarray(scores, dtype=np.float64).ravel())
    if ordered.size and np.isnan(ordered[-1]):  # NaN sorts to the end
        raise ValueError(f"{name}: expected numbers, found NaN; look for a model that diverged")
    return ordered
