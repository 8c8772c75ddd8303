"""Intervals resample subjects, cover the truth, and are withheld where they cannot be had."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.seeds import stream
from delineate.metrics.intervals import (
    binned_auc,
    binned_average_precision,
    bootstrap_levels,
    bootstrap_mean,
    bootstrap_pooled,
    bootstrap_ranking,
    histograms,
    tail_share,
)
from delineate.metrics.ranking import average_precision, roc_auc


def test_constant_values_have_no_width() -> None:
    """Values that are all alike leave nothing to be unsure of."""
    interval = bootstrap_mean(np.full(60, 0.25), range(60), seed=0)
    assert (interval.low, interval.high) == (0.25, 0.25)
    assert interval.note is None


def test_few_subjects_get_no_interval() -> None:
    """Nine subjects are too few however many images they have, and the reason says so."""
    interval = bootstrap_mean(np.arange(90) / 90, np.arange(90) % 9, seed=0)
    assert (interval.low, interval.high) == (None, None)
    assert interval.why_none == "no interval from 9 subjects; at least 10 are needed"
    assert interval.subjects == 9


def test_under_fifty_subjects_a_note_warns() -> None:
    """From 10 to 49 subjects there is an interval, with a note."""
    assert "under 50" in bootstrap_mean(np.arange(49) / 49, range(49), seed=0).note
    assert bootstrap_mean(np.arange(50) / 50, range(50), seed=0).note is None


def test_plain_resampling_gives_the_same_interval() -> None:
    """The matrix product equals drawing whole subjects one resample after the other."""
    values = stream(3, "values").random(40)
    groups = np.arange(40) % 12
    fast = bootstrap_mean(values, groups, seed=5, resamples=300)
    drawn = stream(5, "bootstrap").integers(12, size=(300, 12))
    means = [np.concatenate([values[groups == g] for g in row]).mean() for row in drawn]
    assert (fast.low, fast.high) == pytest.approx(
        tuple(np.quantile(means, [tail_share(12), 1 - tail_share(12)]))
    )


def test_images_of_one_subject_do_not_narrow_the_interval() -> None:
    """Ten copies of every image tell nothing new, and the interval stays as wide."""
    values = stream(1, "values").random(30)
    once = bootstrap_mean(values, range(30), seed=0)
    copies = bootstrap_mean(np.tile(values, 10), np.tile(np.arange(30), 10), seed=0)
    assert (once.low, once.high) == pytest.approx((copies.low, copies.high))
    naive = bootstrap_mean(np.tile(values, 10), range(300), seed=0)
    assert naive.high - naive.low < 0.5 * (once.high - once.low)


@pytest.mark.parametrize("subjects", [10, 20, 60])
def test_the_interval_covers_the_true_mean_about_as_often_as_it_says(subjects: int) -> None:
    """Over 1000 samples of subjects with three images each, 93 to 97 % hold the truth."""
    hits = 0
    for trial in range(1000):
        random = stream(trial, "coverage")
        values = random.normal(0.5, 0.1, subjects).repeat(3) + random.normal(0, 0.05, 3 * subjects)
        groups = np.arange(subjects).repeat(3)
        interval = bootstrap_mean(values, groups, seed=trial, resamples=400)
        hits += interval.low <= 0.5 <= interval.high
    assert 0.93 <= hits / 1000 <= 0.97


@given(st.permutations(range(24)))
def test_the_order_of_images_within_subjects_does_not_matter(order: list[int]) -> None:
    """Shuffling images that share one subject each keeps the mean's interval."""
    values = np.linspace(0, 1, 24)
    groups = np.arange(24) // 2
    there = bootstrap_mean(values, groups, seed=0, resamples=50)
    at = sorted(order, key=lambda i: groups[i])
    back = bootstrap_mean(values[at], groups[at], seed=0, resamples=50)
    assert (there.low, there.high) == pytest.approx((back.low, back.high))


def test_the_seed_decides() -> None:
    """One seed gives one interval; another seed gives another."""
    values = stream(1, "values").random(30)
    assert bootstrap_mean(values, range(30), seed=4) == bootstrap_mean(values, range(30), seed=4)
    assert bootstrap_mean(values, range(30), seed=4) != bootstrap_mean(values, range(30), seed=5)


def test_pooled_ratio_weighs_large_cases_more() -> None:
    """The interval of a pooled ratio surrounds the ratio of sums, not the mean of ratios."""
    above = np.r_[np.full(20, 1.0), np.full(20, 90.0)]
    below = np.r_[np.full(20, 10.0), np.full(20, 100.0)]
    interval = bootstrap_pooled(above, below, range(40), seed=0)
    assert interval.low < above.sum() / below.sum() < interval.high
    assert interval.low > (above / below).mean()


def test_several_ratios_are_averaged_and_undefined_ones_left_out() -> None:
    """The mean over classes ignores a class that no resample holds."""
    above = np.column_stack([np.full(20, 1.0), np.full(20, 3.0), np.zeros(20)])
    below = np.column_stack([np.full(20, 2.0), np.full(20, 4.0), np.zeros(20)])
    interval = bootstrap_pooled(above, below, range(20), seed=0)
    assert (interval.low, interval.high) == pytest.approx((0.625, 0.625))


def test_mostly_undefined_resamples_give_no_interval() -> None:
    """Foreground in one of twelve subjects is missing from a third of the resamples."""
    below = np.r_[5.0, np.zeros(11)]
    interval = bootstrap_pooled(below, below, range(12), seed=0)
    assert interval.low is None
    assert "resamples of subjects have no value" in interval.why_none


def test_lengths_must_agree() -> None:
    """Every case needs its subject."""
    with pytest.raises(ValueError, match="one subject for each of 3 cases, found 2"):
        bootstrap_pooled([1, 2, 3], [1, 2, 3], "ab", seed=0)


