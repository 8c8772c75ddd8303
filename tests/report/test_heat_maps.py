from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import SettingsError, SizeMismatchError
from delineate.report.heat_maps import BACKDROP, COLOUR_MAP, OPACITY, heat_map_overlay

INK = np.array([[30, 200], [90, 120]], np.uint8)


def heat_of(values):
    """float32, as heat maps are."""
    return np.array(values, np.float32)


def test_counted_by_hand():
    """Grey shows where it is cold; the hottest place is mostly the last colour of the map."""
    drawn = heat_map_overlay(INK, heat_of([[0, 0], [0.5, 1]]))
    assert drawn.dtype == np.uint8
    assert drawn.shape == (2, 2, 3)
    assert drawn[0].tolist() == [[round(30 * BACKDROP)] * 3, [round(200 * BACKDROP)] * 3]
    table = 255 * np.array(matplotlib.colormaps[COLOUR_MAP].colors)
    hottest = OPACITY * table[255] + (1 - OPACITY) * BACKDROP * 120
    middle = OPACITY / 2 * table[128] + (1 - OPACITY / 2) * BACKDROP * 90
    np.testing.assert_allclose(drawn[1], [middle, hottest], atol=1)


def test_colours_of_the_image_are_not_taken_for_heat():
    """A colour image is shown in grey where it is cold."""
    colourful = np.zeros((2, 2, 3), np.uint8)
    colourful[..., 0] = 250
    drawn = heat_map_overlay(colourful, heat_of(np.zeros((2, 2))))
    assert (drawn == drawn[..., :1]).all()
    assert drawn.max() == round(0.299 * 250 * BACKDROP)


@given(st.integers(0, 255))
def test_hotter_is_lighter_on_black(level):
    """Over black, a hotter place is never darker, so that lightness alone can be read."""
    heat = heat_of([[level / 255, min(1, (level + 8) / 255)]])
    drawn = heat_map_overlay(np.zeros((1, 2), np.uint8), heat).astype(float)
    colder, hotter = drawn[0] @ [0.2126, 0.7152, 0.0722]
    assert hotter >= colder - 1


def test_size_and_range_are_checked():
    """A map of another size, or not from 0 to 1, is refused."""
    with pytest.raises(SizeMismatchError, match=r"size of the image, 2 x 2 .* found 2 x 3"):
        heat_map_overlay(INK, heat_of(np.zeros((2, 3))))
    for wrong in (1.5, -0.1, np.nan):
        with pytest.raises(SettingsError, match=r"heat: expected numbers from 0 to 1"):
            heat_map_overlay(INK, heat_of([[0, 0], [0, wrong]]))
