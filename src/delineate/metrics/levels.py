"""Rankings in little memory and time: pixels counted at levels of probability, not kept.

A level holds the probabilities that agree in their first bits, above one half those whose distance
from 1 does, so that what is nearly certain is told apart as finely as what is not. Of each case as
many bits are looked at as give `MOST_LEVELS` levels with pixels in them: where a case has no more
probabilities than that every one is a level, and a network that gives no probability but from
0.07 to 0.09 has its levels there. The lower edge of each level is a threshold at which hits and
false alarms are exact; pixels within a level are ties.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.intervals import (
    BINS,
    Histograms,
    binned_auc,
    binned_average_precision,
    histograms,
    histograms_of_counts,
)
from delineate.metrics.ranking import CURVE_POINTS, Curve, Ranking, Scores, lacking_side, rank
from delineate.metrics.score import Score, undefined

MOST_LEVELS = 8192
_BITS, _HALF = 32, int(np.array(0.5, np.float32).view(np.int32))

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """The levels that hold pixels, upwards, and how many each.

    A level is the bits of its probabilities, without so many of the last; it is -1 below every
    probability, where stands what a failed case has missed.
    """

    level: NDArray[np.int32]
    pixels: NDArray[np.uint32]
    bits_left: int

    def coarser(self, bits_left: int) -> Whole:
        """Its levels where so many bits are left out."""
        return self.level.astype(np.int64) >> (bits_left - self.bits_left)


@dataclass(frozen=True)
class LevelRanking:
    """The foreground and the background pixels of a case, counted."""

    positive: Counted
    negative: Counted


@dataclass(frozen=True)
class JoinedLevels:
    """Levels upwards, and the numbers of foreground and of background pixels at each."""

    level: Whole
    positive: Whole
    negative: Whole
    bits_left: int

    def roc_auc(self) -> Score:
        """The chance that a foreground pixel outranks a background pixel; ties count half."""
        lacking = self._lacking_side()
        if lacking:
            return undefined(f"roc_auc: {lacking}")
        return Score(float(binned_auc(*self._rows())[0]))

    def average_precision(self) -> Score:
        """The sum of precision times the step of recall, over the levels."""
        if not self.positive.any():
            return undefined("average_precision: the truth holds no foreground")
        return Score(float(binned_average_precision(*self._rows())[0]))

    def roc_curve(self, points: int = CURVE_POINTS) -> Curve | None:
        """False positive rate (x) against sensitivity (y); None where a class is lacking."""
        if self._lacking_side():
            return None
        thresholds, hits, alarms = self._at_thresholds(points - 1)
        x, y = np.r_[0.0, alarms / alarms[-1]], np.r_[0.0, hits / hits[-1]]
        return Curve(x, y, np.r_[np.inf, thresholds])

    def pr_curve(self, points: int = CURVE_POINTS) -> Curve | None:
        """Recall (x) against precision (y); None where the truth holds no foreground."""
        if not self.positive.any():
            return None
        thresholds, hits, alarms = self._at_thresholds(points)
        return Curve(hits / hits[-1], hits / (hits + alarms), thresholds)

    def _lacking_side(self) -> str | None:
        return lacking_side(int(self.positive.sum()), int(self.negative.sum()))

    def _rows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.positive[None].astype(float), self.negative[None].astype(float)

    def _at_thresholds(
        self, limit: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Lower edges downwards, with the numbers of both sides at or above each."""
        chosen = np.arange(self.level.size)
        if chosen.size > limit:
            of_one = limit // 2
            chosen = np.union1d(
                _at_ranks(self.positive, of_one), _at_ranks(self.negative, limit - of_one)
            )
        chosen = chosen[::-1]
        hits, alarms = (
            np.cumsum(counts[::-1], dtype=np.float64)[::-1][chosen]
            for counts in (self.positive, self.negative)
        )
        return lower_edges(self.level[chosen], self.bits_left), hits, alarms


SomeRanking = Ranking | LevelRanking  # of a case
PooledRanking = Ranking | JoinedLevels


def at_levels(ranking: Ranking) -> LevelRanking:
    """The same pixels, counted."""
    return LevelRanking(_counted(ranking.positive), _counted(ranking.negative))


def joined(parts: Sequence[SomeRanking]) -> PooledRanking:
    """The pixels of all parts together; parts are of one kind, and there is one at least."""
    exact, counted = _told_apart(parts)
    if counted:
        return _summed(counted)
    return rank(
        np.concatenate([one.positive for one in exact]),
        np.concatenate([one.negative for one in exact]),
    )


