"""Rankings of pixels that are counted at levels instead of being kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from delineate.core.seeds import stream
from delineate.metrics.levels import (
    MOST_LEVELS,
    SomeRanking,
    at_levels,
    histograms_of,
    joined,
    lower_edges,
)
from delineate.metrics.ranking import Ranking, rank

# Probabilities of which no two are on one level, from almost impossible to certain.
APART = np.r_[0.0, 1 / (1 + np.exp(-np.linspace(-16, 12, 30))), 1.0].astype(np.float32)


def parted(seed: int, size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities far apart, many of them equal, and which of them are foreground."""
    rng = stream(seed, "levels")
    scores = APART[rng.integers(0, len(APART), size)]
    return scores, rng.random(size) < scores


def ranked(scores: np.ndarray, is_true: np.ndarray) -> Ranking:
    """The exact ranking."""
    return rank(scores[is_true], scores[~is_true])


@given(st.integers(0, 200))
def test_where_every_level_has_one_probability_nothing_is_lost(seed: int) -> None:
    """Area, average precision and both curves are those of scikit-learn and of exact ranking."""
    scores, is_true = parted(seed)
    exact = ranked(scores, is_true)
    counted = joined([at_levels(exact)])
    assert counted.roc_auc().value == pytest.approx(roc_auc_score(is_true, scores))
    expected = average_precision_score(is_true, scores)
    assert counted.average_precision().value == pytest.approx(expected)
    for kind in ("roc_curve", "pr_curve"):
        points, kept = getattr(counted, kind)(), getattr(exact, kind)()
        ours = set(zip(points.x.round(9), points.y.round(9), strict=True))
        assert ours == set(zip(kept.x.round(9), kept.y.round(9), strict=True))
        assert (np.diff(points.threshold) < 0).all()


@pytest.mark.parametrize("sharpness", [0.01, 0.3, 3.0, 12.0])
def test_other_probabilities_lose_less_than_a_thousandth(sharpness: float) -> None:
    """Vague ones, all of which are near one half, as well as those that a network is sure of."""
    rng = stream(3, "levels", int(100 * sharpness))
    is_true = rng.random(60_000) < 0.02
    logits = sharpness * (is_true * 1.5 - 1 + rng.standard_normal(is_true.size))
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    counted = joined([at_levels(ranked(scores, is_true))])
    assert counted.level.size <= 2 * MOST_LEVELS
    assert counted.roc_auc().value == pytest.approx(roc_auc_score(is_true, scores), abs=1e-5)
    expected = average_precision_score(is_true, scores)
    assert counted.average_precision().value == pytest.approx(expected, abs=2e-4)


def test_where_there_are_few_probabilities_nothing_is_lost() -> None:
    """A case of no more of them than levels is ranked exactly, however close they are."""
    scores = np.float32(0.07) + np.arange(MOST_LEVELS, dtype=np.float32) * np.float32(1e-8)
    is_true = stream(2, "levels").random(scores.size) < 0.1
    counted = joined([at_levels(ranked(scores, is_true))])
    assert counted.bits_left == 0
    assert counted.roc_auc().value == pytest.approx(roc_auc_score(is_true, scores), abs=1e-12)
    expected = average_precision_score(is_true, scores)
    assert counted.average_precision().value == pytest.approx(expected, abs=1e-12)


@given(st.floats(0, 1, width=32), st.integers(0, 14))
def test_a_level_begins_at_its_edge(probability: float, bits_left: int) -> None:
    """Its own level's edge is at most the probability, the next one's above it."""
    level = at_levels(rank([np.float32(probability)], [])).positive.coarser(bits_left)
    below, above = lower_edges(np.r_[level, level + 1], bits_left)
    assert below <= probability
    assert probability < above or probability == 1
    assert lower_edges(np.array([-1]), bits_left)[0] == -1


