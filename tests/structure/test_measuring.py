"""Lengths and widths of drawn lines and rings are those that they were drawn with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.structure.measuring import measure_structure, point_table

ANGLES = (0, 10, 22.5, 30, 45, 67, 90)


def widths(mask, **options):
    """Every width that could be measured."""
    found = point_table(measure_structure(mask, **options)).widths_px
    return found[np.isfinite(found)]


def block(rows, columns, size=(60, 120)):
    """A mask with one block of rows and columns."""
    mask = np.zeros(size, bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


@pytest.mark.parametrize("width_px", [1, 2, 3, 4, 5, 6, 9, 14])
@pytest.mark.parametrize("is_turned", [False, True])
def test_odd_and_even_widths_along_the_pixels_are_exact(width_px, is_turned):
    """Twice the distance to the edge would be one off for every second of these."""
    mask = block((20, 20 + width_px), (10, 110))
    found = widths(mask.T if is_turned else mask)
    assert len(found) > 70
    assert found == pytest.approx(width_px, abs=1e-3)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("width_px", [1, 2, 3, 5, 8])
def test_the_mean_width_of_a_slanted_line_is_its_area_over_its_length(line, width_px, degrees):
    """Whatever its slope a line is as wide as its pixels make it, within a twentieth of one."""
    shift = (0.21, -0.34)
    found = widths(line(160, degrees, width_px, 120, shift=shift))
    between = line(160, degrees, width_px, 100, shift=shift).sum() / 100
    assert found.mean() == pytest.approx(between, abs=0.05 + 0.03 * width_px)
    assert np.abs(found - found.mean()).max() < 0.5


def test_the_mean_width_over_many_lines_has_no_bias(line):
    """Over many slopes and places a width of 3.3 px is found as 3.3 px."""
    rng = np.random.default_rng(3)
    means = [
        widths(line(110, degrees, 3.3, 90, shift=rng.random(2) - 0.5)).mean()
        for degrees in rng.uniform(0, 180, 24)
    ]
    assert np.mean(means) == pytest.approx(3.3, abs=0.03)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("width_px", [1, 3, 6, 10])
def test_the_length_of_a_line_is_right_at_any_angle(line, width_px, degrees):
    """Within 1.5 %: blunt ends belong to it, and steps over corners are no detours."""
    structure = measure_structure(line(160, degrees, width_px, 120, shift=(0.3, 0.1)))
    (segment,) = structure.segments
    assert segment.length_px == pytest.approx(120, rel=0.015)
    assert segment.tortuosity == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("radius_px", "width_px"), [(10, 2), (20, 3), (20, 8), (40, 5)])
def test_a_ring_has_its_girth_and_its_width(ring, radius_px, width_px):
    """Length within 2 % of 2 pi r, width within a tenth of a pixel, and no tortuosity."""
    structure = measure_structure(ring(110, radius_px, width_px, shift=(0.2, 0.4)))
    (segment,) = structure.segments
    assert segment.length_px == pytest.approx(2 * np.pi * radius_px, rel=0.02)
    assert segment.widths_px.mean() == pytest.approx(width_px, abs=0.1)
    assert segment.tortuosity is None
    assert (segment.start, segment.end) == ("loop", "loop")


def test_the_tortuosity_of_half_a_ring_is_half_pi(ring):
    """The way along a half circle is pi / 2 of the way across."""
    mask = ring(120, 40, 3)
    mask[60:] = False
    (segment,) = measure_structure(mask).segments
    assert segment.tortuosity == pytest.approx(np.pi / 2, rel=0.02)
    assert (segment.start, segment.end) == ("end", "end")


def test_a_tapering_vessel_is_measured_where_it_is():
    """Widths follow a wedge from 3 to 13 px."""
    down, right = np.mgrid[:40, :220]
    mask = (abs(down - 20.25) < (3 + (right - 10) / 20) / 2) & (right >= 10) & (right < 210)
    (segment,) = measure_structure(mask).segments
    expected = 3 + (segment.points[:, 1] - 10) / 20
    is_measured = np.isfinite(segment.widths_px)
    assert is_measured.mean() > 0.9
    assert np.abs(segment.widths_px - expected)[is_measured].max() < 1.01
    assert np.abs(segment.widths_px - expected)[is_measured].mean() < 0.4


def test_no_width_is_measured_where_vessels_meet():
    """In the disc of a branch point and beside a vessel that touches there is no width."""
    mask = block((20, 26), (5, 115)) | block((20, 58), (50, 56))
    structure = measure_structure(mask)
    table = point_table(structure)
    (branch,) = structure.branch_points
    near = np.hypot(*(table.places - branch).T) < 3
    assert near.any()
    assert np.isnan(table.widths_px[near]).all()
    assert table.widths_px[np.isfinite(table.widths_px)] == pytest.approx(6, abs=0.3)


def test_what_is_not_known_has_neither_vessel_nor_width():
    """A region cuts a vessel lengthwise: what is left has no width; what is outside no length."""
    mask = block((20, 28), (10, 110))
    known = np.ones(mask.shape, bool)
    known[24:] = False
    structure = measure_structure(mask, known)
    assert structure.area_px == 4 * 100
    assert np.isnan(point_table(structure).widths_px).all()
    known[:] = True
    known[:, 60:] = False
    (segment,) = measure_structure(mask, known).segments
    assert segment.length_px == pytest.approx(50, abs=1)
    assert segment.points[:, 1].max() < 60


def test_the_border_of_the_image_ends_knowledge():
    """A vessel along the border, cut lengthwise by it, has no width."""
    assert len(widths(block((0, 5), (10, 110)))) == 0
    assert len(widths(block((1, 6), (10, 110)))) > 80


@pytest.mark.parametrize(("rows_mm", "columns_mm"), [(0.5, 0.5), (0.5, 0.2)])
def test_millimetres_follow_the_size_of_a_pixel(rows_mm, columns_mm):
    """A vessel along the rows is as wide as its rows and as long as its columns."""
    mask = block((20, 24), (10, 110))
    spacing = (rows_mm, columns_mm)
    (segment,) = measure_structure(mask, spacing_mm=spacing).segments
    assert segment.length_px == pytest.approx(100, abs=0.01)
    assert segment.length_mm == pytest.approx(100 * columns_mm, rel=1e-3)
    assert segment.chord_mm == pytest.approx(100 * columns_mm, rel=1e-3)
    assert np.nanmean(segment.widths_mm) == pytest.approx(4 * rows_mm, rel=1e-3)


def test_a_slanted_vessel_is_measured_at_right_angles_in_space(line):
    """With pixels twice as high as wide a line of 45 degrees has another right angle."""
    (segment,) = measure_structure(line(200, 45, 8, 160), spacing_mm=(2.0, 1.0)).segments
    # In space the line runs along (2, 1), and its edges lie 8 sqrt(2) apart along the rows.
    expected_mm = 8 * np.sqrt(2) * 2 / np.sqrt(5)
    assert np.nanmean(segment.widths_mm) == pytest.approx(expected_mm, rel=0.03)
    assert segment.length_mm == pytest.approx(160 / np.sqrt(2) * np.sqrt(5), rel=0.01)


def test_an_empty_mask_has_an_empty_structure():
    """No vessel, no figure, and tables without rows."""
    structure = measure_structure(np.zeros((9, 8), bool), spacing_mm=(1.0, 1.0))
    assert structure.segments == ()
    table = point_table(structure)
    assert table.places.shape == (0, 2)
    assert len(table.widths_px) == 0
    assert len(table.widths_mm) == 0


@given(
    degrees=st.floats(0, 180),
    width_px=st.floats(1.5, 7),
    turns=st.integers(0, 3),
    is_mirrored=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_turned_and_mirrored_vessels_measure_the_same(line, degrees, width_px, turns, is_mirrored):
    """The figures hardly depend on how the image lies."""
    mask = line(80, degrees, width_px, 60)
    other = np.rot90(mask, turns)[:, :: -1 if is_mirrored else 1]
    lengths = [sum(s.length_px for s in measure_structure(m).segments) for m in (mask, other)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.05)
    assert widths(other).mean() == pytest.approx(widths(mask).mean(), abs=0.12)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_noise_is_measured_without_complaint(seed, share):
    """Any mask has finite lengths, widths not below nothing, and tortuosity from 1 upwards."""
    mask = np.random.default_rng(seed).random((24, 31)) < share
    for segment in measure_structure(mask, spacing_mm=(0.3, 0.7)).segments:
        assert np.isfinite(segment.length_px)
        assert segment.length_px > 0
        assert len(segment.points) == len(segment.widths_px) == len(segment.widths_mm)
        assert not (segment.widths_px[np.isfinite(segment.widths_px)] < 0).any()
        assert segment.tortuosity is None or segment.tortuosity >= 1 - 1e-9
