"""Scores that training watches: of several classes, and of classes that overlap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from delineate.core.overlapping import is_class
from delineate.core.seeds import stream
from delineate.core.types import IGNORE
from delineate.training.validate import METRICS, WATCHED, cross_entropy, scores_of

CODES = np.array([[0b01, 0b11, 0b10, 0, IGNORE]], np.uint8)
SURE = np.array([[[0.9, 0.8, 0.1, 0.2, 0.7]], [[0.3, 0.6, 0.4, 0.1, 0.7]]], np.float32)


def softmax_cases(seed: int, count: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random probabilities of three classes with labels that follow them somewhat."""
    rng = stream(seed, "cases")
    cases = []
    for _ in range(count):
        raw = rng.random((3, 12, 14)).astype(np.float32) ** 3 + np.float32(0.001)
        labels = np.where(
            rng.random((12, 14)) < 0.5, raw.argmax(axis=0), rng.integers(0, 3, (12, 14))
        )
        labels[rng.random((12, 14)) < 0.1] = IGNORE
        cases.append((raw / raw.sum(axis=0), labels.astype(np.uint8)))
    return cases


def test_classes_that_overlap_by_hand() -> None:
    """Class 1 is found whole, class 2 in one of two pixels; ignored pixels say nothing."""
    case = (SURE, CODES)
    assert METRICS["pooled_dice"]([case], is_overlapping=True) == pytest.approx((1 + 2 / 3) / 2)
    assert METRICS["mean_dice"]([case], is_overlapping=True) == pytest.approx((1 + 2 / 3) / 2)
    assert METRICS["pooled_roc_auc"]([case], is_overlapping=True) == pytest.approx(1)
    right = [0.9, 0.8, 0.9, 0.8, 0.7, 0.6, 0.4, 0.9]
    assert cross_entropy(*case, True) == pytest.approx(-np.log(right).mean())
    assert WATCHED["cross_entropy"]([case], is_overlapping=True) == -cross_entropy(*case, True)


def test_meanings_of_labels_are_told_apart() -> None:
    """The same arrays mean other things to classes of which each pixel has one."""
    probability = np.array([[[0.6, 0.1]], [[0.3, 0.2]]], np.float32)
    labels = np.array([[1, 0]], np.uint8)
    assert METRICS["pooled_dice"]([(probability, labels)], is_overlapping=True) == 1
    assert METRICS["pooled_dice"]([(probability, labels)]) == 0


@pytest.mark.parametrize("seed", range(3))
def test_several_classes_agree_with_scikit_learn(seed: int) -> None:
    """Pooled Dice is the macro F1, the area one class against the rest."""
    cases = softmax_cases(seed)
    truth = np.concatenate([labels.ravel() for _, labels in cases])
    scores = np.concatenate([p.reshape(3, -1) for p, _ in cases], axis=1)[:, truth != IGNORE]
    truth = truth[truth != IGNORE]
    f1 = f1_score(truth, scores.argmax(axis=0), labels=[1, 2], average="macro")
    assert METRICS["pooled_dice"](cases) == pytest.approx(f1)
    areas = [roc_auc_score(truth == index, scores[index]) for index in (1, 2)]
    assert METRICS["pooled_roc_auc"](cases) == pytest.approx(np.mean(areas))
    one = cases[0]
    known = one[1] != IGNORE
    shares = one[0][:, known].T.astype(float)
    loss = log_loss(one[1][known], shares / shares.sum(axis=1, keepdims=True), labels=[0, 1, 2])
    assert cross_entropy(*one) == pytest.approx(loss, rel=1e-5)


@given(st.integers(0, 50))
def test_classes_that_overlap_agree_with_each_by_itself(seed: int) -> None:
    """Every score is the mean of what the binary task of each class has."""
    rng = stream(seed, "codes")
    cases = [
        (
            rng.random((3, 8, 9)).astype(np.float32),
            np.where(rng.random((8, 9)) < 0.1, IGNORE, rng.integers(0, 8, (8, 9))).astype(np.uint8),
        )
        for _ in range(2)
    ]
    found = scores_of(WATCHED, cases, is_overlapping=True)
    for name, metric in WATCHED.items():
        each = []
        for index in (1, 2, 3):
            own = [
                (
                    p[index - 1 : index],
                    np.where(c == IGNORE, IGNORE, is_class(c, index, is_overlapping=True)),
                )
                for p, c in cases
            ]
            each.append(metric([(p, labels.astype(np.uint8)) for p, labels in own]))
        assert found[name] == pytest.approx(np.mean(each)), name


def test_several_scores_in_one_pass_are_those_of_each() -> None:
    """A generator can be gone through once, and gives every score."""
    cases = softmax_cases(7)
    found = scores_of(METRICS, iter(cases))
    assert found == {name: metric(cases) for name, metric in METRICS.items()}


def test_an_area_without_one_of_two_sides_is_the_worst() -> None:
    """Where no pixel is of any class there is nothing to rank, and no score to show."""
    nothing = np.zeros((2, 2), np.uint8)
    for channels in (1, 3):
        probability = np.full((channels, 2, 2), 1 / channels, np.float32)
        assert METRICS["pooled_roc_auc"]([(probability, nothing)]) == 0
        assert scores_of(METRICS, [(probability, nothing)])["pooled_roc_auc"] is None
