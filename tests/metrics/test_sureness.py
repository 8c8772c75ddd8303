"""Where a model is sure, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.types import IGNORE
from delineate.metrics.sureness import Share, contradiction, uncertainty


def row(*values: float) -> np.ndarray:
    """(1, 1, W) probability of a foreground."""
    return np.array([[values]], np.float32)


def labels(*values: int) -> np.ndarray:
    """(1, W) labels."""
    return np.array([values], np.uint8)


def test_contradictions_of_two_classes_are_counted() -> None:
    """Sure foreground on background and sure background on foreground count, doubts do not."""
    probability = row(0.95, 0.05, 0.05, 0.95, 0.6, 0.4, 0.99)
    truth = labels(0, 1, 0, 1, 0, 1, IGNORE)
    found = contradiction(probability, truth, labels(1, 0, 0, 1, 1, 0, 1))
    assert (found.px, found.of_px, found.image_px) == (2, 5, 7)
    assert found.value == 0.4


def test_contradictions_of_several_classes_are_counted() -> None:
    """The channel of the label counts, that of the background too."""
    probability = np.array(
        [[[0.95, 0.02, 0.02, 0.4]], [[0.03, 0.95, 0.03, 0.3]], [[0.02, 0.03, 0.95, 0.3]]],
        np.float32,
    )
    found = contradiction(probability, labels(0, 2, 0, 2), labels(0, 1, 2, 0))
    assert (found.px, found.of_px) == (2, 3)


def test_contradictions_of_overlapping_classes_are_counted() -> None:
    """One class that is contradicted is enough; codes say who is where."""
    probability = np.array([[[0.95, 0.95, 0.5]], [[0.05, 0.05, 0.02]]], np.float32)
    truth = labels(0b01, 0b11, 0b00)
    found = contradiction(probability, truth, labels(0b01, 0b01, 0), is_overlapping=True)
    assert (found.px, found.of_px) == (1, 2)


def test_doubts_are_counted() -> None:
    """What lies between 0.1 and 0.9, of that and of all that is marked."""
    found = uncertainty(row(0.95, 0.89, 0.5, 0.11, 0.05), labels(1, 1, 1, 0, 0))
    assert (found.px, found.of_px) == (3, 4)
    several = np.array([[[0.95, 0.5]], [[0.03, 0.3]], [[0.02, 0.2]]], np.float32)
    assert uncertainty(several, labels(0, 0)).px == 1
    overlapping = np.array([[[0.95, 0.99]], [[0.5, 0.01]]], np.float32)
    assert uncertainty(overlapping, labels(1, 1), is_overlapping=True).px == 1


def test_a_few_pixels_in_a_large_empty_image_weigh_little() -> None:
    """Five doubtful pixels of a megapixel are not all that there is."""
    assert Share(5, 5, 1_000_000).value == 0.005
    assert Share(0, 0, 100).value == 0


@given(arrays(np.float32, (1, 6, 5), elements=st.floats(0, 1, width=32)), st.integers(0, 2**30 - 1))
def test_the_other_side_says_the_same(probability: np.ndarray, bits: int) -> None:
    """With foreground and background exchanged as many pixels are contradicted and in doubt."""
    truth = np.array([bits >> k & 1 for k in range(30)], np.uint8).reshape(6, 5)
    flipped = (np.float32(1) - probability).astype(np.float32)
    # Exact only where 1 - (1 - p) is p again.
    probability = np.float32(1) - flipped
    everything = np.ones((6, 5), np.uint8)
    ours = contradiction(probability, truth, everything)
    theirs = contradiction(flipped, 1 - truth, everything)
    assert ours.px == theirs.px
    assert uncertainty(probability, everything).px == uncertainty(flipped, everything).px


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_who_is_certain_has_no_doubts(sure: float) -> None:
    """Hard maps contradict what they differ from and doubt nothing."""
    probability = np.full((1, 4, 4), sure, np.float32)
    own = np.full((4, 4), int(sure), np.uint8)
    assert uncertainty(probability, own).px == 0
    assert contradiction(probability, own, own).px == 0
    assert contradiction(probability, 1 - own, own).value == 1
