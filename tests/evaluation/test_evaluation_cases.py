"""A prediction that cannot be scored says why, and never becomes a guess."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import IGNORE, default_classes
from delineate.evaluation.cases import Prediction, ScoredCase, answer

TRUTH = np.zeros((2, 3), np.uint8)
BINARY, THREE = default_classes(2), default_classes(3)


def case(**fields: object) -> ScoredCase:
    """One case with the empty truth of one observer."""
    return ScoredCase(id="a", subject=None, truths={"observer 1": TRUTH}, **fields)


def test_labels_come_from_the_threshold_when_none_are_given() -> None:
    """A probability at the threshold is foreground."""
    probability = np.array([[[0.1, 0.4, 0.5], [0.6, 0.9, 0.0]]], np.float32)
    found = answer(case(probability=probability), BINARY, 0.5)
    assert isinstance(found, Prediction)
    assert found.labels.tolist() == [[0, 0, 1], [1, 1, 0]]


def test_given_labels_win_over_the_threshold() -> None:
    """What a postprocessing decided is scored, while the probabilities are ranked."""
    probability = np.ones((1, 2, 3), np.float32)
    found = answer(case(probability=probability, labels=TRUTH), BINARY, 0.5)
    assert isinstance(found, Prediction)
    assert found.labels.sum() == 0
    assert found.probability is probability


@pytest.mark.parametrize(
    ("fields", "classes", "failure"),
    [
        ({}, BINARY, "no prediction"),
        ({"failure": "out of memory"}, BINARY, "out of memory"),
        ({"labels": np.zeros((3, 3), np.uint8)}, BINARY, "size (2, 3), found (3, 3)"),
        ({"labels": TRUTH + 2}, BINARY, "expected classes below 2, found 2"),
        ({"labels": TRUTH + IGNORE}, BINARY, "must decide every pixel"),
        ({"probability": np.zeros((1, 4, 4), np.float32)}, BINARY, "found (4, 4)"),
        ({"probability": np.zeros((1, 2, 3), np.float32)}, THREE, "with 3 channels"),
        ({"probability": np.full((1, 2, 3), np.nan, np.float32)}, BINARY, "found NaN"),
        ({"probability": np.full((1, 2, 3), 7, np.float32)}, BINARY, "found 7 to 7"),
    ],
)
def test_what_cannot_be_scored_is_a_failure_in_words(
    fields: dict, classes: tuple, failure: str
) -> None:
    """Wrong sizes, channels, classes and values fail the case with what was expected."""
    found = answer(case(**fields), classes, 0.5)
    assert isinstance(found, str)
    assert failure in found
