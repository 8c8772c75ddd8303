"""The threshold is the best there is, in the middle of its plateau, and says its rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.errors import SizeMismatchError
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE
from delineate.metrics.counts import Counts, count
from delineate.metrics.overlap import dice
from delineate.metrics.thresholds import (
    ARGMAX,
    best_dice_of_each,
    best_dice_threshold,
    decide,
)

LEVELS = st.sampled_from([np.float32(v) for v in (0.0, 0.05, 0.2, 0.3, 0.55, 0.7, 0.95, 1.0)])
PROBABILITY = arrays(np.float32, (3, 4), elements=LEVELS)
CASES = st.lists(st.tuples(PROBABILITY, arrays(np.bool_, (3, 4))), min_size=1, max_size=4)
EVERY = (-0.1, 0.02, 0.1, 0.25, 0.4, 0.6, 0.8, 0.97, 1.0, 1.1)  # one in each gap of LEVELS


def dice_at(threshold: float, cases: list, *, pooled: bool, when_both_empty: float = 1.0) -> float:
    """Dice at a threshold, counted plainly."""
    counts = [count(truth, probability >= np.float32(threshold)) for probability, truth in cases]
    if pooled:
        return dice(sum(counts, Counts())).value
    return float(np.mean([dice(c, when_both_empty=when_both_empty).value for c in counts]))


@pytest.mark.parametrize("pooled", [True, False])
@given(cases=CASES)
def test_no_threshold_is_better(pooled: bool, cases: list) -> None:
    """The choice reaches its stated Dice, and no other threshold reaches more."""
    choice = best_dice_threshold(*zip(*cases, strict=True), pooled=pooled)
    if not any(truth.any() for _, truth in cases):
        assert (choice.threshold, choice.score) == (0.5, None)
        assert "not chosen" in choice.rule
        return
    best = max(dice_at(t, cases, pooled=pooled) for t in EVERY)
    assert choice.score == pytest.approx(best, abs=1e-12)
    assert dice_at(choice.threshold, cases, pooled=pooled) == pytest.approx(best, abs=1e-12)


@given(cases=CASES, value=st.sampled_from([0.0, 0.5]))
def test_the_mean_follows_the_empty_rule(cases: list, value: float) -> None:
    """What an image empty in truth and prediction counts is part of the choice."""
    choice = best_dice_threshold(*zip(*cases, strict=True), pooled=False, when_both_empty=value)
    if choice.score is not None:
        best = max(dice_at(t, cases, pooled=False, when_both_empty=value) for t in EVERY)
        assert choice.score == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("pooled", [True, False])
def test_ties_take_the_middle_of_the_plateau(pooled: bool) -> None:
    """Classes parted by a gap are cut in its middle, far from both."""
    probability = np.array([[0.1, 0.3, 0.9, 1.0]], np.float32)
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    choice = best_dice_threshold([probability], [truth], pooled=pooled)
    assert choice.threshold == pytest.approx(0.6)
    assert choice.score == 1.0


def test_of_several_plateaus_the_widest_is_taken() -> None:
    """Two equally good ranges apart from each other: the wider one is the safer."""
    probability = np.array([[0.9, 0.85, 0.8, 0.3, 0.1]], np.float32)
    truth = np.array([[1, 0, 0, 1, 0]], bool)
    cases = [(probability, truth)]
    assert dice_at(0.87, cases, pooled=True) == dice_at(0.2, cases, pooled=True)
    choice = best_dice_threshold([probability], [truth], pooled=True)
    assert choice.threshold == pytest.approx(0.2)
    assert choice.score == pytest.approx(2 / 3)


def test_neighbouring_floats_are_still_told_apart() -> None:
    """Between two adjacent float32 scores the threshold falls on the upper one."""
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    choice = best_dice_threshold([np.array([[low, high]])], [np.array([[0, 1]])], pooled=True)
    assert choice.threshold == float(high)
    assert choice.score == 1.0


def test_predicting_nothing_can_be_the_best_mean() -> None:
    """Where most images are empty and scores tell nothing, the mean prefers no foreground."""
    probability = np.ones((1, 2), np.float32)
    truths = [np.array([[1, 0]])] + [np.array([[0, 0]])] * 9
    choice = best_dice_threshold([probability] * 10, truths, pooled=False)
    assert choice.threshold > 1
    assert choice.score == pytest.approx(0.9)


def test_pixels_that_do_not_count_do_not_choose() -> None:
    """The ignore label and pixels outside the region leave the choice untouched."""
    probability = np.array([[0.2, 0.8, 0.9, 0.95]], np.float32)
    truth = np.array([[0, 1, IGNORE, 0]], np.uint8)
    region = np.array([[1, 1, 1, 0]], bool)
    choice = best_dice_threshold([probability[None]], [truth], [region], pooled=True)
    assert choice.score == 1.0
    assert choice.threshold == pytest.approx(0.5)


def test_the_rule_is_a_sentence() -> None:
    """The rule names pooling, the number of images and what empty images count."""
    truth = np.array([[0, 1]])
    probability = truth.astype(np.float32)
    pooled = best_dice_threshold([probability], [truth], pooled=True).rule
    assert pooled == "the highest Dice of all pixels of 1 image pooled, over every threshold"
    mean = best_dice_threshold([probability] * 2, [truth] * 2, pooled=False).rule
    assert mean.endswith("an image without true and predicted foreground counts 1")


def test_nothing_to_choose_on_is_an_error() -> None:
    """Without a case there is no threshold, and the message says what was expected."""
    with pytest.raises(ValueError, match="expected at least one case"):
        best_dice_threshold([], [], pooled=True)


def test_no_case_is_left_over() -> None:
    """A truth too few is an error, not a case that is quietly forgotten."""
    with pytest.raises(ValueError, match="shorter than argument 1"):
        best_dice_threshold([np.zeros((2, 2))] * 2, [np.ones((2, 2), bool)], pooled=True)


def test_sizes_must_agree() -> None:
    """A truth of another size than the probability is refused with both sizes."""
    with pytest.raises(SizeMismatchError, match=r"truth: expected .*\(2, 2\), found \(3, 3\)"):
        best_dice_threshold([np.zeros((2, 2))], [np.zeros((3, 3), bool)], pooled=True)


def test_probabilities_that_are_no_numbers_are_refused() -> None:
    """NaN never takes part in a choice."""
    with pytest.raises(ValueError, match="expected numbers, found NaN"):
        best_dice_threshold([np.array([[np.nan, 1]])], [np.array([[0, 1]])], pooled=True)


def test_decide_cuts_one_channel_and_takes_the_highest_of_several() -> None:
    """A binary probability is cut at the threshold, itself included; classes by the highest."""
    binary = np.array([[[0.2, 0.5, 0.7]]], np.float32)
    assert decide(binary, 0.5).tolist() == [[0, 1, 1]]
    classes = np.array([[[0.6, 0.1]], [[0.3, 0.2]], [[0.1, 0.7]]], np.float32)
    assert decide(classes, None).tolist() == [[0, 2]]
    assert ARGMAX.threshold is None
    assert "no threshold" in ARGMAX.rule


def test_one_channel_needs_a_threshold() -> None:
    """No threshold is made up for a binary probability."""
    with pytest.raises(ValueError, match=r"threshold: expected a number .* found none"):
        decide(np.zeros((1, 2, 2), np.float32), None)


def test_classes_that_overlap_are_cut_each_at_its_own() -> None:
    """Thresholds in a tuple give codes: a bit a class, set where its channel reaches its own."""
    classes = np.array([[[0.6, 0.3, 0.1]], [[0.9, 0.2, 0.1]], [[0.3, 0.4, 0.1]]], np.float32)
    assert decide(classes, (0.5, 0.9, 0.4)).tolist() == [[0b011, 0b100, 0]]
    with pytest.raises(ValueError, match=r"expected one a class for 3 .* found 2"):
        decide(classes, (0.5, 0.5))


@given(
    st.lists(
        st.tuples(arrays(np.float32, (2, 3, 4), elements=LEVELS), arrays(np.uint8, (3, 4))),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_each_class_has_the_best_threshold_of_its_own(cases, pooled: bool) -> None:
    """No class could have a higher Dice, on its own, inside what is known, than the one stated."""
    cases = [
        (p, np.where(codes % 5 == 4, IGNORE, codes % 4).astype(np.uint8)) for p, codes in cases
    ]
    chosen = best_dice_of_each(*map(list, zip(*cases, strict=True)), pooled=pooled)
    assert len(chosen) == 2
    for index, choice in enumerate(chosen, 1):
        own = [
            (p[index - 1][c != IGNORE], is_class(c, index, is_overlapping=True)[c != IGNORE])
            for p, c in cases
            if (c != IGNORE).any()
        ]
        if not any(truth.any() for _, truth in own):
            assert (choice.threshold, choice.score) == (0.5, None)
            continue
        best = max(dice_at(each, own, pooled=pooled) for each in EVERY)
        assert dice_at(choice.threshold, own, pooled=pooled) == pytest.approx(choice.score)
        if pooled:
            assert choice.score == pytest.approx(best)
