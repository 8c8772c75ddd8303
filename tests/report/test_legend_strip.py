"""A legend that hides no pixel and cuts no name."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import IGNORE, default_classes
from delineate.report.legend_strip import EDGE, PAPER, entries_of, with_legend
from delineate.report.overlays import LegendEntry

RED, GREEN = (255, 0, 0), (0, 128, 0)


@pytest.mark.parametrize("width", [20, 320, 1200])
def test_the_picture_stays_as_it_is(width: int) -> None:
    """All of its pixels are above the strip, whatever its width."""
    picture = np.random.default_rng(0).integers(0, 255, (30, width, 3), np.uint8)
    drawn = with_legend(picture, [LegendEntry(RED, "a long name of a class")], title="left: truth")
    assert np.array_equal(drawn[:30, :width], picture)
    assert drawn.shape[0] > 30
    assert (drawn[:30, width:] == PAPER).all()


def test_every_colour_is_in_the_strip() -> None:
    """A swatch of each class, none of them cut at the edge."""
    entries = [LegendEntry((place, 200, 40), f"class {place}") for place in range(60)]
    drawn = with_legend(np.zeros((10, 200, 3), np.uint8), entries)
    for entry in entries:
        assert (drawn[10:] == entry.colour).all(axis=-1).sum() >= 60
    assert (drawn[10:, 0] == PAPER).all()
    assert (drawn[10:, -1] == PAPER).all()
    assert (drawn[-1] == PAPER).all()


def test_a_narrow_picture_gets_a_margin_for_long_names() -> None:
    """No letter touches the edge, so that no name is cut."""
    drawn = with_legend(np.zeros((10, 16, 3), np.uint8), [LegendEntry(RED, "W" * 40)])
    assert drawn.shape[1] > 16
    assert (drawn[10:, -1] == PAPER).all()


def test_nothing_to_say_changes_nothing() -> None:
    """Without entries and title there is no strip."""
    picture = np.zeros((4, 4, 3), np.uint8)
    assert with_legend(picture, []) is picture


def test_stripes_are_told_from_a_plain_area() -> None:
    """What is not counted has white in its swatch, a class of the same colour has not."""
    swatches = [
        with_legend(np.zeros((1, 200, 3), np.uint8), [LegendEntry(EDGE, "", has_stripes=is_so)])
        for is_so in (False, True)
    ]
    filled = [(one[1:] == EDGE).all(axis=-1).sum() for one in swatches]
    assert filled[1] < 0.8 * filled[0]


def test_only_classes_that_are_there_are_listed() -> None:
    """In any of the labels; the background never, and what is ignored as not counted."""
    classes = default_classes(4)
    truth, prediction = np.array([[0, 1]], np.uint8), np.array([[3, IGNORE]], np.uint8)
    words = [one.words for one in entries_of(classes, truth, prediction)]
    assert words == ["class 1", "class 3", "not counted"]
    codes = entries_of(classes, np.array([[6]], np.uint8), is_overlapping=True)
    assert [one.words for one in codes] == ["class 2", "class 3"]
