"""Rankings in little memory and time: pixels counted at levels of probability, not kept.

A level holds the probabilities that agree in exponent and first ten bits, above one half those
whose distance from 1 does: steps of half a thousandth to a thousandth of log odds, for what is
nearly certain as for what is not. The lower edge of each level is a threshold at which hits and
false alarms are exact; pixels within a level are ties.
"""

from __future__ import annotations

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

# Of the 23 bits of a float32 after the point, so many are not looked at.
_BITS_LEFT = 13
_HALF = int(np.array(0.5, np.float32).view(np.uint32))
# Level 0 is below every probability, where stands what a failed case has missed; 1 begins at 0.
LEVELS = (2 * _HALF >> _BITS_LEFT) + 2


@dataclass(frozen=True)
class Counted:
    """Levels that hold pixels, upwards, and how many each: only those that hold any."""

    level: NDArray[np.uint32]
    pixels: NDArray[np.uint32]


@dataclass(frozen=True)
class LevelRanking:
    """The foreground and the background pixels of a case, counted."""

    positive: Counted
    negative: Counted


@dataclass(frozen=True)
class JoinedLevels:
    """(LEVELS,) numbers of foreground and of background pixels at each level, upwards."""

    positive: NDArray[np.int64]
    negative: NDArray[np.int64]

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
        held = np.flatnonzero(self.positive + self.negative)
        return self.positive[None, held].astype(float), self.negative[None, held].astype(float)

    def _at_thresholds(
        self, limit: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Lower edges downwards, with the numbers of both sides at or above each."""
        chosen = np.flatnonzero(self.positive + self.negative)
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
        return lower_edges(chosen), hits, alarms


SomeRanking = Ranking | LevelRanking  # of a case
PooledRanking = Ranking | JoinedLevels


def at_levels(ranking: Ranking) -> LevelRanking:
    """The same pixels, counted."""
    return LevelRanking(_counted(ranking.positive), _counted(ranking.negative))


def joined(parts: Sequence[SomeRanking]) -> PooledRanking:
    """The pixels of all parts together; parts are of one kind, and there is one at least."""
    exact, counted = _told_apart(parts)
    if not counted:
        return rank(
            np.concatenate([one.positive for one in exact]),
            np.concatenate([one.negative for one in exact]),
        )
    return _summed(counted)


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
    positive, negative = (
        np.stack([np.bincount(bins[one.level], one.pixels, bins[-1] + 1) for one in side])
        for side in ([one.positive for one in counted], [one.negative for one in counted])
    )
    return histograms_of_counts(positive, negative, groups)


def lower_edges(level: NDArray[np.integer]) -> NDArray[np.float64]:
    """The lowest probability of each level; -1 for what is below every one."""
    key = (np.asarray(level, np.int64) - 1) << _BITS_LEFT
    below = np.where(key < _HALF, key, 2 * _HALF - key).clip(0).astype(np.uint32)
    near = below.view(np.float32).astype(np.float64)
    return np.where(level == 0, -1.0, np.where(key < _HALF, near, 1 - near))


def _counted(ordered: Scores) -> Counted:
    level = _levels(ordered)
    first = np.flatnonzero(np.r_[True, level[1:] != level[:-1]]) if level.size else level
    pixels = np.diff(np.r_[first, level.size])
    return Counted(level[first].astype(np.uint32), pixels.astype(np.uint32))


def _levels(scores: Scores) -> NDArray[np.int64]:
    """The level of each score; larger scores have larger or equal levels."""
    near = np.ascontiguousarray(scores, np.float32)
    rest = np.float32(1) - near
    bits = np.where(near < 0.5, near, rest).view(np.uint32).astype(np.int64)
    key = np.where(near < 0.5, bits, 2 * _HALF - bits)
    return np.where(near < 0, 0, (key >> _BITS_LEFT) + 1)


def _summed(parts: Sequence[LevelRanking]) -> JoinedLevels:
    sums = JoinedLevels(np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64))
    for one in parts:
        sums.positive[one.positive.level] += one.positive.pixels
        sums.negative[one.negative.level] += one.negative.pixels
    return sums


def _told_apart(parts: Sequence[SomeRanking]) -> tuple[list[Ranking], list[LevelRanking]]:
    return (
        [one for one in parts if isinstance(one, Ranking)],
        [one for one in parts if isinstance(one, LevelRanking)],
    )


def _at_ranks(counts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """The levels of pixels at even ranks, both ends among them; none where there is no pixel."""
    reached = np.cumsum(counts)
    if reached[-1] == 0:
        return np.empty(0, np.int64)
    return np.searchsorted(reached, np.linspace(1, reached[-1], number))


def _shares(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(LEVELS,) which part of the pixels is reached at each level, in steps of 1 / 512."""
    reached = np.cumsum(counts)
    return reached * (BINS // 2) // max(int(reached[-1]), 1)
