"""Clusters become the classes that make the best Dice."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.classical.matching import class_table, matched, mean_dice

COUNTS = arrays(np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.integers(0, 30))


def test_by_hand():
    """Two of three clusters are foreground: 2 * 14 / (14 + 6 + 15)."""
    counts = np.array([[90.0, 1.0], [4.0, 6.0], [2.0, 8.0]])
    assignment = matched(counts)
    assert assignment.tolist() == [0, 1, 1]
    assert mean_dice(counts, assignment) == pytest.approx(28 / 35)


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_two_classes_are_matched_as_well_as_can_be(counts):
    """No assignment of clusters has a higher Dice than the one that is found."""
    every = [mean_dice(counts, np.array(each)) for each in product((0, 1), repeat=len(counts))]
    assert mean_dice(counts, matched(counts)) == pytest.approx(max(every))


def test_a_rare_class_has_a_cluster():
    """By the most frequent class alone the second class would never be found."""
    counts = np.array([[900.0, 10.0, 5.0], [60.0, 500.0, 0.0], [40.0, 5.0, 30.0]])
    assert matched(counts).tolist() == [0, 1, 2]


def test_soft_shares_of_two_classes_are_what_was_counted():
    """Shares are those of the pixels; an empty cluster has those of all."""
    table = class_table(np.array([[3.0, 1.0], [0.0, 0.0]]), is_soft=True)
    assert table == ((0.75, 0.25), (0.75, 0.25))


def test_hard_tables_name_one_class():
    """Each row is 1 for one class."""
    table = class_table(np.array([[3.0, 1.0], [1.0, 3.0]]), is_soft=False)
    assert table == ((1.0, 0.0), (0.0, 1.0))