def test_parts_of_other_fineness_are_joined_at_the_coarsest() -> None:
    """A case of a few probabilities beside one of many: no pixel is lost, and order stays."""
    rng = stream(9, "levels")
    many, few = rng.random(50_000).astype(np.float32), np.float32([0.25, 0.75])
    fine, coarse = at_levels(rank(few, [])), at_levels(rank([], many))
    assert fine.positive.bits_left < coarse.negative.bits_left
    together = joined([fine, coarse])
    assert together.bits_left == coarse.negative.bits_left
    assert (together.positive.sum(), together.negative.sum()) == (2, 50_000)
    expected = roc_auc_score(np.r_[True, True, np.zeros(50_000, bool)], np.r_[few, many])
    assert together.roc_auc().value == pytest.approx(expected, abs=5e-4)


def test_a_point_of_a_curve_is_what_its_threshold_cuts() -> None:
    """Hits and false alarms at the lower edge of a level are exact, whatever lies within."""
    rng = stream(5, "levels")
    scores, is_true = rng.random(3_000).astype(np.float32), rng.random(3_000) < 0.3
    curve = joined([at_levels(ranked(scores, is_true))]).roc_curve(50)
    assert 40 <= len(curve.x) <= 50
    assert (curve.x[0], curve.y[0], curve.threshold[0]) == (0, 0, np.inf)
    assert (curve.x[-1], curve.y[-1]) == (1, 1)
    for x, y, threshold in zip(curve.x[1:], curve.y[1:], curve.threshold[1:], strict=True):
        found = scores >= threshold
        assert (x, y) == pytest.approx((found[~is_true].mean(), found[is_true].mean()))


def test_what_a_failed_case_missed_is_below_every_probability() -> None:
    """Even below a certain no, and where nothing else is foreground the area is 0."""
    missed = Ranking(np.full(3, -1, np.float32), np.empty(0, np.float32))
    others = rank(np.empty(0, np.float32), np.zeros(5, np.float32))
    counted = joined([at_levels(missed), at_levels(others)])
    assert counted.roc_auc().value == 0
    assert counted.roc_curve().threshold.tolist() == [np.inf, 0, -1]


@pytest.mark.parametrize("kind", [lambda one: one, at_levels])
def test_parts_together_are_the_whole(kind) -> None:
    """Of either kind, and the bins of each subject hold all its pixels."""
    whole = parted(7, 900)
    cuts = [slice(0, 200), slice(200, 500), slice(500, 900)]
    parts: list[SomeRanking] = [kind(ranked(whole[0][cut], whole[1][cut])) for cut in cuts]
    assert joined(parts).roc_auc() == joined([kind(ranked(*whole))]).roc_auc()
    bins = histograms_of(parts, ["a", "b", "a"])
    own = [int(whole[1][cut].sum()) for cut in cuts]
    assert bins.positive.sum(axis=1).tolist() == [own[0] + own[2], own[1]]
    assert (bins.positive + bins.negative).sum() == 900


def test_lacking_sides_are_undefined() -> None:
    """With the words of the exact ranking, and without curves."""
    none, some = np.empty(0, np.float32), np.full(4, 0.5, np.float32)
    for exact in (rank(none, some), rank(some, none), rank(none, none)):
        counted = joined([at_levels(exact)])
        assert counted.roc_auc() == exact.roc_auc()
        assert counted.average_precision() == exact.average_precision()
        assert counted.roc_curve() is None
    assert joined([at_levels(rank(none, some))]).pr_curve() is None


def test_memory_does_not_grow_with_the_image() -> None:
    """There are only so many levels."""
    scores = 1 / (1 + np.exp(-stream(1, "levels").normal(-5, 3, 1_000_000)))
    counted = at_levels(rank(np.full(99, 0.7), scores))
    assert counted.positive.pixels.tolist() == [99]
    assert counted.negative.pixels.nbytes + counted.negative.level.nbytes <= 8 * MOST_LEVELS
    assert int(counted.negative.pixels.sum()) == 1_000_000


def test_what_rounds_above_one_and_a_signed_zero_keep_their_place() -> None:
    """Sums of channels may be a little more than 1, and nothing may rank them below 0."""
    positive = np.array([1.0000001, 1.0000005, 0.7], np.float32)
    negative = np.array([-0.0, 0.0, 0.3], np.float32)
    counted = joined([at_levels(rank(positive, negative))])
    assert counted.roc_auc().value == 1
    assert counted.average_precision().value == 1
    assert counted.negative.tolist()[:2] == [2, 1]  # both zeros at one level
