"""Probabilities of whole images are held to what they say, as scikit-learn holds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from delineate.core.seeds import stream
from delineate.metrics.calibration import (
    BINS,
    brier_score,
    calibration_error,
    error_when_calibrated,
    reliability,
)

CASES = st.lists(
    st.tuples(st.floats(0, 1, allow_subnormal=False), st.booleans()), min_size=1, max_size=30
)


def split(cases: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    """Probabilities and truths apart."""
    return [one for one, _ in cases], [one for _, one in cases]


def test_hand_counted() -> None:
    """Four cases in two bins: gaps of 0.2 and 0.1, and squares of 0.04, 0.04, 0.81 and 0.01."""
    probability, truth = [0.8, 0.8, 0.9, 0.1], [True, True, False, False]
    assert brier_score(probability, truth).value == pytest.approx(0.9 / 4)
    # Two bins: (0.1 - 0) of one case and (0.8 + 0.8 + 0.9 - 2) of three.
    assert calibration_error(probability, truth, bins=2).value == pytest.approx(0.6 / 4)
    low, high = reliability(probability, truth, bins=2)
    assert (low.low, low.high, low.cases, low.share_present) == (0.0, 0.5, 1, 0.0)
    assert high.cases == 3
    assert high.mean_probability == pytest.approx(2.5 / 3)
    assert high.share_present == pytest.approx(2 / 3)


@given(cases=CASES)
def test_brier_score_equals_scikit_learn(cases: list[tuple[float, bool]]) -> None:
    """For any answers, those of one class too."""
    probability, truth = split(cases)
    expected = brier_score_loss(np.array(truth, int), probability, labels=[0, 1])
    assert brier_score(probability, truth).value == pytest.approx(expected)


@given(cases=CASES)
def test_bins_equal_scikit_learn(cases: list[tuple[float, bool]]) -> None:
    """The filled bins are the points of its calibration curve, those on an edge too."""
    probability, truth = split([*cases, (1 / BINS, True), (0.6, False)])
    share, mean = calibration_curve(truth, probability, n_bins=BINS)
    filled = [one for one in reliability(probability, truth) if one.cases]
    assert [one.share_present for one in filled] == pytest.approx(share.tolist())
    assert [one.mean_probability for one in filled] == pytest.approx(mean.tolist())


@given(cases=CASES)
def test_the_error_is_what_the_bins_show(cases: list[tuple[float, bool]]) -> None:
    """The mean gap between the two shares, by cases; from 0 to 1, and every case in one bin."""
    probability, truth = split(cases)
    bins = [one for one in reliability(probability, truth) if one.cases]
    assert sum(one.cases for one in bins) == len(cases)
    gaps = sum(one.cases * abs(one.mean_probability - one.share_present) for one in bins)
    error = calibration_error(probability, truth).value
    assert error == pytest.approx(gaps / len(cases), abs=1e-12)
    assert 0 <= error <= 1


@given(cases=CASES)
def test_neither_class_is_preferred(cases: list[tuple[float, bool]]) -> None:
    """Absent for present, and 1 - p for p: the squared error is the same."""
    probability, truth = split(cases)
    turned = brier_score([1 - one for one in probability], [not one for one in truth])
    assert turned.value == pytest.approx(brier_score(probability, truth).value, abs=1e-12)


def test_certain_and_right_or_wrong() -> None:
    """Certainty scores 0 where it is right and 1 where it is wrong."""
    truth = [True, False, True]
    right = [1.0, 0.0, 1.0]
    wrong = [0.0, 1.0, 0.0]
    for score in (brier_score, calibration_error):
        assert score(right, truth).value == 0
        assert score(wrong, truth).value == 1


def test_too_sure_of_one_answer_alone_is_an_error() -> None:
    """Calling half of each kind present at 0.9 is an error of 0.4; its bins say where."""
    error = calibration_error([0.9] * 10, [True] * 5 + [False] * 5)
    assert error.value == pytest.approx(0.4)


def test_nothing_is_undefined() -> None:
    """Without a case there is no figure, and the reason says so."""
    for score in (brier_score, calibration_error):
        assert score([], []).value is None
        assert "no case" in str(score([], []))
    assert error_when_calibrated([], seed=0) is None


def test_a_calibrated_model_shows_what_is_expected_of_it() -> None:
    """Truths drawn with their own probabilities: their mean error is the expected one."""
    draws = stream(4, "truths")
    probability = draws.random(80)
    errors = [calibration_error(probability, draws.random(80) < probability) for _ in range(400)]
    found = float(np.mean([one.value for one in errors]))
    expected = error_when_calibrated(probability, seed=0)
    assert expected == pytest.approx(found, rel=0.03)
    assert expected > 0.05  # chance alone is no small thing on 80 cases


def test_more_cases_leave_less_to_chance() -> None:
    """A hundred times the cases, a tenth of the error; certainty leaves nothing to chance."""
    probability = stream(5, "shares").random(60)
    few = error_when_calibrated(probability, seed=0)
    many = error_when_calibrated(np.tile(probability, 100), seed=0, simulations=50)
    assert many == pytest.approx(few / 10, rel=0.15)
    assert error_when_calibrated([0.0, 1.0, 1.0], seed=0) == 0


def test_what_is_no_probability_is_refused() -> None:
    """NaN, and numbers beyond 0 and 1, never make a figure; nor do truths too few."""
    for wrong in (np.nan, -0.1, 1.1):
        for score in (brier_score, calibration_error, reliability):
            with pytest.raises(ValueError, match="probability: expected numbers from 0 to 1"):
                score([0.5, wrong], [True, False])
    with pytest.raises(ValueError, match="one for each of 2 probabilities, found 1"):
        brier_score([0.5, 0.5], [True])
