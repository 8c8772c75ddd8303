"""The threshold that makes the best Dice on given cases: exact, over every possible one.

A pixel is foreground where its probability is at least the threshold; classes that overlap have
a threshold each. Give validation cases only: a threshold chosen on the cases that it is then
reported on flatters them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SizeMismatchError
from delineate.core.overlapping import code, is_class
from delineate.core.types import IGNORE, Labels, Mask, Probability

ARGMAX_RULE = "each pixel takes the class of highest probability; there is no threshold"
FALLBACK = 0.5

Floats = NDArray[np.float32]
# Where probability becomes labels: one threshold for a binary task, one a class where classes
# overlap, None where each pixel takes the likeliest of several classes.
Cut = float | tuple[float, ...] | None


@dataclass(frozen=True)
class Choice:
    """A threshold, the Dice that it reaches on the cases it was chosen on, and the rule.

    `threshold` is None for several classes; `score` is None where nothing could be chosen.
    """

    threshold: float | None
    score: float | None
    rule: str


ARGMAX = Choice(None, None, ARGMAX_RULE)


def decide(probability: Probability, threshold: Cut) -> Labels:
    """(H, W) labels: one channel against the threshold, several by the highest.

    Equal highest channels give the first of them. Thresholds in a tuple, one a channel, are
    those of classes that overlap, and the labels their codes.

    Raises:
        ValueError: One channel comes without a threshold, or not as many thresholds as channels.
    """
    if isinstance(threshold, tuple):
        return _codes(probability, threshold)
    if probability.shape[0] > 1:
        highest: Labels = probability.argmax(axis=0).astype(np.uint8)
        return highest
    if threshold is None:
        raise ValueError(
            "threshold: expected a number for a probability of one channel, found none; "
            "choose one on validation cases"
        )
    foreground: Labels = (probability[0] >= np.float32(threshold)).astype(np.uint8)
    return foreground


def _codes(probability: Probability, thresholds: tuple[float, ...]) -> Labels:
    if len(probability) != len(thresholds):
        raise ValueError(
            f"threshold: expected one a class for {len(probability)} classes that overlap, found "
            f"{len(thresholds)}"
        )
    labels = np.zeros(probability.shape[1:], np.uint8)
    for index, (channel, threshold) in enumerate(zip(probability, thresholds, strict=True), 1):
        labels[channel >= np.float32(threshold)] |= np.uint8(code(index))
    return labels


def best_dice_threshold(
    probabilities: Iterable[Floats],
    truths: Iterable[Labels | Mask],
    regions: Iterable[Mask | None] | None = None,
    *,
    pooled: bool,
    when_both_empty: float = 1.0,
) -> Choice:
    """The threshold of highest Dice, over all pixels together or as the mean over images.

    Probabilities are (H, W) or (1, H, W); truths are masks, or labels with 1 as the
    foreground. Pixels outside the region and of the ignore label do not count. Where a whole
    range of thresholds is equally good the middle of the widest such range is taken.
    `when_both_empty` is what an image without true and predicted foreground counts in the
    mean over images. Memory: about 5 bytes a pixel pooled, 40 bytes a pixel for the mean.

    Where no truth holds foreground the threshold is 0.5, without a score.

    Raises:
        ValueError: There is no case, the arguments differ in length, or a probability is
            not a number.
        SizeMismatchError: Probability, truth and region of a case differ in size.
    """
    pairs = zip(probabilities, truths, strict=True)
    if regions is None:
        cases = [_split_scores(*pair, None) for pair in pairs]
    else:
        cases = [_split_scores(*pair, region) for pair, region in zip(pairs, regions, strict=True)]
    if not cases:
        raise ValueError("probabilities: expected at least one case to choose on, found none")
    images = f"{len(cases)} image{'s' if len(cases) > 1 else ''}"
    if not any(positive.size for positive, _ in cases):
        rule = f"threshold 0.5, not chosen: no truth of the {images} holds foreground"
        return Choice(FALLBACK, None, rule)
    if pooled:
        threshold, score = _best_pooled(
            np.concatenate([positive for positive, _ in cases]),
            np.concatenate([negative for _, negative in cases]),
        )
        rule = f"the highest Dice of all pixels of {images} pooled, over every threshold"
    else:
        threshold, score = _best_mean(cases, when_both_empty)
        rule = (
            f"the highest mean Dice of {images}, over every threshold; an image without true "
            f"and predicted foreground counts {when_both_empty:g}"
        )
    return Choice(threshold, score, rule)


def best_dice_of_each(
    probabilities: Sequence[Probability], labels: Sequence[Labels], *, pooled: bool
) -> tuple[Choice, ...]:
    """The threshold of highest Dice for each of the classes that overlap, chosen by itself.

    Probabilities are (K, H, W), labels (H, W) codes; the rest is as in `best_dice_threshold`.

    Raises:
        ValueError, SizeMismatchError: as `best_dice_threshold`.
    """
    counted = [each != IGNORE for each in labels]
    classes = len(probabilities[0]) if probabilities else 0
    return tuple(
        best_dice_threshold(
            [probability[index - 1] for probability in probabilities],
            [is_class(each, index, is_overlapping=True) for each in labels],
            counted,
            pooled=pooled,
        )
        for index in range(1, classes + 1)
    )


def _split_scores(
    probability: Floats, truth: Labels | Mask, region: Mask | None
) -> tuple[Floats, Floats]:
    """Sorted probabilities of the foreground and the background pixels that count."""
    scores = np.asarray(probability, dtype=np.float32)
    scores = scores[0] if scores.ndim == 3 and scores.shape[0] == 1 else scores
    for name, other in (("truth", truth), ("region", region)):
        if other is not None and other.shape != scores.shape:
            raise SizeMismatchError(
                f"{name}: expected the size of the probability {scores.shape}, found "
                f"{other.shape}; choose the threshold at native size"
            )
    foreground = truth if truth.dtype == np.bool_ else truth == 1
    counts = np.ones(truth.shape, bool) if truth.dtype == np.bool_ else truth != IGNORE
    if region is not None:
        counts = counts & region
    positive, negative = np.sort(scores[foreground & counts]), np.sort(scores[~foreground & counts])
    if any(part.size and np.isnan(part[-1]) for part in (positive, negative)):
        raise ValueError("probabilities: expected numbers, found NaN; the model diverged")
    return positive, negative


def _best_pooled(positive: Floats, negative: Floats) -> tuple[float, float]:
    positive.sort()
    negative.sort()
    # Between two positives a higher threshold only loses false alarms, so that the best
    # one stands at the probability of a positive.
    values = np.unique(positive)
    hits = positive.size - np.searchsorted(positive, values, "left")
    alarms = negative.size - np.searchsorted(negative, values, "left")
    dice = 2.0 * hits / (hits + alarms + positive.size)
    best = np.flatnonzero(dice >= dice.max() - 1e-12)
    below = [_largest_below((positive, negative), values[at]) for at in best]
    return _middle_of_widest(np.array(below, np.float32), values[best]), float(dice.max())


def _best_mean(
    cases: Sequence[tuple[Floats, Floats]], when_both_empty: float
) -> tuple[float, float]:
    """Follows the sum of the images' Dice while the threshold falls past every score."""
    levels, changes, start = [], [], 0.0
    for positive, negative in cases:
        values = np.unique(np.concatenate([positive, negative]))[::-1]
        if values.size == 0:
            continue
        hits = positive.size - np.searchsorted(positive, values, "left")
        alarms = negative.size - np.searchsorted(negative, values, "left")
        # Above its highest score an image is predicted empty.
        empty = 0.0 if positive.size else when_both_empty
        dice = np.r_[empty, 2.0 * hits / (hits + alarms + positive.size)]
        start += empty
        levels.append(values)
        changes.append(np.diff(dice))
    level = np.concatenate(levels)
    order = np.argsort(-level, kind="stable")
    level, total = level[order], start + np.cumsum(np.concatenate(changes)[order])
    last = np.flatnonzero(np.r_[level[1:] != level[:-1], True])
    # `upper[i]` is the highest threshold of the i-th range, `lower[i]` the score just below it.
    top = max(np.float32(1), np.nextafter(level[0], np.float32(np.inf)))
    upper = np.r_[np.float32(top), level[last]]
    lower = np.r_[level[last], np.float32(min(np.float32(0), level[-1]))]
    total = np.r_[start, total[last]]
    best = np.flatnonzero(total >= total.max() - 1e-9)
    counted = len(levels)
    return _middle_of_widest(lower[best], upper[best]), float(total.max()) / counted


def _largest_below(scores: tuple[Floats, Floats], value: np.float32) -> np.float32:
    """The largest score under a value: down to there a threshold changes nothing."""
    found = [part[at - 1] for part in scores if (at := np.searchsorted(part, value, "left")) > 0]
    return max(found) if found else np.float32(0)


def _middle_of_widest(below: Floats, upto: Floats) -> float:
    """The middle of the widest range (below, upto], after joining ranges that touch.

    Ranges come upwards or downwards. The result is a float32 number, so that comparing
    float32 probabilities with it gives just what was counted.
    """
    order = np.argsort(upto)
    ranges: list[tuple[np.float32, np.float32]] = []
    for low, high in zip(below[order], upto[order], strict=True):
        if ranges and low <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    low, high = max(ranges, key=lambda pair: pair[1] - pair[0])
    middle = np.float32((float(low) + float(high)) / 2)
    return float(middle if middle > low else high)
