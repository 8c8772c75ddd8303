"""What is kept of a case."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from delineate.auditing.soundness.case_facts import facts_of_case, is_constant
from delineate.core.types import IGNORE


def test_counts_are_those_inside_the_region():
    """Ignored pixels and those outside the region count nowhere."""
    labels = np.array([[0, 1, 1], [2, 2, IGNORE], [2, 0, 0]], np.uint8)
    region = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], bool)
    image = np.arange(9, dtype=np.uint8).reshape(3, 3, 1)
    facts = facts_of_case(image, labels, region, is_overlapping=False)
    assert facts.class_px == {1: 1, 2: 2}
    assert (facts.counted_px, facts.foreground_px, facts.is_empty) == (6, 3, False)
    assert (facts.size_px, facts.bytes) == ((3, 3), 9)


def test_overlapping_classes_count_each():
    """A pixel of two classes counts for both."""
    labels = np.array([[0b11, 0b1], [0, IGNORE]], np.uint8)
    facts = facts_of_case(np.zeros((2, 2, 1), np.uint8), labels, None, is_overlapping=True)
    assert facts.class_px == {1: 2, 2: 1}
    assert facts.counted_px == 3


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    channels=st.sampled_from([1, 3]),
    data=st.data(),
)
def test_one_other_pixel_makes_a_picture(height, width, channels, data):
    """An image of one colour is constant, and with any pixel changed it is not."""
    colour = data.draw(st.lists(st.integers(0, 254), min_size=channels, max_size=channels))
    image = np.tile(np.array(colour, np.uint8), (height, width, 1))
    assert is_constant(image)
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    image[row, column, 0] += 1
    assert is_constant(image) == (height * width == 1)
