"""Differences of two ways to answer the same cases."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.evaluation.pairing import paired_difference


def test_a_difference_of_every_case_is_told_from_none() -> None:
    """Twelve subjects who all gain have an interval above zero."""
    first = np.linspace(0.1, 0.6, 12)
    found = paired_difference(first + np.linspace(0.1, 0.3, 12), first, range(12), seed=0)
    assert found.value == pytest.approx(0.2)
    assert found.interval.low is not None
    assert 0.1 < found.interval.low < 0.2
    assert found.is_distinguishable is True


def test_gains_that_losses_outweigh_are_not_distinguishable() -> None:
    """An interval that holds zero says so."""
    first = np.zeros(12)
    found = paired_difference(np.array([0.3, -0.3] * 6), first, range(12), seed=0)
    assert found.value == pytest.approx(0.0)
    assert found.to_document()["is_distinguishable"] is False


def test_images_of_few_subjects_have_no_interval() -> None:
    """Forty images of nine subjects are nine, and nothing is said of zero."""
    groups = [place % 9 for place in range(40)]
    found = paired_difference(np.ones(40), np.zeros(40), groups, seed=0)
    document = found.to_document()
    assert (document["value"], document["is_distinguishable"], document["low"]) == (1.0, None, None)
    assert document["why_no_interval"] == "no interval from 9 subjects; at least 10 are needed"


def test_the_better_of_each_pair_counts_and_not_the_spread() -> None:
    """Cases that differ much, each with the same small gain, are told apart by pairing."""
    hard = np.linspace(0.0, 0.9, 20)
    found = paired_difference(hard + 0.01, hard, range(20), seed=0)
    assert found.interval.low == pytest.approx(0.01)
    assert found.is_distinguishable is True
