"""Thresholds chosen over folds, and what they reach on folds that had no part in the choice.

Pixels are counted at the 65,536 levels of a map of 16 bits, so that a choice among thousands of
images takes no more memory than one among two, and is exact for maps of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.core.errors import SizeMismatchError
from delineate.core.types import Mask
from delineate.metrics.intervals import binned_auc
from delineate.metrics.thresholds import FALLBACK, Choice

TOP = 65535
# One more than there are levels: at the last threshold nothing is foreground.
_CUTS = TOP + 2
_HALF = 1 + TOP // 2

Floats = NDArray[np.float64]


@dataclass
class LevelCounts:
    """The pixels of some cases at each level of probability, and the sum of their Dice at each cut.

    Cut t has the pixels of level t and above as foreground. An image without true and predicted
    foreground counts 1, one of which no pixel counts is no case.
    """

    positive: NDArray[np.int64] = field(default_factory=lambda: np.zeros(TOP + 1, np.int64))
    negative: NDArray[np.int64] = field(default_factory=lambda: np.zeros(TOP + 1, np.int64))
    dice_sum: Floats = field(default_factory=lambda: np.zeros(_CUTS))
    cases: int = 0

    def add(self, probability: NDArray[np.float32], truth: Mask, counted: Mask) -> None:
        """Count one case: (H, W) probability, 0 to 1, which of its pixels are true, and count.

        Raises:
            SizeMismatchError: they differ in size.
        """
        if not probability.shape == truth.shape == counted.shape:
            raise SizeMismatchError(
                f"expected probability, truth and region of one size, found {probability.shape}, "
                f"{truth.shape} and {counted.shape}; choose the threshold at native size"
            )
        level = np.rint(probability.astype(np.float64) * TOP).astype(np.int64)
        positive, negative = (
            np.bincount(level[pixels & counted], minlength=TOP + 1) for pixels in (truth, ~truth)
        )
        if not counted.any():
            return
        self.positive += positive
        self.negative += negative
        self.dice_sum += _dice(positive, negative, when_both_empty=1.0)
        self.cases += 1

    def __add__(self, other: LevelCounts) -> LevelCounts:
        """The cases of both."""
        return LevelCounts(
            self.positive + other.positive,
            self.negative + other.negative,
            self.dice_sum + other.dice_sum,
            self.cases + other.cases,
        )

    def dice(self, *, pooled: bool) -> Floats:
        """(cuts,) Dice of all pixels together, or the mean over cases."""
        if pooled:
            return _dice(self.positive, self.negative, when_both_empty=0.0)
        return self.dice_sum / max(self.cases, 1)

    def scores(self) -> dict[str, float | None]:
        """Dice at 0.5, pooled and as the mean over cases, and ROC AUC of all pixels."""
        area = float(
            binned_auc(*(x[None].astype(float) for x in (self.positive, self.negative)))[0]
        )
        is_seen = bool(self.positive.any() or self.negative[_HALF:].any())
        return {
            "pooled_dice": float(self.dice(pooled=True)[_HALF]) if is_seen else None,
            "mean_dice": float(self.dice(pooled=False)[_HALF]) if self.cases else None,
            "pooled_roc_auc": None if np.isnan(area) else area,
        }


@dataclass(frozen=True)
class CrossFitted:
    """A threshold chosen on all folds, those that each fold is cut at, and what these reach.

    `thresholds` goes from fold to what the others chose; `score` is of the same kind as that of
    `choice`, None where it has no value.
    """

    choice: Choice
    thresholds: Mapping[int, float]
    score: float | None


def best_dice_cut(counts: LevelCounts, *, pooled: bool) -> Choice:
    """The threshold of highest Dice, as `best_dice_threshold` has it for the same maps."""
    cases = f"{counts.cases} image{'' if counts.cases == 1 else 's'}"
    if not counts.positive.any():
        rule = f"threshold 0.5, not chosen: no truth of the {cases} holds foreground"
        return Choice(FALLBACK, None, rule)
    dice = counts.dice(pooled=pooled)
    best = np.flatnonzero(dice >= dice.max() - (1e-12 if pooled else 1e-9 / counts.cases))
    rule = (
        f"the highest Dice of all pixels of {cases} pooled, over every threshold"
        if pooled
        else f"the highest mean Dice of {cases}, over every threshold; an image without true "
        "and predicted foreground counts 1"
    )
    return Choice(_middle_of_widest(best), float(dice.max()), rule)


def cross_fitted_dice(folds: Mapping[int, LevelCounts], *, pooled: bool) -> CrossFitted:
    """The threshold of highest Dice on all folds, and each fold at the threshold of the others."""
    choice = best_dice_cut(_sum(folds.values()), pooled=pooled)
    thresholds: dict[int, float] = {}
    hits = alarms = true = 0
    dice_sum, cases = 0.0, 0
    for fold, own in folds.items():
        others = [counts for other, counts in folds.items() if other != fold]
        found = best_dice_cut(_sum(others), pooled=pooled).threshold
        thresholds[fold] = FALLBACK if found is None else found
        at = _cut_at(thresholds[fold])
        hits, alarms = hits + int(own.positive[at:].sum()), alarms + int(own.negative[at:].sum())
        true += int(own.positive.sum())
        dice_sum, cases = dice_sum + float(own.dice_sum[at]), cases + own.cases
    if choice.score is None:
        return CrossFitted(choice, thresholds, None)
    reached = 2 * hits / (hits + alarms + true) if pooled else dice_sum / cases
    return CrossFitted(choice, thresholds, reached)


# Probabilities of the cases that are present, and of those that are absent, to a choice.
Rule = Callable[[ArrayLike, ArrayLike], Choice]


def cross_fitted_verdicts(
    cases: Sequence[tuple[int, float, bool]], rule: Rule, gain: Callable[[Floats], float]
) -> CrossFitted:
    """The threshold of a rule on all cases, and each fold's verdicts at that of the others.

    A case is its fold, its probability, and whether it is present. `gain` takes the counts (found,
    missed, false alarms, rightly absent) of all verdicts together.
    """
    thresholds: dict[int, float] = {}
    counts = np.zeros(4)
    for fold in dict.fromkeys(fold for fold, _, _ in cases):
        found = _chosen([case for case in cases if case[0] != fold], rule).threshold
        thresholds[fold] = FALLBACK if found is None else found
        for _, probability, is_present in (case for case in cases if case[0] == fold):
            is_called = probability >= thresholds[fold]
            counts[(0 if is_called else 1) if is_present else (2 if is_called else 3)] += 1
    choice = _chosen(cases, rule)
    return CrossFitted(choice, thresholds, None if choice.score is None else gain(counts))


def youden_of(counts: Floats) -> float:
    """Sensitivity + specificity - 1 of the counts of verdicts."""
    found, missed, alarms, absent = counts
    return float(found / (found + missed) - alarms / (alarms + absent))


def accuracy_of(counts: Floats) -> float:
    """The share of right verdicts."""
    return float((counts[0] + counts[3]) / counts.sum())


GAINS: Mapping[str, Callable[[Floats], float]] = {
    "youden": youden_of,
    "best_accuracy": accuracy_of,
}


def _chosen(cases: Sequence[tuple[int, float, bool]], rule: Rule) -> Choice:
    return rule(
        [probability for _, probability, is_present in cases if is_present],
        [probability for _, probability, is_present in cases if not is_present],
    )


def _sum(counts: Iterable[LevelCounts]) -> LevelCounts:
    return sum(counts, LevelCounts())


def _cut_at(threshold: float) -> int:
    """The lowest level that is foreground at a threshold, where a map of 16 bits is read."""
    levels = (np.arange(TOP + 1) / TOP).astype(np.float32)
    return int(np.searchsorted(levels, np.float32(threshold), "left"))


def _dice(
    positive: NDArray[np.int64], negative: NDArray[np.int64], *, when_both_empty: float
) -> Floats:
    """(cuts,) Dice where the pixels at and above each level are foreground."""
    hits, alarms = (_at_or_above(each) for each in (positive, negative))
    below = hits + alarms + hits[0]
    found: Floats = np.divide(
        2.0 * hits, below, out=np.full(_CUTS, when_both_empty), where=below > 0
    )
    return found


def _at_or_above(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.cumsum(counts[::-1])[::-1], [0]])


def _middle_of_widest(cuts: NDArray[np.intp]) -> float:
    """The middle of the longest run of cuts, as a float32 number that parts the same pixels.

    Cut t stands for the thresholds above level t - 1 and up to level t.
    """
    starts = np.flatnonzero(np.r_[True, np.diff(cuts) > 1])
    ends = np.r_[starts[1:], cuts.size] - 1
    low, high = np.maximum(cuts[starts] - 1, 0), np.minimum(cuts[ends], TOP)
    widest = int(np.argmax(high - low))
    bottom, top = (np.float32(side[widest] / TOP) for side in (low, high))
    if cuts[starts[widest]] == TOP + 1:  # only above certainty is nothing foreground
        return float(np.nextafter(np.float32(1), np.float32(2)))
    middle = np.float32((float(bottom) + float(top)) / 2)
    return float(middle if middle > bottom else top)
