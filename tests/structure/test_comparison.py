"""Errors of width and length against truths whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.structure.comparison import compare, errors_of, sums_of
from delineate.structure.figures import figures_of, width_figures
from delineate.structure.measuring import measure_structure


def vessel(first_row, width_px, columns=(10, 110), size=(60, 120)):
    """A mask with a vessel along the rows."""
    mask = np.zeros(size, bool)
    mask[first_row : first_row + width_px, slice(*columns)] = True
    return mask


def errors(truth, prediction):
    """The errors of one case."""
    structures = [measure_structure(mask) for mask in (truth, prediction)]
    return errors_of([sums_of(compare(*structures))])


def test_the_truth_itself_has_no_error():
    """Nothing is missed, nothing is false, and no width is off."""
    found = errors(vessel(20, 5), vessel(20, 5))
    assert (found.missed_length_px, found.false_length_px, found.length_error_px) == (0, 0, 0)
    assert found.widths is not None
    assert found.widths.mean_absolute_px == 0
    assert found.widths.mean_truth_px == pytest.approx(5, abs=1e-3)


def test_a_vessel_drawn_two_pixels_too_wide():
    """The mean error and the mean absolute error are 2 px, and the limits close about it."""
    found = errors(vessel(20, 5), vessel(19, 7))
    assert found.widths is not None
    assert found.widths.mean_px == pytest.approx(2, abs=1e-3)
    assert found.widths.mean_absolute_px == pytest.approx(2, abs=1e-3)
    assert found.widths.low_px == pytest.approx(2, abs=0.01)
    assert found.widths.high_px == pytest.approx(2, abs=0.01)
    assert found.missed_length_px == 0


def test_too_wide_and_too_thin_cancel_in_the_mean_alone():
    """Half 2 px too wide and half 2 px too thin: mean 0, absolute 2, limits at 1.96 times 2."""
    prediction = vessel(19, 7, (10, 60)) | vessel(21, 3, (60, 110))
    found = errors(vessel(20, 5), prediction)
    assert found.widths is not None
    assert found.widths.mean_px == pytest.approx(0, abs=0.1)
    assert found.widths.mean_absolute_px == pytest.approx(2, abs=0.1)
    assert found.widths.high_px == pytest.approx(1.96 * 2, abs=0.1)
    assert found.widths.low_px == pytest.approx(-1.96 * 2, abs=0.1)


def test_what_is_missed_and_what_is_false_is_counted_in_length():
    """Half of a vessel missed, and one of 40 px where there is none."""
    prediction = vessel(20, 3, (10, 60)) | vessel(45, 3, (20, 60))
    found = errors(vessel(20, 3), prediction)
    assert found.truth_length_px == pytest.approx(100, abs=0.1)
    assert found.predicted_length_px == pytest.approx(90, abs=0.2)
    assert found.length_error_px == pytest.approx(-10, abs=0.2)
    assert found.missed_length_px == pytest.approx(48, abs=1.5)  # 2 px of tolerance
    assert found.false_length_px == pytest.approx(40, abs=1)


@pytest.mark.parametrize(("shift_px", "is_met"), [(2, True), (3, False)])
def test_a_thin_vessel_is_met_within_two_pixels(shift_px, is_met):
    """Beyond two pixels a thin line is another one."""
    found = errors(vessel(20, 1), vessel(20 + shift_px, 1))
    assert (found.missed_length_px == 0) == is_met
    assert (found.false_length_px == 0) == is_met


def test_a_wide_vessel_is_met_within_its_half_width():
    """A centre line 4 px off is still inside a vessel of 11 px."""
    found = errors(vessel(20, 11), vessel(24, 11))
    assert found.missed_length_px <= 6.1  # its tips, where it is thinner
    assert found.widths is not None
    assert found.widths.mean_px == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("is_truth_empty", [False, True])
def test_empty_masks_leave_no_width_to_compare(is_truth_empty):
    """All is missed, or all is false, and errors of width are undefined."""
    empty = np.zeros((60, 120), bool)
    pair = (empty, vessel(20, 3)) if is_truth_empty else (vessel(20, 3), empty)
    found = errors(*pair)
    assert found.widths is None
    assert found.bands == ()
    assert found.missed_length_px == pytest.approx(found.truth_length_px)
    assert found.false_length_px == pytest.approx(found.predicted_length_px)


def test_cases_together_weigh_by_length():
    """A vessel three times as long counts three times as much."""
    long = sums_of(compare(measure_structure(vessel(20, 5)), measure_structure(vessel(19, 7))))
    short = sums_of(
        compare(
            measure_structure(vessel(20, 5, (40, 80))), measure_structure(vessel(20, 5, (40, 80)))
        )
    )
    together = errors_of([long, short])
    assert together.cases == 2
    assert together.truth_length_px == pytest.approx(140, abs=0.2)
    assert together.widths is not None
    lengths = [errors_of([each]).widths.length_px for each in (long, short)]
    assert together.widths.mean_px == pytest.approx(2 * lengths[0] / sum(lengths), abs=1e-3)
    assert together.widths.mean_px == pytest.approx(2 * 90 / 125, abs=0.05)


def test_bands_part_the_widths_by_the_truth():
    """A thin vessel and a thick one stand in bands of their own, and add up to all."""
    truth = vessel(10, 3) | vessel(40, 9)
    prediction = vessel(10, 4) | vessel(40, 8)
    found = errors(truth, prediction)
    (thin, thick) = found.bands
    assert thin[:2] == (2.0, 4.0)
    assert thick[:2] == (8.0, float("inf"))
    assert thin[2].mean_px == pytest.approx(1, abs=1e-3)
    assert thick[2].mean_px == pytest.approx(-1, abs=1e-3)
    assert found.widths is not None
    assert thin[2].length_px + thick[2].length_px == pytest.approx(found.widths.length_px)


def test_figures_weigh_by_length():
    """A vessel of 100 px and 3 px beside one of 40 px and 9 px: by hand."""
    structure = measure_structure(vessel(10, 3) | vessel(40, 9, (10, 50)))
    found = figures_of(structure)
    assert found.length_px == pytest.approx(140, abs=0.2)
    assert (found.segments, found.branch_points, found.end_points, found.spots) == (2, 0, 4, 0)
    assert found.area_px == 300 + 360
    assert found.tortuosity == pytest.approx(1, abs=1e-3)
    assert found.width_px is not None
    assert 0.8 < found.measured_share < 1
    # There is no width within about a width of the ends: 96 px of 3 and 24 px of 9 are left.
    assert found.measured_share * found.length_px == pytest.approx(120, abs=1)
    assert found.width_px.mean == pytest.approx((96 * 3 + 24 * 9) / 120, abs=0.05)
    assert found.width_px.quantiles["median"] == pytest.approx(3, abs=1e-3)
    assert found.width_px.quantiles["p95"] == pytest.approx(9, abs=1e-3)
    assert found.to_row()["mean_width_px"] == found.width_px.mean
    assert found.to_row()["mean_width_mm"] is None


def test_quantiles_of_weighted_widths_by_hand():
    """Widths 1, 2, 3 that stand for 1, 1 and 8 px: the median is 3, a twentieth 1."""
    found = width_figures(np.array([3.0, 1.0, np.nan, 2.0]), np.array([8.0, 1.0, 50.0, 1.0]))
    assert found is not None
    assert found.mean == pytest.approx((1 + 2 + 24) / 10)
    assert found.quantiles == {"p05": 1.0, "p25": 3.0, "median": 3.0, "p75": 3.0, "p95": 3.0}


def test_no_vessel_has_no_figures():
    """Undefined is not zero."""
    found = figures_of(measure_structure(np.zeros((8, 8), bool)))
    assert (found.length_px, found.segments) == (0, 0)
    assert (found.tortuosity, found.measured_share, found.width_px) == (None, None, None)
