"""Pictures of vessels show what was measured, and the page says it."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.report.display import Picture
from delineate.report.overlays import PALETTES
from delineate.report.structure_pictures import (
    UNMEASURED,
    match_picture,
    scale_of,
    structure_picture,
)
from delineate.report.structure_section import error_cells, structure_section
from delineate.structure.comparison import compare
from delineate.structure.measuring import measure_structure


@pytest.fixture
def mask():
    """A thin vessel above a thick one."""
    mask = np.zeros((300, 500), bool)
    mask[100:103, 50:450] = True
    mask[200:209, 50:450] = True
    return mask


def colour_at(picture, row, column, times):
    """The middle of a pixel of the original in an enlarged picture."""
    return tuple(picture[int((row + 0.5) * times), int((column + 0.5) * times)].tolist())


def test_lines_have_the_colour_of_their_width(mask):
    """Thin and thick differ as the scale says; the picture is enlarged and its legend below."""
    structure = measure_structure(mask)
    scale = scale_of([structure])
    picture = structure_picture(structure, mask, scale=scale, title="a case")
    assert picture.shape[0] > 900
    assert picture.shape[1] == 1500
    expected = scale.colours(np.array([3.0, 9.0])).tolist()
    found = [colour_at(picture, row, 250, 3) for row in (101, 204)]
    assert np.abs(np.array(found) - expected).max() <= 3
    assert np.abs(np.subtract(*expected)).max() > 60
    assert colour_at(picture, 150, 250, 3) == (12, 12, 12)
    assert colour_at(picture, 200.5, 250, 3) == (70, 70, 70)


def test_what_is_not_measured_is_grey():
    """Not a colour of the scale, which would be a width."""
    structure = measure_structure(np.zeros((5, 5), bool))
    scale = scale_of([structure])
    colours = scale.colours(np.array([np.nan, 0.0, scale.top, 100 * scale.top]))
    assert tuple(colours[0]) == UNMEASURED
    assert not (colours[1:] == UNMEASURED).all(axis=1).any()
    assert (colours[2] == colours[3]).all()


def test_an_empty_mask_has_a_picture():
    """Nothing to draw is no failure, and small pictures get as large as can be."""
    mask = np.zeros((20, 30), bool)
    structure = measure_structure(mask)
    picture = structure_picture(structure, mask, scale=scale_of([structure]))
    assert (picture[:80, :120] == 12).all()


def test_met_missed_and_false_lines_have_the_colours_of_the_palette(mask):
    """The upper vessel is met, the lower missed, and one in between is false."""
    other = np.zeros_like(mask)
    other[100:104, 50:450] = True
    other[150:153, 50:450] = True
    truth, prediction = measure_structure(mask), measure_structure(other)
    image = np.full((*mask.shape, 1), 100, np.uint8)
    picture = match_picture(compare(truth, prediction), truth, prediction, image=image)
    palette = PALETTES["default"]
    for row, mark in ((101, palette.hit), (204, palette.missed), (151, palette.false)):
        assert colour_at(picture, row, 250, 3) == mark.colour


def errors(**changes):
    """One row of errors as a document has it."""
    return {
        "who": "model",
        "against": "observer 1",
        "class": "vessel",
        "truth_length_px": 1000.0,
        "predicted_length_px": 900.0,
        "missed_length_px": 200.0,
        "false_length_px": 90.0,
        "compared_length_px": 700.0,
        "mean_true_width_px": 3.0,
        "width_error_px": -0.25,
        "absolute_width_error_px": 0.5,
        "width_error_low_px": -1.5,
        "width_error_high_px": 1.0,
        "bands": [],
    } | changes


def test_the_cells_say_lengths_shares_and_errors():
    """Missed is a share of the truth, false one of the prediction."""
    assert error_cells(errors()) == (
        "1,000 px", "900 px", "20.0%", "10.0%", "3.00 px", "-0.25 px", "0.50 px",
        "-1.50 to +1.00 px",
    )  # fmt: skip


def test_undefined_is_not_zero():
    """Without a width, and without a length, the cells say so."""
    row = errors(width_error_px=None, predicted_length_px=0.0, false_length_px=0.0)
    assert error_cells(row)[3:] == ("none", *("undefined",) * 4)


def test_the_section_draws_the_bands_that_say_something():
    """A band of next to no length is left out of the figure."""
    band = errors(compared_length_px=693.0), errors(compared_length_px=4.0)
    document = {"structure": {"errors": [errors(bands=list(band))], "rules": ["a rule"]}}
    picture = Picture("data:,", "name", "alt", 2, 2)
    section = structure_section(document, [picture])
    assert section is not None
    assert section.rows[0][0] == "model against observer 1"
    assert section.rules == ("A rule",)
    ((_, figure),) = section.plot
    assert "693 px" in figure
    assert ">4 px" not in figure
    assert section.pictures == (picture,)


def test_no_section_where_nothing_was_measured():
    """An evaluation without structure has none."""
    assert structure_section({}) is None
