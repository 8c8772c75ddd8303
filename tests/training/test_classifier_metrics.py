from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from delineate.training.settings import WATCHED_BY_TASK
from delineate.training.validate import CLASSIFIER_METRICS, image_cross_entropy

CASES = [(0.9, True), (0.4, True), (0.4, False), (0.1, False)]


def test_every_watched_metric_is_there():
    """What a recipe may watch of a classifier and what can be reckoned are the same."""
    assert tuple(CLASSIFIER_METRICS) == WATCHED_BY_TASK["classify"]


def test_counted_by_hand():
    """Of four pairs three are in order and one is tied; one of four is missed at 0.5."""
    assert CLASSIFIER_METRICS["roc_auc"](CASES) == 3.5 / 4
    assert CLASSIFIER_METRICS["accuracy"](CASES) == 3 / 4
    mean = np.mean(np.log([0.9, 0.4, 0.6, 0.9]))
    assert CLASSIFIER_METRICS["cross_entropy"](CASES) == pytest.approx(mean)


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=2, max_size=40).filter(
        lambda cases: len({is_present for _, is_present in cases}) == 2
    )
)
def test_scikit_learn_agrees(cases):
    """Ranking, accuracy and cross-entropy are those of scikit-learn."""
    probability, truth = map(np.array, zip(*cases, strict=True))
    assert CLASSIFIER_METRICS["roc_auc"](cases) == pytest.approx(roc_auc_score(truth, probability))
    accuracy = accuracy_score(truth, probability >= 0.5)
    assert CLASSIFIER_METRICS["accuracy"](cases) == pytest.approx(accuracy)
    loss = log_loss(truth, probability, labels=[False, True])
    assert CLASSIFIER_METRICS["cross_entropy"](cases) == pytest.approx(-loss)


def test_certainty_in_the_wrong_costs_much_but_not_infinitely():
    """A verdict of 0 or 1 has a finite cross-entropy, near nothing where it is right."""
    assert image_cross_entropy(0.0, False) == 0
    assert image_cross_entropy(1.0, True) == 0
    assert image_cross_entropy(1.0, False) == pytest.approx(-np.log(1e-7))
    assert image_cross_entropy(0.25, True) == pytest.approx(-np.log(0.25))
