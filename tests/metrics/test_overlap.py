"""Scores of hard masks agree with hand counts, scikit-learn and MONAI, or say why not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import ConfusionMatrixMetric, DiceMetric, compute_dice, compute_iou
from sklearn import metrics as oracle

from delineate.metrics import overlap
from delineate.metrics.counts import Counts, count

MASKS = arrays(np.bool_, (4, 6))
NAMES = tuple(overlap.RATIOS)
EMPTY, FULL = np.zeros((4, 6), bool), np.ones((4, 6), bool)
HALF = np.arange(24).reshape(4, 6) < 12
DEGENERATE = {
    "empty truth": (EMPTY, HALF),
    "empty prediction": (HALF, EMPTY),
    "both empty": (EMPTY, EMPTY),
    "truth all foreground": (FULL, HALF),
    "prediction all foreground": (HALF, FULL),
    "both all foreground": (FULL, FULL),
}
degenerate = pytest.mark.parametrize(
    ("truth", "prediction"), DEGENERATE.values(), ids=DEGENERATE.keys()
)
SCIKIT = {
    "dice": lambda t, p: oracle.f1_score(t, p, zero_division=np.nan),
    "iou": lambda t, p: oracle.jaccard_score(t, p, zero_division=0),
    "sensitivity": lambda t, p: oracle.recall_score(t, p, zero_division=np.nan),
    "specificity": lambda t, p: oracle.recall_score(t, p, pos_label=0, zero_division=np.nan),
    "precision": lambda t, p: oracle.precision_score(t, p, zero_division=np.nan),
    "accuracy": oracle.accuracy_score,
}


def as_monai(mask: np.ndarray) -> torch.Tensor:
    """(1, 1, H, W) float, as MONAI's metrics want it."""
    return torch.from_numpy(mask)[None, None].float()


def test_scores_by_hand() -> None:
    """Six scores of one hand-counted case are the fractions on paper."""
    counts = Counts(tp=6, fp=2, fn=4, tn=8)
    assert overlap.dice(counts).value == pytest.approx(12 / 18)
    assert overlap.iou(counts).value == 0.5
    assert overlap.sensitivity(counts).value == 0.6
    assert overlap.specificity(counts).value == 0.8
    assert overlap.precision(counts).value == 0.75
    assert overlap.accuracy(counts).value == 0.7


def test_half_overlap_scores_one_half() -> None:
    """Two masks of equal area that share half of it have a Dice of one half."""
    truth, prediction = np.array([[1, 1, 0]], bool), np.array([[0, 1, 1]], bool)
    assert overlap.dice(count(truth, prediction)).value == 0.5


@pytest.mark.parametrize(
    ("name", "counts", "reason"),
    [
        ("sensitivity", Counts(fp=3, tn=1), "sensitivity: the truth holds no foreground"),
        ("specificity", Counts(tp=3, fn=1), "specificity: the truth holds no background"),
        ("precision", Counts(fn=3, tn=1), "precision: the prediction holds no foreground"),
        ("dice", Counts(tn=4), "dice: truth and prediction hold no foreground"),
        ("iou", Counts(tn=4), "iou: truth and prediction hold no foreground"),
        ("accuracy", Counts(), "accuracy: no pixel counts"),
    ],
)
def test_undefined_scores_say_why(name: str, counts: Counts, reason: str) -> None:
    """A score whose divisor is zero has no value, not zero, and names the reason."""
    score = overlap.overlap(name, counts)
    assert score.value is None
    assert score.why_undefined == reason
    assert str(score) == f"undefined ({reason})"


def test_empty_rule_is_explicit() -> None:
    """Where both are empty Dice and IoU take the value that the caller's rule gives."""
    both_empty = Counts(tn=9)
    for score in (overlap.dice, overlap.iou):
        assert score(both_empty).value == 1.0
        assert score(both_empty, when_both_empty=0.0).value == 0.0
        assert score(both_empty, when_both_empty=None).value is None


def test_an_image_without_counting_pixels_has_no_dice() -> None:
    """The rule for empty masks does not hide that a region left no pixel to count."""
    assert overlap.dice(Counts(), when_both_empty=1.0).why_undefined == "dice: no pixel counts"


