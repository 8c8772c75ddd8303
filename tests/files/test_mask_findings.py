"""What a mask file holds, counted the quick way and the plain way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.files.mask_findings import describe
from delineate.files.raw_mask import RawMask


@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=4),
    pixels=st.lists(st.integers(0, 3), min_size=1, max_size=40),
    is_wide=st.booleans(),
)
def test_counts_are_those_of_plain_counting(
    values: list[int], pixels: list[int], is_wide: bool
) -> None:
    """However few values a mask holds, each is counted as often as it stands there."""
    stored = [values[pixel % len(values)] for pixel in pixels]
    mask = np.array([stored], np.uint16 if is_wide else np.uint8)
    found = describe(RawMask(mask, None, is_lossy=False, mode="test"))
    assert found.counts == {value: stored.count(value) for value in set(stored)}
    assert found.distinct == len(set(stored))
    assert found.histogram.tolist() == [stored.count(value) for value in range(256)]
    assert found.foreground_share == pytest.approx(np.mean(np.array(stored) > 0))


def test_lossy_masks_count_from_half_on() -> None:
    """In a JPEG, ringing around black is no foreground."""
    mask = np.array([[0, 9, 127, 128, 255]], np.uint8)
    found = describe(RawMask(mask, None, is_lossy=True, mode="test"))
    assert found.foreground_share == 0.4


def test_wide_greys_are_shown_by_their_high_byte() -> None:
    """A viewer shows 16-bit greys by their upper eight bits."""
    mask = np.array([[0, 255, 256, 65535]], np.uint16)
    found = describe(RawMask(mask, None, is_lossy=False, mode="test"))
    assert (found.histogram[0], found.histogram[1], found.histogram[255]) == (2, 1, 1)
