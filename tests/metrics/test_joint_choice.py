"""Gate threshold, mask threshold and minimum area, chosen together."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.metrics.joint_choice import Outcomes, Point, choose, cross_fitted, reached
from delineate.metrics.mask_grid import MaskGrid
from delineate.metrics.operating_settings import CostSettings, OperatingSettings

ONE = MaskGrid((0.5,), (0,))
TWO = MaskGrid((0.3, 0.6), (0, 9))
KAGGLE = OperatingSettings()
NO_COST = CostSettings()


def _outcomes(dice, is_positive, presence, grid=ONE, **more):
    """Of one point of the grid where `dice` has one number an image."""
    dice = np.array(dice, np.float32).reshape(len(is_positive), *_shape(grid))
    gate = None if presence is None else np.array(presence, np.float64)
    return Outcomes(grid, dice, np.array(is_positive, bool), gate, **more)


def _shape(grid):
    return len(grid.thresholds), len(grid.minimum_areas_px)


def test_a_gate_shuts_out_false_alarms():
    """Counted by hand: the marked image without anything to find stays shut, the found one open."""
    outcomes = _outcomes([0.8, 0.0, 1.0], [True, False, False], [0.9, 0.4, 0.1])
    point = choose(outcomes, KAGGLE)
    assert point == Point(pytest.approx(0.65), 0.5, 0)  # the middle of 0.4 to 0.9
    found = reached(outcomes, point, NO_COST)
    assert found.kaggle_dice == pytest.approx((0.8 + 1 + 1) / 3)
    assert (found.sensitivity, found.false_alarm_rate) == (1.0, 0.0)
    assert found.share_segmented == pytest.approx(1 / 3)


def test_without_a_gate_all_are_segmented():
    """There is no threshold of a gate, and its time is spent on every image."""
    outcomes = _outcomes([0.8, 0.0, 1.0], [True, False, False], None)
    point = choose(outcomes, KAGGLE)
    assert point.gate_threshold is None
    found = reached(outcomes, point, NO_COST)
    assert found.kaggle_dice == pytest.approx(1.8 / 3)
    assert (found.false_alarm_rate, found.share_segmented) == (0.5, 1.0)


def test_the_three_are_chosen_together():
    """A mask threshold that is worse alone wins where the gate takes its false alarms away."""
    dice = np.zeros((3, 2, 2))
    dice[:, 0] = np.array([0.9, 0.0, 0.0])[:, None]  # finds more, and marks what is empty
    dice[:, 1] = np.array([0.5, 1.0, 1.0])[:, None]
    is_positive = [True, False, False]
    alone = choose(_outcomes(dice, is_positive, None, TWO), KAGGLE)
    behind = choose(_outcomes(dice, is_positive, [0.9, 0.2, 0.3], TWO), KAGGLE)
    assert alone == Point(None, 0.6, 0)
    assert (behind.threshold, behind.gate_threshold) == (0.3, pytest.approx(0.6))


def test_a_head_saves_no_time():
    """Where the gate sees the segmenter's output every image has been segmented."""
    outcomes = _outcomes([0.8, 0.0], [True, False], [0.9, 0.1], always_segments=True)
    found = reached(outcomes, Point(0.5, 0.5, 0), CostSettings(segmented=2.0))
    assert found.share_segmented == 1.0
    assert found.cost == pytest.approx((0.2 + 2 + 2) / 2)


def test_costs_are_those_stated():
    """Counted by hand: a miss, a false alarm, an outline, and two runs of the segmenter."""
    costs = CostSettings(miss=10, false_alarm=3, outline=2, segmented=0.5)
    outcomes = _outcomes([0.75, 0.9, 0.0], [True, True, False], [0.9, 0.2, 0.7])
    found = reached(outcomes, Point(0.5, 0.5, 0), costs)
    assert found.cost == pytest.approx((2 * 0.25 + 0.5 + 10 + 3 + 0.5) / 3)


def test_dear_misses_open_the_gate():
    """The same images: cheap misses shut the gate on a doubtful one, dear ones open it."""
    outcomes = _outcomes([0.9, 0.3, 0.0, 0.0], [True, True, False, False], [0.9, 0.3, 0.4, 0.1])
    dear, cheap = (
        OperatingSettings(objective="cost", costs=CostSettings(miss=miss)) for miss in (10, 0.5)
    )
    assert choose(outcomes, dear).gate_threshold == pytest.approx(0.2)
    assert choose(outcomes, cheap).gate_threshold == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("rate", "threshold", "sensitivity"),
    [(0.0, 0.75, 1 / 3), (0.5, 0.3, 2 / 3), (0.49, 0.75, 1 / 3), (1.0, 0.05, 1.0)],
)
def test_sensitivity_keeps_the_rate(rate, threshold, sensitivity):
    """As many are found as the false alarms allow: none, one or both of two."""
    outcomes = _outcomes([0.8, 0.5, 0.2, 0.0, 0.0], [1, 1, 1, 0, 0], [0.9, 0.4, 0.1, 0.6, 0.2])
    settings = OperatingSettings(objective="sensitivity", false_alarm_rate=rate)
    point = choose(outcomes, settings)
    assert point.gate_threshold == pytest.approx(threshold)
    found = reached(outcomes, point, NO_COST)
    assert found.score(settings) == found.sensitivity == pytest.approx(sensitivity)
    assert found.false_alarm_rate <= rate


