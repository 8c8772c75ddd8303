"""Verdicts of a gate below pictures."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.inference.verdict import Verdict
from delineate.report.gate_pictures import wide_enough, with_verdict
from delineate.report.overlays import LegendEntry


def test_no_pixel_of_the_picture_is_hidden() -> None:
    """The picture stays as it is; the strip below is white with dark letters."""
    picture = np.random.default_rng(3).integers(0, 256, (90, 300, 3), np.uint8)
    shown = with_verdict(picture, Verdict(0.93, is_present=True))
    assert np.array_equal(shown[:90, :300], picture)
    strip = shown[90:]
    assert shown.shape[1] == 300
    assert (strip == 255).mean() > 0.8
    assert strip.min() < 60


def test_what_was_detected_and_what_not_look_different() -> None:
    """The words of the two verdicts are not the same, and neither are those of probabilities."""
    picture = np.zeros((40, 300, 3), np.uint8)
    yes, no, surer = (
        with_verdict(picture, verdict)
        for verdict in (Verdict(0.5, True), Verdict(0.5, False), Verdict(0.9, True))
    )
    assert not np.array_equal(yes, no)
    assert not np.array_equal(yes, surer)


def test_a_narrow_picture_gets_room_for_the_words() -> None:
    """The strip is as wide as its words, the picture still in its corner."""
    picture = np.full((32, 32, 3), 7, np.uint8)
    shown = with_verdict(picture, Verdict(0.08, is_present=False))
    assert shown.shape[1] > 100
    assert (shown[:32, :32] == 7).all()


def test_notes_and_colours_stand_in_the_strip_too() -> None:
    """A note follows the words; what colours mean has a line of its own."""
    picture = np.zeros((40, 400, 3), np.uint8)
    verdict = Verdict(0.93, is_present=True)
    plain, noted = (with_verdict(picture, verdict, note=note) for note in ("", "nothing outlined"))
    assert plain.shape == noted.shape
    assert (noted[40:, 110:] < 60).any()
    assert not (plain[40:, 130:] < 60).any()
    named = with_verdict(picture, verdict, [LegendEntry((230, 40, 40), "gas")])
    assert named.shape[0] > plain.shape[0]
    assert (named[40:] == (230, 40, 40)).all(axis=2).any()


@pytest.mark.parametrize("width", [1, 64, 159, 160, 300])
def test_words_are_no_wider_than_a_picture_on_a_page(width: int) -> None:
    """Pixels of a small one are repeated, alike in both directions; a large one stays."""
    small = np.arange(10 * width * 3, dtype=np.uint32).astype(np.uint8).reshape(10, width, 3)
    large = wide_enough(small)
    times = large.shape[1] // width
    np.testing.assert_array_equal(large[::times, ::times], small)
    assert large.shape == (10 * times, width * times, 3)
    assert times == 1 or (times - 1) * width < 160
    shown = with_verdict(large, Verdict(0.0, False))
    assert shown.shape[1] == large.shape[1]
