"""Tone curves: what rising curve brings two pictures together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from delineate.auditing.copies.tone_curve import (
    _rising,
    in_one_tone,
    straight_line,
    tone_curve,
    unexplained,
)

RAMP = np.linspace(5, 250, 5000, dtype=np.float32)


def test_a_gamma_is_undone() -> None:
    """A gamma curve is found to half a grey level, but for its steep end."""
    bent = (255 * (RAMP / 255) ** 0.7).astype(np.float32)
    assert np.abs(tone_curve(RAMP, bent)(RAMP) - bent)[50:].max() < 0.5


def test_equal_pictures_stay_equal() -> None:
    """No curve is fitted into nothing: equal levels stay what they are."""
    np.testing.assert_allclose(tone_curve(RAMP, RAMP)(RAMP), RAMP, atol=1e-4)


def test_the_richer_picture_gives_way() -> None:
    """Clipped levels cannot be told apart again, so the other picture is clipped as well."""
    clipped = np.minimum(1.5 * RAMP, 255).astype(np.float32)
    shown = np.ones(RAMP.shape, np.bool_)
    for first, second in ((RAMP, clipped), (clipped, RAMP)):
        one, other = in_one_tone(first, second, shown)
        assert np.abs(one - other).max() < 2
    assert unexplained(RAMP, clipped) < unexplained(clipped, RAMP)


def test_inverted_pictures_stay_apart() -> None:
    """A curve that falls is none."""
    one, other = in_one_tone(RAMP, 255 - RAMP, np.ones(RAMP.shape, np.bool_))
    assert np.abs(one - other).mean() > 30


def test_too_few_pixels_fit_nothing() -> None:
    """With hardly a pixel in common both pictures stay as they are."""
    few = np.zeros(RAMP.shape, np.bool_)
    few[:10] = True
    one, other = in_one_tone(RAMP, 2 * RAMP, few)
    np.testing.assert_array_equal(one, RAMP)
    np.testing.assert_array_equal(other, 2 * RAMP)


def test_the_straight_line_of_a_flat_picture() -> None:
    """A flat picture tells the brightness, not the contrast."""
    assert straight_line(np.full(9, 3, np.float32), np.full(9, 7, np.float32)) == (1.0, 4.0)
    gain, offset = straight_line(RAMP, 1.2 * RAMP - 8)
    assert abs(gain - 1.2) < 1e-4
    assert abs(offset + 8) < 1e-2


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 9)), min_size=1, max_size=30))
def test_falling_neighbours_are_pooled(points: list[tuple[float, float]]) -> None:
    """The rising sequence is that of scikit-learn's isotonic regression."""
    values, weights = (np.array(part) for part in zip(*points, strict=True))
    expected = isotonic_regression(values, sample_weight=weights)
    np.testing.assert_allclose(_rising(values, weights), expected, atol=1e-8)
