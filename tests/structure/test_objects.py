"""Objects of masks are as large, long and turned as they were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.measure import label, regionprops

from delineate.structure.objects import measured_objects

MASKS = arrays.arrays(
    np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.booleans()
)
SIDES = st.floats(0.05, 5)


def disc(radius, *, spacing=(1.0, 1.0), size=(160, 160)):
    """A disc in mm, whatever the shape of a pixel."""
    down, right = np.indices(size)
    middle = [(side - 1) / 2 * step for side, step in zip(size, spacing, strict=True)]
    return np.hypot(down * spacing[0] - middle[0], right * spacing[1] - middle[1]) < radius


def test_two_objects_counted_by_hand():
    """Three pixels about a corner and a single one: the larger comes first."""
    mask = np.array([[0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]], bool)
    probability = np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5)
    corner, dot = measured_objects(mask, probability, spacing_mm=(2.0, 3.0))
    assert (corner.number, corner.area_px, corner.area_mm2) == (1, 3, 18.0)
    assert corner.centroid_px == (pytest.approx(5 / 3), pytest.approx(1 / 3))
    assert corner.box_px == (1, 0, 2, 2)
    assert corner.mean_probability == pytest.approx((5 + 10 + 11) / 3 / 14)
    assert (dot.number, dot.area_px, dot.area_mm2) == (2, 1, 6.0)
    assert dot.centroid_px == (0.0, 4.0)
    assert dot.box_px == (0, 4, 1, 1)
    assert dot.major_axis_px == dot.minor_axis_px == dot.orientation_degrees == 0
    # Lines along rows and columns enter it once, and those on both diagonals, sqrt(1/2) apart.
    assert dot.perimeter_px == pytest.approx(np.pi / 4 * (2 + 2 / np.sqrt(2)))


def test_an_empty_mask_has_no_object():
    """Nothing is measured where nothing is."""
    assert measured_objects(np.zeros((4, 5), bool), spacing_mm=(1, 1)) == []


def test_pixels_that_touch_by_a_corner_are_one_object():
    """Eight neighbours count."""
    (only,) = measured_objects(np.eye(4, dtype=bool))
    assert (only.area_px, only.orientation_degrees) == (4, pytest.approx(-45))
    (other,) = measured_objects(np.eye(4, dtype=bool)[::-1])
    assert other.orientation_degrees == pytest.approx(45)


def test_equal_objects_are_numbered_in_reading_order():
    """Of two rings, one in the other's row, the first pixel decides."""
    mask = np.zeros((5, 9), bool)
    mask[2, 0:2] = mask[1, 6:8] = mask[4, 4:6] = True
    assert [each.box_px[:2] for each in measured_objects(mask)] == [(1, 6), (2, 0), (4, 4)]


def test_lengths_in_mm_are_unknown_without_a_spacing():
    """And so is the probability without a map."""
    (only,) = measured_objects(np.ones((3, 3), bool))
    assert only.area_mm2 is None
    assert only.perimeter_mm is only.major_axis_mm is only.minor_axis_mm is None
    assert only.mean_probability is None


@given(MASKS)
def test_as_scikit_image_measures(mask):
    """Areas, perimeters, axes, angles, places and means are those of `regionprops`."""
    probability = np.random.default_rng(3).random(mask.shape, np.float32)
    found = measured_objects(mask, probability)
    peers = regionprops(label(mask, connectivity=2), intensity_image=probability)
    peers.sort(key=lambda peer: (-peer.area, peer.coords[0].tolist()))
    assert [each.number for each in found] == list(range(1, len(peers) + 1))
    for mine, peer in zip(found, peers, strict=True):
        assert mine.area_px == peer.area
        assert mine.perimeter_px == pytest.approx(peer.perimeter_crofton)
        assert mine.major_axis_px == pytest.approx(peer.axis_major_length, abs=1e-6)
        assert mine.minor_axis_px == pytest.approx(peer.axis_minor_length, abs=1e-6)
        assert mine.centroid_px == pytest.approx(peer.centroid)
        top, left, bottom, right = peer.bbox
        assert mine.box_px == (top, left, bottom - top, right - left)
        assert mine.mean_probability == pytest.approx(peer.intensity_mean, abs=1e-6)
        if peer.axis_major_length - peer.axis_minor_length > 1e-3:
            # There from the column of pixels, here from the row, both anticlockwise.
            turn = (mine.orientation_degrees - np.degrees(peer.orientation) - 90) % 180
            assert min(turn, 180 - turn) < 1e-4
        assert -90 < mine.orientation_degrees <= 90