@given(MASKS, MASKS)
def test_scores_agree_with_scikit_learn(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Every score with a value is scikit-learn's, and undefined just where its divisor is 0."""
    counts = count(truth, prediction)
    for name in NAMES:
        ours = overlap.overlap(name, counts).value
        if name == "iou" and counts.tp + counts.fp + counts.fn == 0:
            assert ours is None  # scikit-learn's jaccard_score knows no NaN
            continue
        theirs = SCIKIT[name](truth.ravel(), prediction.ravel())
        assert (ours is None) == bool(np.isnan(theirs))
        if ours is not None:
            assert ours == pytest.approx(theirs, abs=1e-12)


@given(MASKS, MASKS)
def test_dice_and_iou_agree_with_monai(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Asked to count empty truths, MONAI's Dice and IoU are ours with both empty as one."""
    counts = count(truth, prediction)
    dice = compute_dice(as_monai(prediction), as_monai(truth), ignore_empty=False).item()
    iou = compute_iou(as_monai(prediction), as_monai(truth), ignore_empty=False).item()
    assert overlap.dice(counts).value == pytest.approx(dice, abs=1e-6)
    assert overlap.iou(counts).value == pytest.approx(iou, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sensitivity", "sensitivity"),
        ("specificity", "specificity"),
        ("precision", "precision"),
        ("accuracy", "accuracy"),
    ],
)
@given(MASKS, MASKS)
def test_rates_agree_with_monai(
    name: str, theirs: str, truth: np.ndarray, prediction: np.ndarray
) -> None:
    """Where a rate has a value it is that of MONAI's confusion matrix."""
    metric = ConfusionMatrixMetric(metric_name=theirs, reduction="none")
    metric(as_monai(prediction), as_monai(truth))
    ours = overlap.overlap(name, count(truth, prediction)).value
    if ours is not None:
        assert ours == pytest.approx(metric.aggregate()[0].item(), abs=1e-6)


@degenerate
def test_degenerate_cases_agree_where_both_define_them(
    truth: np.ndarray, prediction: np.ndarray
) -> None:
    """Empty and full masks score as in scikit-learn and MONAI wherever there is a divisor."""
    counts = count(truth, prediction)
    for name in NAMES:
        ours = overlap.overlap(name, counts).value
        if ours is not None:
            assert ours == pytest.approx(SCIKIT[name](truth.ravel(), prediction.ravel()))
    monai = compute_dice(as_monai(prediction), as_monai(truth), ignore_empty=False).item()
    assert overlap.dice(counts).value == pytest.approx(monai)


def test_difference_monai_leaves_empty_truths_out() -> None:
    """MONAI's default drops a false alarm on an empty image; ours counts it zero."""
    metric = DiceMetric()
    metric(as_monai(HALF), as_monai(EMPTY))
    metric(as_monai(HALF), as_monai(HALF))
    assert metric.aggregate().item() == 1.0
    ours = [overlap.dice(count(EMPTY, HALF)).value, overlap.dice(count(HALF, HALF)).value]
    assert ours == [0.0, 1.0]


@pytest.mark.parametrize(
    ("name", "theirs", "truth", "prediction"),
    [
        ("sensitivity", oracle.recall_score, EMPTY, HALF),
        ("precision", oracle.precision_score, HALF, EMPTY),
        ("dice", oracle.f1_score, EMPTY, EMPTY),
        ("iou", oracle.jaccard_score, EMPTY, EMPTY),
    ],
)
def test_difference_scikit_learn_scores_zero_where_nothing_is_defined(
    name: str, theirs: object, truth: np.ndarray, prediction: np.ndarray
) -> None:
    """scikit-learn's default for an undefined score is 0 with a warning; ours has no value."""
    with pytest.warns(UserWarning, match="ill-defined"):
        assert theirs(truth.ravel(), prediction.ravel()) == 0.0
    assert overlap.overlap(name, count(truth, prediction)).value is None


@pytest.mark.parametrize(
    ("name", "truth", "prediction"),
    [
        ("sensitivity", EMPTY, HALF),
        ("specificity", FULL, HALF),
        ("precision", HALF, EMPTY),
    ],
)
def test_undefined_rates_are_not_a_number_in_monai(
    name: str, truth: np.ndarray, prediction: np.ndarray
) -> None:
    """Where a rate has no value here, MONAI's confusion matrix gives NaN without a reason."""
    metric = ConfusionMatrixMetric(metric_name=name, reduction="none")
    metric(as_monai(prediction), as_monai(truth))
    assert torch.isnan(metric.aggregate()[0]).all()
    assert overlap.overlap(name, count(truth, prediction)).value is None


@given(MASKS, MASKS)
def test_dice_and_iou_are_symmetric(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Exchanging truth and prediction changes neither Dice nor IoU, and swaps two others."""
    there, back = count(truth, prediction), count(prediction, truth)
    assert overlap.dice(there) == overlap.dice(back)
    assert overlap.iou(there) == overlap.iou(back)
    assert overlap.sensitivity(there).value == overlap.precision(back).value


@given(MASKS, MASKS, st.permutations(range(24)))
def test_scores_do_not_know_where_pixels_lie(
    truth: np.ndarray, prediction: np.ndarray, order: list[int]
) -> None:
    """Flips, turns and any other shuffle of both masks alike change no score."""
    counts = count(truth, prediction)
    assert count(truth[::-1, ::-1], prediction[::-1, ::-1]) == counts
    assert count(truth.ravel()[order], prediction.ravel()[order]) == counts


@given(MASKS, MASKS)
def test_scores_stay_in_range(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Every score lies in [0, 1], IoU never above Dice, and Dice = 2 IoU / (1 + IoU)."""
    counts = count(truth, prediction)
    values = {name: overlap.overlap(name, counts, when_both_empty=1.0).value for name in NAMES}
    assert all(value is None or 0.0 <= value <= 1.0 for value in values.values())
    assert values["dice"] == pytest.approx(2 * values["iou"] / (1 + values["iou"]))
