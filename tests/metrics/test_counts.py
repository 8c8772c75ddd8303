"""Pixels are counted by what truth and prediction say of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix

from delineate.core.errors import SizeMismatchError
from delineate.metrics.counts import Counts, confusion, count, one_against_rest

MASKS = arrays(np.bool_, (5, 4))


def test_counts_by_hand() -> None:
    """One hit, one false alarm, two misses and two rightly empty pixels are told apart."""
    truth = np.array([[1, 1, 0], [0, 1, 0]], bool)
    prediction = np.array([[1, 0, 1], [0, 0, 0]], bool)
    assert count(truth, prediction) == Counts(tp=1, fp=1, fn=2, tn=2)


def test_pixels_outside_the_region_do_not_count() -> None:
    """Only the pixels of the region are counted."""
    truth = np.array([[1, 1, 0], [0, 1, 0]], bool)
    prediction = np.array([[1, 0, 1], [0, 0, 0]], bool)
    region = np.array([[1, 0, 1], [0, 0, 0]], bool)
    assert count(truth, prediction, region) == Counts(tp=1, fp=1, fn=0, tn=0)


@given(MASKS, MASKS)
def test_counts_agree_with_scikit_learn(truth: np.ndarray, prediction: np.ndarray) -> None:
    """The four counts are those of scikit-learn's confusion matrix, degenerate masks included."""
    tn, fp, fn, tp = confusion_matrix(truth.ravel(), prediction.ravel(), labels=[0, 1]).ravel()
    assert count(truth, prediction) == Counts(tp, fp, fn, tn)


@given(MASKS, MASKS)
def test_counts_add_up_over_parts(truth: np.ndarray, prediction: np.ndarray) -> None:
    """The counts of two halves sum to the counts of the whole."""
    upper, lower = slice(0, 2), slice(2, None)
    parts = count(truth[upper], prediction[upper]) + count(truth[lower], prediction[lower])
    assert parts == count(truth, prediction)
    assert parts.total_px == truth.size
    assert parts.truth_px == truth.sum()
    assert parts.prediction_px == prediction.sum()


def test_labels_instead_of_masks_are_refused() -> None:
    """An integer array is no mask: which class is meant must be said."""
    with pytest.raises(TypeError, match="prediction: expected a boolean mask, found uint8"):
        count(np.zeros((2, 2), bool), np.zeros((2, 2), np.uint8))


def test_other_sizes_are_refused() -> None:
    """Arrays of different sizes are never compared, and the message names both sizes."""
    with pytest.raises(SizeMismatchError, match=r"prediction: expected .*\(2, 2\).*\(1, 2\)"):
        count(np.zeros((2, 2), bool), np.zeros((1, 2), bool))


LABELS = arrays(np.uint8, (5, 4), elements=st.integers(0, 3))


@given(LABELS, LABELS)
def test_confusion_agrees_with_scikit_learn(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Rows are true classes, columns predicted ones, absent classes included."""
    theirs = confusion_matrix(truth.ravel(), prediction.ravel(), labels=range(4))
    assert np.array_equal(confusion(truth, prediction, 4), theirs)


@given(LABELS, LABELS, st.integers(0, 3))
def test_one_class_against_the_rest(truth: np.ndarray, prediction: np.ndarray, label: int) -> None:
    """The counts of one class are those of its two masks."""
    matrix = confusion(truth, prediction, 4)
    assert one_against_rest(matrix, label) == count(truth == label, prediction == label)
