"""Scores of hard masks. Each is a ratio of two sums of counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.counts import Counts
from delineate.metrics.score import Score, undefined


@dataclass(frozen=True)
class Ratio:
    """Weights of (tp, fp, fn, tn) above and below the line, and when the lower sum is zero."""

    above: tuple[int, int, int, int]
    below: tuple[int, int, int, int]
    undefined_when: str

    def sums(self, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Upper and lower sums, (...) each, of counts (..., 4)."""
        return counts @ np.array(self.above), counts @ np.array(self.below)


RATIOS: dict[str, Ratio] = {
    "dice": Ratio((2, 0, 0, 0), (2, 1, 1, 0), "truth and prediction hold no foreground"),
    "iou": Ratio((1, 0, 0, 0), (1, 1, 1, 0), "truth and prediction hold no foreground"),
    "sensitivity": Ratio((1, 0, 0, 0), (1, 0, 1, 0), "the truth holds no foreground"),
    "specificity": Ratio((0, 0, 0, 1), (0, 1, 0, 1), "the truth holds no background"),
    "precision": Ratio((1, 0, 0, 0), (1, 1, 0, 0), "the prediction holds no foreground"),
    "accuracy": Ratio((1, 0, 0, 1), (1, 1, 1, 1), "no pixel counts"),
}


def overlap(name: str, counts: Counts, *, when_both_empty: float | None = None) -> Score:
    """The score of that name in `RATIOS`.

    `when_both_empty` is the value of Dice and IoU where neither truth nor prediction holds
    foreground (None: undefined); the other scores never read it.
    """
    ratio = RATIOS[name]
    above, below = ratio.sums(counts.as_array())
    if below > 0:
        return Score(float(above / below))
    # An image of which no pixel counts has no score under any rule for empty masks.
    if name in ("dice", "iou") and when_both_empty is not None and counts.total_px > 0:
        return Score(when_both_empty)
    reason = ratio.undefined_when if counts.total_px > 0 else "no pixel counts"
    return undefined(f"{name}: {reason}")


def dice(counts: Counts, *, when_both_empty: float | None = 1.0) -> Score:
    """2 tp / (2 tp + fp + fn), in [0, 1].

    Source: Dice, Ecology 26 (1945) 297; the same as the F1 score.

    Examples:
        >>> dice(Counts(tp=1, fp=1, fn=1)).value
        0.5
        >>> str(dice(Counts(tn=4), when_both_empty=None))
        'undefined (dice: truth and prediction hold no foreground)'
    """
    return overlap("dice", counts, when_both_empty=when_both_empty)


def iou(counts: Counts, *, when_both_empty: float | None = 1.0) -> Score:
    """tp / (tp + fp + fn), in [0, 1]: intersection over union, the Jaccard index."""
    return overlap("iou", counts, when_both_empty=when_both_empty)


def sensitivity(counts: Counts) -> Score:
    """tp / (tp + fn): the share of the true foreground that was found, also called recall.

    Examples:
        >>> str(sensitivity(Counts(fp=1, tn=3)))
        'undefined (sensitivity: the truth holds no foreground)'
    """
    return overlap("sensitivity", counts)


def specificity(counts: Counts) -> Score:
    """tn / (tn + fp): the share of the true background that was left alone."""
    return overlap("specificity", counts)


def precision(counts: Counts) -> Score:
    """tp / (tp + fp): the share of the predicted foreground that is true."""
    return overlap("precision", counts)


def accuracy(counts: Counts) -> Score:
    """(tp + tn) / all: the share of pixels named rightly; high for empty predictions."""
    return overlap("accuracy", counts)
