"""The sheet that chest films are drawn on: shapes, lines, blurs and noise in units of the film."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.seeds import stream
from delineate.data.phantoms.chest_plate import Plate, band, curve
from delineate.data.phantoms.chest_vessels import THINNEST, grow

FINE = (512, 512)


def _box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def test_the_middle_of_the_chest_is_the_middle_of_the_film() -> None:
    """x runs to the right from the spine and y down, in shorter sides."""
    plate = Plate((600, 1000))
    assert plate.places(np.array([[0.0, 0.5]])) == pytest.approx(np.array([[499.5, 299.5]]))
    assert plate.places(np.array([[0.5, 1.0]])) == pytest.approx(np.array([[799.5, 599.5]]))


def test_posture_turns_about_the_middle() -> None:
    """A quarter turn, twice the size and a shift, counted by hand."""
    plate = Plate(FINE, tilt_radians=np.pi / 2, scale=2.0, shift=(0.1, -0.25))
    # 0.125 to the right of the middle comes to lie 0.25 above it, and is then shifted.
    place = plate.places(np.array([[0.125, 0.5]]))
    assert place == pytest.approx(np.array([[255.5 + 51.2, 255.5 - 128 - 128]]))


def test_small_films_are_drawn_at_twice_their_size() -> None:
    """And averaged, so that edges are smooth."""
    plate = Plate((64, 64))
    assert plate.size_px == (128, 128)
    layer = np.zeros((128, 128), np.float32)
    layer[:, 1] = 1
    assert plate.film(layer)[:, :2].tolist() == [[0.5, 0.0]] * 64
    large = np.ones(FINE, np.float32)
    assert Plate(FINE).film(large) is large


@given(st.floats(-0.4, 0.1), st.floats(0.1, 0.6), st.floats(0.05, 0.3), st.floats(0.05, 0.3))
def test_an_area_covers_what_it_should(x: float, y: float, wide: float, tall: float) -> None:
    """A box covers its width times its height, and with its smooth edge a little more."""
    layer = Plate(FINE).area(_box(x, y, x + wide, y + tall))
    assert wide * tall < layer.mean() < (wide + 3 / 512) * (tall + 3 / 512)
    assert layer.min() == 0
    assert layer.max() == 1


def test_overlapping_outlines_count_once() -> None:
    """An area is where any outline is."""
    plate = Plate(FINE)
    both = plate.area(_box(0, 0.2, 0.2, 0.4), _box(0.1, 0.2, 0.3, 0.4))
    assert np.abs(both - plate.area(_box(0, 0.2, 0.3, 0.4))).max() < 0.51
    assert both.max() == 1


def test_corners_are_drawn_one_after_the_other() -> None:
    """Where two quadrangles overlap, the later one is seen."""
    plate = Plate(FINE)
    sheet = plate.empty()
    corners = np.stack([_box(-0.2, 0.3, 0.1, 0.6), _box(0.0, 0.3, 0.3, 0.6)])
    plate.draw_corners(sheet, corners, np.array([0.2, 0.8]))
    layer = plate.layer(sheet)
    assert layer[230, 256 - 60] == pytest.approx(0.2, abs=0.01)
    assert layer[230, 256 + 20] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("width", [0.0002, 0.004, 0.03])
def test_blurring_keeps_what_there_is(width: float) -> None:
    """A box blurred finely or, on a coarser grid, widely covers as much as before."""
    plate = Plate(FINE)
    layer = plate.area(_box(-0.1, 0.4, 0.1, 0.6))
    blurred = plate.blurred(layer, width)
    assert blurred.mean() == pytest.approx(layer.mean(), rel=0.01)
    steepest = np.abs(np.diff(blurred[256])).max()
    # A step through a Gaussian rises by 1 / (sigma sqrt(2 pi)) at most.
    assert steepest <= 1.15 / max(1.0, width * 512 * np.sqrt(2 * np.pi))


def test_depth_is_the_way_to_the_edge() -> None:
    """In the middle of a box half its smaller side."""
    plate = Plate(FINE)
    depth = plate.depth(plate.area(_box(-0.1, 0.3, 0.1, 0.8)))
    assert depth.max() == pytest.approx(0.1, abs=0.004)
    assert depth[10, 10] == 0


def test_texture_is_noise_of_unit_strength() -> None:
    """Fine or coarse, its spread is about 1 and neighbours within its width are alike."""
    plate = Plate(FINE)
    for width in (0.004, 0.012, 0.09):
        noise = plate.texture(stream(1, "texture"), width)
        assert noise.shape == FINE
        assert 0.6 < noise.std() < 1.2
        step = max(1, round(0.25 * width * 512))
        assert np.corrcoef(noise[:-step].ravel(), noise[step:].ravel())[0, 1] > 0.7


def test_a_curve_goes_through_its_points() -> None:
    """Open and closed, with so many steps for each point."""
    points = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (2.0, -1.0)])
    assert curve(points, steps=5)[::5] == pytest.approx(points)
    closed = curve(points, is_closed=True, steps=5)
    assert closed[::5] == pytest.approx(points)
    assert len(closed) == 20


def test_a_band_lies_about_its_line() -> None:
    """Both sides of a straight line, at the half width of each point."""
    line = np.array([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)])
    outline = band(line, np.array([0.1, 0.2, 0.3]))
    assert outline[:3] == pytest.approx(np.array([(0, 0.1), (1, 0.2), (2, 0.3)]))
    assert outline[3:] == pytest.approx(np.array([(2, -0.3), (1, -0.2), (0, -0.1)]))


def test_vessels_thin_out_and_stay_within_the_lung() -> None:
    """Dozens of vessels, each thinner on its way, none beyond the edge; thin ones come first."""
    tree = grow(stream(9, "vessels"))
    count = int(tree.vessels.max()) + 1
    assert count > 40
    assert tree.shares.max() <= 0.97
    assert tree.half_widths.min() >= THINNEST
    for number in range(count):
        assert (np.diff(tree.half_widths[tree.vessels == number]) < 0).all()
    first = [tree.half_widths[tree.vessels == number][0] for number in range(count)]
    assert first == sorted(first)
