"""The figures of an audit."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from delineate.report.audit_content import DifferenceHistogram, HeatMap
from delineate.report.audit_plots import difference_histogram, heat_map
from delineate.report.plots import VARIABLES

EDGES = tuple(float(edge) for edge in np.geomspace(10, 1e6, 11))
FOUND = DifferenceHistogram(EDGES, (0, 3, 5, 0, 0, 1, 0, 80, 900, 12.5), 63, "All pairs.", 1000)


def words_of(svg: str) -> list[str]:
    """Every text of a figure."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]


def test_identical_pairs_stand_apart_with_their_number() -> None:
    """Distance 0 has no place on a logarithmic axis and gets one of its own."""
    assert "63" in words_of(difference_histogram(FOUND))
    assert "63" not in words_of(difference_histogram(replace(FOUND, identical=0)))


def test_thresholds_are_drawn_with_their_value() -> None:
    """Each threshold is a line that says where it is; one of 0 has no place."""
    svg = difference_histogram(FOUND, [0, 100, 1000])
    assert "1,000" in words_of(svg)
    assert svg.count("stroke-dasharray: 4.4,2.2") == 2


def test_estimates_are_told_from_exact_counts() -> None:
    """A legend stands where both kinds of bins are drawn, and only there."""
    assert "estimated from a sample of pairs" in words_of(difference_histogram(FOUND))
    all_exact = difference_histogram(replace(FOUND, exact_below=None))
    assert "estimated from a sample of pairs" not in words_of(all_exact)


def test_bins_up_to_the_limit_have_the_colour_of_exact_ones() -> None:
    """The bin that ends at the limit is exact, the next is not."""
    exact, estimated = (f"fill: var(--plot-{name}," for name in ("main", "third"))
    svg = difference_histogram(FOUND)
    assert (svg.count(exact), svg.count(estimated)) == (4 + 1, 6 + 1)  # and the legend
    assert difference_histogram(replace(FOUND, exact_below=None)).count(estimated) == 0


def test_axes_show_powers_of_ten_as_text() -> None:
    """No formula is left unset on the axes."""
    svg = difference_histogram(FOUND)
    assert "mathdefault" not in svg
    assert "10⁴" in words_of(svg)


@pytest.mark.parametrize(
    "found",
    [
        DifferenceHistogram((1.0, 10.0), (0,), 0, "No pairs."),
        DifferenceHistogram((1.0, 10.0), (0,), 4, "Identical ones only."),
        DifferenceHistogram((1.0, 10.0, 100.0), (1e12, 1), 1, "Very many."),
    ],
)
def test_histograms_with_next_to_nothing_are_drawn(found: DifferenceHistogram) -> None:
    """Empty and lopsided histograms give a whole figure with a description."""
    svg = difference_histogram(found, [5.0])
    assert f'aria-label="Histogram of the distances of pairs: {found.identical:,}' in svg
    ElementTree.fromstring(svg)


def test_a_heat_map_says_where_most_masks_are() -> None:
    """The description names the place of the largest share, and the picture is inline."""
    shares = np.zeros((64, 64))
    shares[16, 48] = 0.5
    svg = heat_map(HeatMap("nerve", shares, 240, aspect=1.4), "heat")
    assert "Positions of nerve in 240 masks: at most 50.0% of them, 26% from the top" in svg
    assert "76% from the left" in svg
    assert "data:image/png;base64," in svg
    ElementTree.fromstring(svg)


def test_a_heat_map_of_nothing_is_drawn() -> None:
    """A class that no mask has gives a map of zeros."""
    assert "at most 0.0% of them" in heat_map(HeatMap("nerve", np.zeros((64, 64)), 9), "heat")


def test_figures_take_their_colours_from_the_page_and_ask_for_nothing() -> None:
    """No placeholder colour is left, no address, and the same input gives the same figure."""
    for svg in (difference_histogram(FOUND, [100]), heat_map(HeatMap("a", np.eye(64), 3), "h")):
        for placeholder in VARIABLES:
            assert placeholder not in svg
        assert not re.findall(r'(?:href|src)="http', svg)
    assert difference_histogram(FOUND, [100]) == difference_histogram(FOUND, [100])
