"""Thresholds are the best there are, and what they reach is counted, never interpolated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from delineate.core.seeds import stream
from delineate.metrics.intervals import bootstrap_levels, tail_share
from delineate.metrics.operating_points import (
    THRESHOLD_RULES,
    accuracy_threshold,
    at_specificity,
    binned_at_specificity,
    youden_threshold,
)

LEVELS = st.sampled_from([0.0, 0.05, 0.2, 0.3, 0.55, 0.7, 0.95, 1.0])
SCORES = st.lists(LEVELS, min_size=1, max_size=8)
WANTED = st.sampled_from([0.5, 0.75, 0.9, 0.95, 1.0])
EVERY = (-0.1, 0.0, 0.02, 0.1, 0.25, 0.4, 0.6, 0.8, 0.97, 1.0, 1.1)  # one in each gap


def counted(positives: list[float], negatives: list[float], threshold: float) -> tuple[int, int]:
    """Hits and alarms at a threshold, plainly."""
    return sum(p >= threshold for p in positives), sum(n >= threshold for n in negatives)


def test_hand_counted() -> None:
    """Of ten absent cases one may be called present: the second highest sets the bar."""
    negatives = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8]
    point = at_specificity([0.3, 0.6, 0.65, 0.9], negatives, 0.9)
    assert point.sensitivity.value == 0.5  # 0.65 and 0.9; 0.6 ties with an absent case
    assert point.specificity == 0.9
    assert point.threshold == 0.65


@given(positives=SCORES, negatives=SCORES, wanted=WANTED)
def test_no_other_threshold_reaches_more(
    positives: list[float], negatives: list[float], wanted: float
) -> None:
    """Of all thresholds with that specificity none finds more; the reported one finds as many."""
    point = at_specificity(positives, negatives, wanted)
    best = max(
        hits
        for hits, alarms in (counted(positives, negatives, t) for t in EVERY)
        if 1 - alarms / len(negatives) >= wanted - 1e-9
    )
    assert point.sensitivity.value == best / len(positives)
    assert point.specificity >= wanted - 1e-9
    if point.threshold is not None:
        hits, alarms = counted(positives, negatives, point.threshold)
        assert hits == best
        assert 1 - alarms / len(negatives) == pytest.approx(point.specificity)
    else:
        assert best == 0


@given(positives=SCORES, negatives=SCORES, wanted=WANTED)
def test_the_point_lies_on_the_curve_of_scikit_learn(
    positives: list[float], negatives: list[float], wanted: float
) -> None:
    """It is the highest point of the full ROC curve with that many false alarms or fewer."""
    truth = [1] * len(positives) + [0] * len(negatives)
    alarms, hits, _ = roc_curve(truth, positives + negatives, drop_intermediate=False)
    expected = hits[alarms <= 1 - wanted + 1e-9].max()
    found = at_specificity(positives, negatives, wanted).sensitivity.value
    assert found == pytest.approx(expected)


def test_a_share_that_rounds_does_not_cost_a_case() -> None:
    """0.1 times 30 is 3 cases, although 1 - 0.9 is a little less than 0.1 in binary."""
    negatives = np.arange(30) / 30
    point = at_specificity([0.91], negatives, 0.9)
    assert (point.specificity, point.sensitivity.value) == (0.9, 1.0)


def test_a_class_that_lacks_is_said() -> None:
    """Without absent or present cases there is no figure."""
    assert "no absent case" in str(at_specificity([0.5], [], 0.9).sensitivity)
    point = at_specificity([], [0.5, 0.1], 0.9)
    assert "no present case" in str(point.sensitivity)
    assert point.specificity == 1.0


def test_a_specificity_of_all_leaves_what_is_above_every_alarm() -> None:
    """Where absent cases score highest nothing is found, and there is no threshold."""
    point = at_specificity([0.5, 0.6], [0.7], 1.0)
    assert (point.sensitivity.value, point.threshold, point.specificity) == (0.0, None, 1.0)


@given(positives=SCORES, negatives=SCORES, wanted=WANTED)
def test_counts_in_bins_give_the_same(
    positives: list[float], negatives: list[float], wanted: float
) -> None:
    """A bin for each distinct score loses nothing."""
    levels = np.array([0.0, 0.05, 0.2, 0.3, 0.55, 0.7, 0.95, 1.0])
    counts = [(np.array(each)[:, None] == levels).sum(axis=0) for each in (positives, negatives)]
    binned = binned_at_specificity(wanted)(*(one[None].astype(float) for one in counts))
    assert binned[0] == pytest.approx(
        at_specificity(positives, negatives, wanted).sensitivity.value
    )


def test_resampled_counts_without_a_class_have_no_value() -> None:
    """NaN, so that the resample is left out and counted as undefined."""
    nothing, some = np.zeros((1, 3)), np.ones((1, 3))
    score = binned_at_specificity(0.9)
    assert np.isnan(score(nothing, some)).all()
    assert np.isnan(score(some, nothing)).all()


def test_its_interval_equals_plain_resampling() -> None:
    """Whole subjects drawn one resample after the other, the threshold chosen anew in each."""
    draws = stream(2, "cases")
    truth = np.arange(80) % 2 == 0
    scores = draws.normal(truth * 1.5).round(1)
    fast = bootstrap_levels(
        scores,
        truth,
        (np.arange(80) // 2).tolist(),
        {"sensitivity": binned_at_specificity(0.9)},
        seed=5,
        resamples=200,
    )["sensitivity"]
    rows = stream(5, "bootstrap").integers(40, size=(200, 40))
    chosen = [np.concatenate([[2 * g, 2 * g + 1] for g in row]) for row in rows]
    plain = [
        at_specificity(scores[at][truth[at]], scores[at][~truth[at]], 0.9).sensitivity.value
        for at in chosen
    ]
    ends = np.quantile(plain, [tail_share(40), 1 - tail_share(40)])
    assert (fast.low, fast.high) == pytest.approx(tuple(ends))


@given(positives=SCORES, negatives=SCORES)
def test_no_threshold_has_a_higher_youden_index(
    positives: list[float], negatives: list[float]
) -> None:
    """The choice reaches its stated index, and no other threshold reaches more."""
    choice = youden_threshold(positives, negatives)

    def index(threshold: float) -> float:
        hits, alarms = counted(positives, negatives, threshold)
        return hits / len(positives) - alarms / len(negatives)

    best = max(index(t) for t in EVERY)
    if best < 1e-9:
        assert (choice.threshold, choice.score) == (0.5, None)
        assert "no threshold is better than chance" in choice.rule
    else:
        assert choice.score == pytest.approx(best)
        assert index(choice.threshold) == pytest.approx(best)


@given(positives=SCORES, negatives=SCORES)
def test_no_threshold_is_more_accurate(positives: list[float], negatives: list[float]) -> None:
    """Answering one thing always is among the choices."""
    choice = accuracy_threshold(positives, negatives)

    def accuracy(threshold: float) -> float:
        hits, alarms = counted(positives, negatives, threshold)
        return (hits + len(negatives) - alarms) / (len(positives) + len(negatives))

    assert choice.score == pytest.approx(max(accuracy(t) for t in EVERY))
    assert accuracy(choice.threshold) == pytest.approx(choice.score)


def test_the_two_rules_differ_where_one_class_is_rare() -> None:
    """Accuracy gives up one present case for three absent ones, the Youden index does not."""
    positives, negatives = [0.3, 0.9], [0.1] * 6 + [0.4] * 3
    assert youden_threshold(positives, negatives).threshold == pytest.approx(0.2)
    assert accuracy_threshold(positives, negatives).threshold == pytest.approx(0.65)


def test_ties_take_the_middle_of_the_widest_range() -> None:
    """Classes parted by a gap are cut in its middle; of two equal gaps' ranges the wider wins."""
    assert youden_threshold([0.9, 1.0], [0.1, 0.3]).threshold == pytest.approx(0.6)
    assert youden_threshold([0.9, 0.3], [0.8, 0.1]).threshold == pytest.approx(0.2)