def scores_of(subjects: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Sorted scores of subjects who differ in how hard they are, and in size."""
    random = stream(0, "subjects")
    positives, negatives = [], []
    for _ in range(subjects):
        shift = random.normal(1, 0.4)
        sizes = random.integers(50, 200), random.integers(400, 900)
        positives.append(np.sort(random.normal(shift, 1, sizes[0])).astype(np.float32))
        negatives.append(np.sort(random.normal(0, 1, sizes[1])).astype(np.float32))
    return positives, negatives


@pytest.mark.parametrize(
    ("name", "exact"), [("roc_auc", roc_auc), ("average_precision", average_precision)]
)
def test_binned_ranking_interval_is_that_of_exact_resampling(name: str, exact: object) -> None:
    """Resampling histograms gives the interval that exact scores of drawn subjects give."""
    positives, negatives = scores_of(14)
    value = exact(np.concatenate(positives), np.concatenate(negatives)).value
    fast = bootstrap_ranking(
        [histograms(positives, negatives, range(14))], name, exact=value, seed=2, resamples=200
    )
    plain = [
        exact(
            np.concatenate([positives[g] for g in row]), np.concatenate([negatives[g] for g in row])
        ).value
        for row in stream(2, "bootstrap").integers(14, size=(200, 14))
    ]
    low, high = np.quantile(plain, [tail_share(14), 1 - tail_share(14)])
    assert fast.low == pytest.approx(low, abs=1e-3)
    assert fast.high == pytest.approx(high, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "exact"), [("roc_auc", roc_auc), ("average_precision", average_precision)]
)
def test_few_levels_are_resampled_exactly(name: str, exact: object) -> None:
    """Scores of a few levels have a bin each, ties counting half, so that nothing is blurred."""
    positives, negatives = scores_of(11)
    positives = [np.round(part).astype(np.float32) for part in positives]
    negatives = [np.round(part).astype(np.float32) for part in negatives]
    value = exact(np.concatenate(positives), np.concatenate(negatives)).value
    counted = histograms(positives, negatives, range(11))
    fast = bootstrap_ranking([counted], name, exact=value, seed=2, resamples=100)
    plain = [
        exact(
            np.concatenate([positives[g] for g in row]), np.concatenate([negatives[g] for g in row])
        ).value
        for row in stream(2, "bootstrap").integers(11, size=(100, 11))
    ]
    tail = tail_share(11)
    assert (fast.low, fast.high) == pytest.approx(
        tuple(np.quantile(plain, [tail, 1 - tail])), abs=1e-9
    )


def test_the_ranking_interval_follows_the_exact_score() -> None:
    """An exact score that differs from the binned one moves the interval by the difference."""
    positives, negatives = scores_of(12)
    counted = histograms(positives, negatives, range(12))
    here = bootstrap_ranking([counted], "roc_auc", exact=0.70, seed=0)
    there = bootstrap_ranking([counted], "roc_auc", exact=0.75, seed=0)
    assert there.low - here.low == pytest.approx(0.05)
    assert here.low < 0.70 < here.high


def test_histograms_count_every_pixel_once() -> None:
    """Each subject's bins sum to its pixels, several cases of one subject together."""
    positives, negatives = scores_of(4)
    counted = histograms(positives, negatives, "abba")
    sizes = [p.size for p in positives]
    assert counted.positive.sum(axis=1).tolist() == [sizes[0] + sizes[3], sizes[1] + sizes[2]]
    assert counted.negative.sum() == sum(n.size for n in negatives)


def test_subjects_without_foreground_do_not_break_the_ranking() -> None:
    """Empty classes in some cases are resampled like the others."""
    positives, negatives = scores_of(12)
    positives[3] = positives[3][:0]
    value = roc_auc(np.concatenate(positives), np.concatenate(negatives)).value
    counted = histograms(positives, negatives, range(12))
    interval = bootstrap_ranking([counted], "roc_auc", exact=value, seed=0)
    assert interval.low < value < interval.high


def test_a_score_a_case_is_resampled_exactly() -> None:
    """Levels equal drawing whole subjects one after the other, ties and all; no bins."""
    draws = stream(7, "levels")
    groups = np.arange(45) % 15
    is_positive = draws.random(45) < 0.4
    scores = (draws.random(45) + 0.3 * is_positive).round(1)
    fast = bootstrap_levels(
        scores,
        is_positive,
        groups.tolist(),
        {"roc_auc": binned_auc, "average_precision": binned_average_precision},
        seed=5,
        resamples=300,
    )
    rows = stream(5, "bootstrap").integers(15, size=(300, 15))
    for name, measure in (("roc_auc", roc_auc), ("average_precision", average_precision)):
        plain = []
        for row in rows:
            at = np.concatenate([np.flatnonzero(groups == one) for one in row])
            plain.append(measure(scores[at][is_positive[at]], scores[at][~is_positive[at]]).value)
        ends = np.quantile(plain, [tail_share(15), 1 - tail_share(15)])
        assert (fast[name].low, fast[name].high) == pytest.approx(tuple(ends))


def test_levels_of_few_subjects_have_no_interval() -> None:
    """The reason stands under every measure."""
    found = bootstrap_levels([0.1, 0.9], [False, True], ["a", "b"], {"roc_auc": binned_auc}, seed=0)
    assert found["roc_auc"].why_none == "no interval from 2 subjects; at least 10 are needed"


def test_two_thousand_resamples_of_a_thousand_subjects_are_quick() -> None:
    """A thousand subjects with four images each take well under a second."""
    values = stream(0, "values").random(4000)
    started = time.process_time()
    bootstrap_mean(values, np.arange(4000) % 1000, seed=123)
    assert time.process_time() - started < 1.0
