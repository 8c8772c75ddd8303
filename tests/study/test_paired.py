"""Two models on the same cases."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import default_classes
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.scoring import score_cases
from delineate.study.paired import paired


def evaluation(hits, subjects=None):
    """An evaluation whose case k hits so many of its ten foreground pixels and nothing else."""
    truth = np.zeros((4, 5), np.uint8)
    truth[:2] = 1
    cases = []
    for place, hit in enumerate(hits):
        labels = np.zeros(20, np.uint8)
        labels[:hit] = 1
        subject = subjects[place] if subjects else f"s{place}"
        cases.append(ScoredCase(f"c{place}", subject, {"1": truth}, labels=labels.reshape(4, 5)))
    return score_cases(cases, default_classes(2), 0.5, threshold_origin="given")


def test_means_and_difference():
    """Both means are those of the shared cases; a better second model has a positive difference."""
    found = paired(evaluation([10, 0]), evaluation([10, 10]), without=(), seed=0)
    assert (found.cases, found.first, found.second) == (2, 0.5, 1.0)
    assert found.difference.value == 0.5
    assert found.difference.is_distinguishable is None
    assert "no interval from 2 subjects" in str(found)


def test_cases_are_left_out():
    """Cases that leaked or were decided on do not count; without any left there is nothing."""
    first, second = evaluation([10, 0]), evaluation([10, 10])
    assert paired(first, second, without={"c1"}, seed=0).difference.value == 0
    assert paired(first, second, without={"c0", "c1"}, seed=0) is None


@pytest.mark.parametrize(("gain", "is_told"), [(0, False), (5, True)])
def test_an_interval_over_subjects(gain, is_told):
    """With ten subjects or more it is said whether the difference can be told from none."""
    first = evaluation([2 + k % 4 for k in range(12)])
    second = evaluation([2 + (k + 2) % 4 + gain for k in range(12)])
    found = paired(first, second, without=(), seed=0)
    assert found.difference.is_distinguishable is is_told
    assert ("not distinguishable" in str(found)) is not is_told