def test_neighbouring_numbers_are_told_apart() -> None:
    """Between two adjacent numbers the threshold falls on the upper one."""
    high = float(np.nextafter(0.5, 1))
    choice = youden_threshold([high], [0.5])
    assert (choice.threshold, choice.score) == (high, 1.0)


def test_rules_are_named_and_say_what_they_did() -> None:
    """The rule is a sentence with the number of cases, for each name that can be asked for."""
    rules = {name: choose([0.9], [0.1]).rule for name, choose in THRESHOLD_RULES.items()}
    assert rules == {
        "youden": "the highest Youden index of 2 cases, over every threshold",
        "best_accuracy": "the highest accuracy of 2 cases, over every threshold",
    }


@pytest.mark.parametrize("choose", THRESHOLD_RULES.values(), ids=THRESHOLD_RULES.keys())
def test_nothing_is_chosen_without_both_classes(choose) -> None:
    """With one class the threshold is 0.5 and the rule says that it was not chosen."""
    assert choose([0.9], []).rule == "threshold 0.5, not chosen: none of 1 case is absent"
    assert choose([], [0.9, 0.1]).rule == "threshold 0.5, not chosen: none of 2 cases is present"
    assert choose([0.9], []).threshold == 0.5
    assert choose([0.9], []).score is None


def test_what_cannot_be_used_is_refused() -> None:
    """No case, NaN, and a specificity that is none are errors."""
    with pytest.raises(ValueError, match="at least one case, found none"):
        youden_threshold([], [])
    with pytest.raises(ValueError, match="negatives: expected numbers, found NaN"):
        accuracy_threshold([0.5], [np.nan])
    for wrong in (0.0, 1.1):
        with pytest.raises(ValueError, match=r"wanted: expected a specificity .* found"):
            at_specificity([0.5], [0.5], wrong)