def histograms_of(parts: Sequence[SomeRanking], groups: Sequence[Hashable]) -> Histograms:
    """Each subject's pixels in some 1,024 bins; `parts[i]` is of subject `groups[i]`.

    Half of the bins have about equally many pixels of the foreground each, half of the background.
    """
    exact, counted = _told_apart(parts)
    if not counted:
        positives, negatives = [one.positive for one in exact], [one.negative for one in exact]
        return histograms(positives, negatives, groups)
    every = _summed(counted)
    bins = _shares(every.positive) + _shares(every.negative)
    number = int(bins.max(initial=0)) + 1

    def in_bins(side: Sequence[Counted]) -> NDArray[np.float64]:
        places = (np.searchsorted(every.level, one.coarser(every.bits_left)) for one in side)
        return np.stack(
            [
                np.bincount(bins[at], one.pixels, number)
                for at, one in zip(places, side, strict=True)
            ]
        )

    positive, negative = (
        in_bins([x.positive for x in counted]),
        in_bins([x.negative for x in counted]),
    )
    return histograms_of_counts(positive, negative, groups)


def lower_edges(level: NDArray[np.integer], bits_left: int) -> NDArray[np.float64]:
    """The lowest probability of each level; -1 for what is below every one."""
    key = np.asarray(level, np.int64) << bits_left
    is_low = key < _HALF
    near = np.where(is_low, key, 2 * _HALF - key).clip(0).astype(np.int32).view(np.float32)
    return np.where(key < 0, -1.0, np.where(is_low, near, 1 - near.astype(np.float64)))


def _counted(ordered: Scores) -> Counted:
    key = _keys(ordered)

    def is_few(bits_left: int) -> bool:
        level = key >> bits_left
        return int(np.count_nonzero(level[1:] != level[:-1])) < MOST_LEVELS

    bits_left = bisect_left(range(_BITS), True, key=is_few)
    level = key >> bits_left
    first = np.flatnonzero(np.r_[level.size > 0, level[1:] != level[:-1]])
    pixels = np.diff(np.r_[first, level.size])
    return Counted(level[first], pixels.astype(np.uint32), bits_left)


def _keys(scores: Scores) -> NDArray[np.int32]:
    """Whole numbers in the order of the scores: the bits of what is near 0, less those near 1."""
    low = np.ascontiguousarray(scores, np.float32)
    is_low = low < 0.5
    # Sums of channels may round above 1, and a zero may have a sign: neither may reach the bits.
    near = np.maximum(np.where(is_low, low, np.float32(1) - low), np.float32(0)) + np.float32(0)
    bits = near.view(np.int32)
    key = np.where(is_low, bits, np.int32(2 * _HALF) - bits)
    return np.where(low < 0, np.int32(-1), key)


def _summed(parts: Sequence[LevelRanking]) -> JoinedLevels:
    sides = [[one.positive for one in parts], [one.negative for one in parts]]
    bits_left = max(one.bits_left for side in sides for one in side)
    coarser = [np.concatenate([one.coarser(bits_left) for one in side]) for side in sides]
    level = np.unique(np.concatenate(coarser))
    positive, negative = (
        np.bincount(
            np.searchsorted(level, own), np.concatenate([one.pixels for one in side]), level.size
        ).astype(np.int64)
        for own, side in zip(coarser, sides, strict=True)
    )
    return JoinedLevels(level, positive, negative, bits_left)


def _told_apart(parts: Sequence[SomeRanking]) -> tuple[list[Ranking], list[LevelRanking]]:
    return (
        [one for one in parts if isinstance(one, Ranking)],
        [one for one in parts if isinstance(one, LevelRanking)],
    )


def _at_ranks(counts: Whole, number: int) -> NDArray[np.intp]:
    """Where pixels at even ranks stand, both ends among them; nothing where there is no pixel."""
    reached = np.cumsum(counts)
    if reached[-1] == 0:
        return np.empty(0, np.intp)
    return np.searchsorted(reached, np.linspace(1, reached[-1], number))


def _shares(counts: Whole) -> Whole:
    """Which part of the pixels is reached at each level, in 512 steps."""
    reached = np.cumsum(counts)
    return reached * (BINS // 2) // max(int(reached[-1]), 1) if reached.size else reached