@given(MASKS, SIDES, SIDES)
def test_axes_in_mm_are_those_of_places_in_mm(mask, height_mm, width_mm):
    """Moments are taken in mm: of slanted objects that is no scaling of those in px."""
    found = measured_objects(mask, spacing_mm=(height_mm, width_mm))
    peers = regionprops(label(mask, connectivity=2), spacing=(height_mm, width_mm))
    peers.sort(key=lambda peer: (-peer.num_pixels, peer.coords[0].tolist()))
    for mine, peer in zip(found, peers, strict=True):
        assert mine.area_mm2 == pytest.approx(peer.area)
        assert mine.major_axis_mm == pytest.approx(peer.axis_major_length, abs=1e-6)
        assert mine.minor_axis_mm == pytest.approx(peer.axis_minor_length, abs=1e-6)


@given(MASKS, SIDES)
def test_square_pixels_scale_all_lengths(mask, side_mm):
    """With as many mm to the row as to the column, lengths in mm are lengths in px times that."""
    for each in measured_objects(mask, spacing_mm=(side_mm, side_mm)):
        assert each.perimeter_mm == pytest.approx(each.perimeter_px * side_mm)
        assert each.major_axis_mm == pytest.approx(each.major_axis_px * side_mm)
        assert each.area_mm2 == pytest.approx(each.area_px * side_mm**2)


@given(MASKS)
def test_a_mirrored_object_is_turned_the_other_way(mask):
    """All else stays but the place."""
    first = sorted((x.area_px, x.perimeter_px, x.major_axis_px) for x in measured_objects(mask))
    last = sorted(
        (x.area_px, x.perimeter_px, x.major_axis_px) for x in measured_objects(mask[:, ::-1])
    )
    assert np.asarray(first).ravel() == pytest.approx(np.asarray(last).ravel(), abs=1e-9)
    (whole,) = measured_objects(np.pad(np.eye(3, 5, 1, bool), 1))
    (mirrored,) = measured_objects(np.pad(np.eye(3, 5, 1, bool), 1)[:, ::-1])
    assert whole.orientation_degrees == pytest.approx(-mirrored.orientation_degrees)


@pytest.mark.parametrize("radius_px", [10, 20, 60])
def test_the_perimeter_of_a_disc(radius_px):
    """Within 2 %, and its two axes are its diameter."""
    (found,) = measured_objects(disc(radius_px))
    assert found.perimeter_px == pytest.approx(2 * np.pi * radius_px, rel=0.02)
    assert found.major_axis_px == pytest.approx(2 * radius_px, rel=0.02)
    assert found.minor_axis_px == pytest.approx(2 * radius_px, rel=0.02)


@pytest.mark.parametrize("spacing", [(0.5, 1.0), (1.0, 0.4), (0.8, 0.9)])
def test_a_disc_in_mm_is_round_whatever_its_pixels_are(spacing):
    """Its perimeter is within 2 %; pixels times the mean of both sides would be far off."""
    mask = disc(25.0, spacing=spacing)
    (found,) = measured_objects(mask, spacing_mm=spacing)
    assert found.perimeter_mm == pytest.approx(50 * np.pi, rel=0.02)
    assert found.major_axis_mm == pytest.approx(50, rel=0.02)
    assert found.minor_axis_mm == pytest.approx(50, rel=0.02)
    assert found.area_mm2 == pytest.approx(np.pi * 625, rel=0.02)


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, -10, -60])
def test_the_orientation_of_a_line(line, degrees):
    """Anticlockwise from the horizontal, where the fixture turns clockwise."""
    (found,) = measured_objects(line(120, degrees, 8, 80))
    assert found.orientation_degrees == pytest.approx(-degrees, abs=0.5)


def test_an_upright_line_stands_at_ninety():
    """Not at minus ninety, which is the same."""
    mask = np.zeros((9, 5), bool)
    mask[1:8, 2] = True
    assert measured_objects(mask)[0].orientation_degrees == 90


def test_the_edge_of_the_image_is_edge_of_the_object():
    """A full image is as long around as the same block in a larger one."""
    (full,) = measured_objects(np.ones((20, 30), bool))
    (inside,) = measured_objects(np.pad(np.ones((20, 30), bool), 5))
    assert full.perimeter_px == inside.perimeter_px
    assert full.perimeter_px == pytest.approx(100, rel=0.08)
