"""Words for what was done to a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from delineate.auditing.copies.alignment import box_axes, whole_box
from delineate.auditing.copies.records import CHANGES
from delineate.auditing.copies.transform_words import Parts, changes_of, words_of

SIZE_PX = (100, 200)
SAME = np.array([[1.0, 0, 0], [0, 1, 0]])
PLAIN = Parts(
    (SIZE_PX, SIZE_PX), (whole_box(SIZE_PX), whole_box(SIZE_PX)),
    "as it is", SAME, is_toned=False, gain=1.0, offset=0.0, distance=0.0,
)  # fmt: skip


def moved(down: float, right: float) -> np.ndarray:
    """A shift by whole pixels."""
    return np.array([[1.0, 0, right], [0, 1, down]])


def sized(parts: Parts, size: tuple[int, int], box: tuple[float, ...] | None = None) -> Parts:
    """The same with a second picture of another size and content box."""
    content = box if box is not None else whole_box(size)
    return replace(parts, sizes_px=(SIZE_PX, size), boxes=(parts.boxes[0], content))  # type: ignore[arg-type]


CASES = {
    "the same pixels": (PLAIN, ()),
    "flipped left to right": (replace(PLAIN, orientation="flipped left to right"), ("flip",)),
    # What lays the second on the first is the inverse of what was done to the first.
    "turned left": (replace(PLAIN, orientation="turned right"), ("turn",)),
    "recompressed or with a little noise": (replace(PLAIN, distance=0.4), ("recompression",)),
    "shifted by 12 px right and 5 px down": (replace(PLAIN, axes=moved(5, 12)), ("shift",)),
    "shifted by 3 px up": (replace(PLAIN, axes=moved(-3, 0)), ("shift",)),
    "resized to 50 %": (
        sized(replace(PLAIN, axes=box_axes(whole_box(SIZE_PX), whole_box((50, 100)))), (50, 100)),
        ("resize",),
    ),
    "cropped to 90 % x 80 % of its sides": (
        sized(replace(PLAIN, axes=moved(-4, -30)), (90, 160)),
        ("crop",),
    ),
    "bars added": (
        sized(replace(PLAIN, axes=moved(20, 0)), (150, 200), (20, 0, 120, 200)),
        ("letterbox",),
    ),
    "shows more, of which the first is a crop to 67 % x 100 % of its sides": (
        sized(replace(PLAIN, axes=moved(20, 0)), (150, 200)),
        ("crop",),
    ),
    "bars cut off": (
        replace(
            sized(replace(PLAIN, axes=moved(-10, 0)), (80, 200)),
            boxes=((10, 0, 90, 200), whole_box((80, 200))),
        ),
        ("letterbox",),
    ),
    "tone changed (contrast x 0.80, +12 levels)": (
        replace(PLAIN, is_toned=True, gain=0.8, offset=12.0),
        ("tone",),
    ),
}


@pytest.mark.parametrize("words", CASES)
def test_each_change_has_its_words(words: str) -> None:
    """One phrase and one name for each kind of change."""
    parts, changes = CASES[words]
    assert words_of(parts) == words
    assert changes_of(parts) == changes
    assert set(changes) <= set(CHANGES)


def test_phrases_are_joined() -> None:
    """Orientation first, then what moved, then tone and compression."""
    parts = replace(
        PLAIN, orientation="turned left", axes=moved(0, -7), is_toned=True, gain=1.1,
        offset=-3.0, distance=2.0,
    )  # fmt: skip
    assert words_of(parts) == (
        "turned right, shifted by 7 px left, tone changed (contrast x 1.10, -3 levels), "
        "recompressed or with a little noise"
    )
    assert changes_of(parts) == ("turn", "tone", "recompression", "shift")
