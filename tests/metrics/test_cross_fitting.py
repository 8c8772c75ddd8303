"""Thresholds over folds: held against the exact choice, and against folds cut one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import SizeMismatchError
from delineate.core.types import IGNORE
from delineate.metrics.counts import Counts, count
from delineate.metrics.cross_fitting import (
    GAINS,
    TOP,
    LevelCounts,
    best_dice_cut,
    cross_fitted_dice,
    cross_fitted_verdicts,
)
from delineate.metrics.operating_points import THRESHOLD_RULES
from delineate.metrics.overlap import dice
from delineate.metrics.thresholds import best_dice_threshold, decide
from delineate.training.validate import METRICS, scores_of


def counted(*cases):
    """The counts of cases of (probability, labels)."""
    counts = LevelCounts()
    for probability, labels in cases:
        counts.add(probability[0], labels == 1, labels != IGNORE)
    return counts


def as_read(levels):
    """(1, H, W) probability as a map of 16 bits is read."""
    return (np.asarray(levels, np.uint16)[None] / TOP).astype(np.float32)


def drawn(rng, *, shape=(5, 7), levels=TOP + 1, positives=0.4):
    """A random case whose foreground is brighter, with some unknown pixels."""
    labels = (rng.random(shape) < positives).astype(np.uint8)
    values = rng.integers(0, levels, shape) * (TOP // (levels - 1))
    values = np.where(labels == 1, (values + TOP) // 2, values)
    labels[rng.random(shape) < 0.1] = IGNORE
    return as_read(values), labels


def dice_at(threshold, cases, *, pooled):
    """The Dice of cases that are cut there, 0 where none holds foreground."""
    counts = [
        count(labels == 1, decide(probability, threshold) == 1, labels != IGNORE)
        for probability, labels in cases
    ]
    if not any(one.tp + one.fn for one in counts):
        return 0.0
    return dice(sum(counts, Counts())).value if pooled else np.mean([dice(c).value for c in counts])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 4),
    levels=st.sampled_from([2, 4, 256, TOP + 1]),
    positives=st.sampled_from([0.0, 0.05, 0.5]),
    pooled=st.booleans(),
)
def test_the_choice_is_the_exact_one(seed, count, levels, positives, pooled):
    """Counting levels chooses what sorting all pixels chooses, rule and score included."""
    rng = np.random.default_rng(seed)
    cases = [drawn(rng, levels=levels, positives=positives) for _ in range(count)]
    exact = best_dice_threshold(
        [probability for probability, _ in cases],
        [labels for _, labels in cases],
        [labels != IGNORE for _, labels in cases],
        pooled=pooled,
    )
    found = best_dice_cut(counted(*cases), pooled=pooled)
    assert found.rule == exact.rule
    assert found.score == pytest.approx(exact.score)
    # Where two ranges are equally wide, rounding decides; either reaches the score.
    assert dice_at(found.threshold, cases, pooled=pooled) == pytest.approx(exact.score or 0.0)
    if levels > 256:
        assert found.threshold == pytest.approx(exact.threshold, abs=1e-6)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([2, 5, TOP + 1]))
def test_scores_are_those_of_validation(seed, levels):
    """Dice at 0.5 and ROC AUC are what they are for the same cases kept whole."""
    rng = np.random.default_rng(seed)
    cases = [drawn(rng, levels=levels) for _ in range(3)]
    assert counted(*cases).scores() == pytest.approx(scores_of(METRICS, cases))


def test_scores_without_a_value():
    """Where nothing is there and nothing was predicted there is no pooled Dice and no ranking."""
    case = (as_read(np.zeros((2, 3))), np.zeros((2, 3), np.uint8))
    assert counted(case).scores() == {"pooled_dice": None, "mean_dice": 1.0, "pooled_roc_auc": None}
    unknown = (as_read(np.zeros((2, 3))), np.full((2, 3), IGNORE, np.uint8))
    assert counted(unknown).scores()["mean_dice"] is None


@pytest.mark.parametrize("pooled", [True, False])
def test_each_fold_is_cut_where_the_others_say(pooled):
    """Cutting every fold's own maps at the others' exact threshold gives the very same score."""
    rng = np.random.default_rng(5)
    folds = {fold: [drawn(rng, positives=0.2 * fold) for _ in range(3)] for fold in (1, 2, 3)}
    found = cross_fitted_dice({k: counted(*cases) for k, cases in folds.items()}, pooled=pooled)
    each, total = [], Counts()
    for fold, own in folds.items():
        others = [case for other, cases in folds.items() if other != fold for case in cases]
        threshold = best_dice_threshold(
            [probability for probability, _ in others],
            [labels for _, labels in others],
            [labels != IGNORE for _, labels in others],
            pooled=pooled,
        ).threshold
        assert found.thresholds[fold] == pytest.approx(threshold, abs=1e-6)
        for probability, labels in own:
            one = count(labels == 1, decide(probability, threshold) == 1, labels != IGNORE)
            total += one
            each.append(dice(one).value)
    assert found.score == pytest.approx(dice(total).value if pooled else np.mean(each))
    assert found.score < found.choice.score


def test_a_fold_by_hand():
    """Two folds of four pixels each, one of which the other's threshold misses."""
    first = (as_read([[60000, 50000, 10, 0]]), np.array([[1, 1, 0, 0]], np.uint8))
    second = (as_read([[40000, 30000, 20, 0]]), np.array([[1, 1, 0, 0]], np.uint8))
    found = cross_fitted_dice({1: counted(first), 2: counted(second)}, pooled=True)
    # Between 10 and 50000 the first is right, between 20 and 30000 the second.
    assert found.thresholds == {
        1: pytest.approx((20 + 30000) / 2 / TOP),
        2: pytest.approx((10 + 50000) / 2 / TOP),
    }
    # At 25005 the second is right too.
    assert (found.choice.score, found.score) == (1.0, 1.0)
    third = (as_read([[20000, 15, 15, 0]]), np.array([[1, 0, 0, 0]], np.uint8))
    found = cross_fitted_dice({1: counted(first), 3: counted(third)}, pooled=True)
    # Fold 3 is cut at 25005 and loses its one pixel: 2 hits, 1 missed, no alarm.
    assert found.score == pytest.approx(4 / 5)


