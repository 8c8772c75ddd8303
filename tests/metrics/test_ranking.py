"""ROC AUC and average precision are exact, ties and degenerate cases included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as oracle

from delineate.metrics.ranking import average_precision, pr_curve, rank, roc_auc, roc_curve

# Few levels, so that ties within and between the classes are common.
LEVELS = st.sampled_from([np.float32(v) for v in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)])
SCORES = arrays(np.float32, st.integers(1, 30), elements=LEVELS)


def joined(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores as scikit-learn wants them."""
    labels = np.r_[np.ones(positive.size), np.zeros(negative.size)]
    return labels, np.r_[positive, negative]


def test_auc_by_hand() -> None:
    """Of four pairs three are won and one is a tie: seven eighths."""
    assert roc_auc([0.9, 0.5], [0.5, 0.1]).value == 0.875


def test_average_precision_by_hand() -> None:
    """Recall steps by a half at precision 1 and by a half at precision 2/3."""
    assert average_precision([0.9, 0.3], [0.5]).value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@given(SCORES, SCORES)
def test_exact_as_scikit_learn(positive: np.ndarray, negative: np.ndarray) -> None:
    """Both areas are scikit-learn's to rounding, whichever class is larger."""
    labels, scores = joined(positive, negative)
    assert roc_auc(positive, negative).value == pytest.approx(
        oracle.roc_auc_score(labels, scores), abs=1e-12
    )
    assert average_precision(positive, negative).value == pytest.approx(
        oracle.average_precision_score(labels, scores), abs=1e-12
    )


def test_many_float32_scores_agree_with_scikit_learn() -> None:
    """On continuous scores with a rare class both areas agree to 1e-12."""
    random = np.random.default_rng(0)
    positive = random.beta(4, 2, 3_000).astype(np.float32)
    negative = random.beta(2, 5, 40_000).astype(np.float32)
    labels, scores = joined(positive, negative)
    assert roc_auc(positive, negative).value == pytest.approx(
        oracle.roc_auc_score(labels, scores), abs=1e-12
    )
    assert average_precision(positive, negative).value == pytest.approx(
        oracle.average_precision_score(labels, scores), abs=1e-12
    )


@given(SCORES, SCORES)
def test_exchanging_the_classes_mirrors_the_auc(positive: np.ndarray, negative: np.ndarray) -> None:
    """The AUC of exchanged classes is one minus the AUC."""
    there, back = roc_auc(positive, negative).value, roc_auc(negative, positive).value
    assert there + back == pytest.approx(1.0, abs=1e-12)


@given(SCORES, SCORES, st.randoms(use_true_random=False))
def test_only_the_order_of_scores_counts(
    positive: np.ndarray, negative: np.ndarray, random: object
) -> None:
    """Shuffling pixels or stretching scores monotonically changes nothing."""
    auc, precision = roc_auc(positive, negative), average_precision(positive, negative)
    assert roc_auc(positive[::-1], negative[::-1]) == auc
    assert roc_auc(positive**3 + 2, negative**3 + 2) == auc
    assert average_precision(positive[::-1] * 4, negative * 4) == precision


def test_a_constant_score_is_chance() -> None:
    """Equal scores everywhere give an AUC of one half and the prevalence as precision."""
    assert roc_auc(np.zeros(3), np.zeros(9)).value == 0.5
    assert average_precision(np.zeros(3), np.zeros(9)).value == 0.25


def test_a_lacking_class_is_undefined() -> None:
    """Without foreground neither has a value; without background only the AUC has none."""
    assert roc_auc([], [0.3]).why_undefined == "roc_auc: the truth holds no foreground"
    assert roc_auc([0.3], []).why_undefined == "roc_auc: the truth holds no background"
    assert average_precision([], [0.3]).value is None
    assert average_precision([0.3, 0.2], []).value == 1.0
    assert roc_curve([], [0.3]) is None
    assert pr_curve([], [0.3]) is None


def test_difference_scikit_learn_warns_where_a_class_is_lacking() -> None:
    """Of one class alone scikit-learn makes NaN and 0 with warnings; ours have no value."""
    with pytest.warns(UserWarning, match="Only one class is present"):
        assert np.isnan(oracle.roc_auc_score([0, 0], [0.1, 0.2]))
    with pytest.warns(UserWarning, match="No positive class"):
        assert oracle.average_precision_score([0, 0], [0.1, 0.2]) == 0.0
    assert roc_auc([], [0.1, 0.2]).value is None
    assert average_precision([], [0.1, 0.2]).value is None


def test_difference_scikit_learn_starts_the_pr_curve_at_an_invented_point() -> None:
    """scikit-learn appends recall 0 at precision 1; our first point is the highest score's."""
    precision, recall, _ = oracle.precision_recall_curve([0, 1], [0.9, 0.3])
    assert (recall[-1], precision[-1]) == (0.0, 1.0)
    ours = pr_curve([0.3], [0.9])
    assert (ours.x[0], ours.y[0]) == (0.0, 0.0)


def test_scores_that_are_no_numbers_are_refused() -> None:
    """NaN among the scores is an error that names the class, not a rank."""
    with pytest.raises(ValueError, match="negative_scores: expected numbers, found NaN"):
        rank([0.5], [np.nan, 0.1])


def test_arguments_are_left_as_they_are() -> None:
    """Sorting happens in a copy."""
    positive = np.array([0.9, 0.1], np.float32)
    roc_auc(positive, positive)
    assert positive.tolist() == pytest.approx([0.9, 0.1])


@given(SCORES, SCORES)
def test_a_short_curve_is_the_full_curve(positive: np.ndarray, negative: np.ndarray) -> None:
    """With few distinct scores the curve holds every threshold, and its area is the AUC."""
    curve = roc_curve(positive, negative)
    assert oracle.auc(curve.x, curve.y) == pytest.approx(roc_auc(positive, negative).value)
    precision, recall, _ = oracle.precision_recall_curve(*joined(positive, negative))
    ours = pr_curve(positive, negative)
    assert ours.x == pytest.approx(recall[:-1][::-1])
    assert ours.y == pytest.approx(precision[:-1][::-1])


def test_a_long_curve_is_thinned_with_its_ends() -> None:
    """Many distinct scores leave at most 1000 points, on the curve, from corner to corner."""
    random = np.random.default_rng(1)
    positive = random.normal(1, 1, 5_000)
    negative = random.normal(0, 1, 20_000)
    curve = roc_curve(positive, negative)
    assert 900 < curve.x.size <= 1000
    assert (curve.x[0], curve.y[0]) == (0, 0)
    assert (curve.x[-1], curve.y[-1]) == (1, 1)
    assert np.all(np.diff(curve.x) >= 0)
    assert np.all(np.diff(curve.y) >= 0)
    assert oracle.auc(curve.x, curve.y) == pytest.approx(
        roc_auc(positive, negative).value, abs=1e-4
    )
    middle = curve.threshold[500]
    assert curve.y[500] == (positive >= middle).mean()
    precise = pr_curve(positive, negative)
    assert precise.x.size <= 1000
    assert precise.x[-1] == 1
    assert precise.y[-1] == 0.2