def test_a_rate_that_cannot_be_kept_takes_the_fewest_alarms():
    """Without a gate every point marks empty images: the one that marks fewest is taken."""
    dice = np.zeros((3, 2, 2))
    dice[0] = 0.7
    dice[1, 1] = 1.0
    outcomes = _outcomes(dice, [1, 0, 0], None, TWO)
    settings = OperatingSettings(objective="sensitivity", false_alarm_rate=0.0)
    point = choose(outcomes, settings)
    assert point == Point(None, 0.6, 0)
    assert reached(outcomes, point, NO_COST).false_alarm_rate == 0.5


def test_equal_sensitivity_goes_by_dice():
    """Of two thresholds that find the same images the one of better outlines is taken."""
    dice = np.empty((2, 2, 2))
    dice[:, 0], dice[:, 1] = 0.8, 0.4
    outcomes = _outcomes(dice, [1, 1], [0.5, 0.6], TWO)
    assert choose(outcomes, OperatingSettings(objective="sensitivity")).threshold == 0.3


def test_equal_points_take_the_plainest():
    """Nearest to 0.5, no minimum area, and the middle of all gate thresholds that are alike."""
    outcomes = _outcomes(np.full((2, 2, 2), 0.5), [1, 1], [0.5, 0.5], TWO)
    assert choose(outcomes, KAGGLE) == Point(pytest.approx(0.25), 0.6, 0)


def _by_trying(outcomes, settings):
    """The best score of every point that a search one by one comes upon."""
    gates = [0.0, *outcomes.presence, 2.0]
    found = [
        reached(outcomes, Point(*point), settings.costs)
        for point in product(gates, outcomes.grid.thresholds, outcomes.grid.minimum_areas_px)
    ]
    if settings.objective == "cost":
        return min(each.cost for each in found)
    if settings.objective == "kaggle_dice":
        return max(each.kaggle_dice for each in found)
    rate = settings.false_alarm_rate
    kept = [each for each in found if (each.false_alarm_rate or 0) <= rate + 1e-9]
    return max(each.sensitivity or 0 for each in kept)


@given(
    dice=arrays(np.uint8, (6, 2, 2), elements=st.integers(0, 4)),
    is_positive=arrays(np.bool_, 6),
    presence=arrays(np.uint8, 6, elements=st.integers(0, 3)),
    objective=st.sampled_from(["kaggle_dice", "sensitivity", "cost"]),
)
def test_equals_trying_every_point(dice, is_positive, presence, objective):
    """No point of the grid and no gate threshold beats the chosen one."""
    whole = np.where(is_positive[:, None, None], dice / 4, dice > 1)
    outcomes = _outcomes(whole, is_positive, presence / 3, TWO)
    costs = CostSettings(miss=3, false_alarm=1, outline=1, segmented=0.2)
    settings = OperatingSettings(objective=objective, false_alarm_rate=0.3, costs=costs)
    found = reached(outcomes, choose(outcomes, settings), costs).score(settings)
    assert (found or 0) == pytest.approx(_by_trying(outcomes, settings), abs=1e-7)


def test_each_fold_is_scored_at_the_choice_of_the_others():
    """Counted by hand: fold 2 would keep its own image open, and fold 1's choice shuts it."""
    outcomes = _outcomes([0.8, 0.0, 0.6, 1.0], [True, False, True, False], [0.9, 0.5, 0.4, 0.1])
    folds = np.array([1, 1, 2, 2])
    # On fold 2 the gate opens from 0.25, which lets fold 1's false alarm in; on fold 1 from 0.7,
    # which shuts fold 2's image out.
    found = cross_fitted(outcomes, folds, KAGGLE)
    assert found.kaggle_dice == pytest.approx((0.8 + 0 + 0 + 1) / 4)
    assert (found.sensitivity, found.false_alarm_rate) == (0.5, 0.5)
    itself = reached(outcomes, choose(outcomes, KAGGLE), NO_COST)
    assert itself.kaggle_dice > found.kaggle_dice


def test_wrong_input_is_refused():
    """No image, one fold, and a gate that diverged."""
    with pytest.raises(ValueError, match="at least one image"):
        choose(_outcomes(np.zeros((0, 1, 1)), [], []), KAGGLE)
    with pytest.raises(ValueError, match="gate diverged"):
        choose(_outcomes([0.5], [True], [np.nan]), KAGGLE)
    with pytest.raises(ValueError, match="expected two or more, found 1"):
        cross_fitted(_outcomes([0.5], [True], [0.5]), np.array([1]), KAGGLE)


def test_shares_of_nothing_have_no_value():
    """Without an image of a kind its share is None, and not 0."""
    found = reached(_outcomes([0.5], [True], None), Point(None, 0.5, 0), NO_COST)
    assert found.false_alarm_rate is None
    found = reached(_outcomes([1.0], [False], None), Point(None, 0.5, 0), NO_COST)
    assert found.sensitivity is None