def test_where_no_fold_holds_foreground():
    """The threshold stays at 0.5 and there is no score; a lone such fold takes that of others."""
    nothing = (as_read([[TOP, 0]]), np.zeros((1, 2), np.uint8))
    found = cross_fitted_dice({1: counted(nothing), 2: counted(nothing)}, pooled=True)
    assert (found.choice.threshold, found.choice.score, found.score) == (0.5, None, None)
    something = (as_read([[TOP, 0]]), np.array([[1, 0]], np.uint8))
    found = cross_fitted_dice({1: counted(nothing), 2: counted(something)}, pooled=True)
    assert found.thresholds[2] == 0.5  # the other fold has nothing to choose on
    assert found.score == pytest.approx(2 / 3)  # one hit, and one alarm in the fold without any


def test_sizes_must_agree():
    """A truth of another size is refused, not broadcast."""
    with pytest.raises(SizeMismatchError, match="found \\(2, 3\\), \\(1, 3\\)"):
        LevelCounts().add(
            np.zeros((2, 3), np.float32), np.zeros((1, 3), bool), np.ones((2, 3), bool)
        )


@pytest.mark.parametrize("name", ["youden", "best_accuracy"])
def test_verdicts_are_cut_where_the_other_folds_say(name):
    """Each image is called at a threshold in which its own fold had no part."""
    rng = np.random.default_rng(3)
    cases = [
        (fold, float(np.clip(rng.normal(0.45 + 0.2 * is_present, 0.2), 0, 1)), is_present)
        for fold in (1, 2, 3)
        for is_present in [True, False] * 8
    ]
    rule = THRESHOLD_RULES[name]
    found = cross_fitted_verdicts(cases, rule, GAINS[name])
    right = {True: 0, False: 0}
    for fold, probability, is_present in cases:
        others = [case for case in cases if case[0] != fold]
        threshold = rule([p for _, p, yes in others if yes], [p for _, p, yes in others if not yes])
        assert found.thresholds[fold] == threshold.threshold
        right[is_present] += (probability >= threshold.threshold) == is_present
    sensitivity, specificity = right[True] / 24, right[False] / 24
    expected = sensitivity + specificity - 1 if name == "youden" else sum(right.values()) / 48
    assert found.score == pytest.approx(expected)
    assert found.choice == rule(
        [p for _, p, yes in cases if yes], [p for _, p, yes in cases if not yes]
    )
