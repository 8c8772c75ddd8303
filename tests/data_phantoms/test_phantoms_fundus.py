"""Fundus phantoms: vessels that branch and taper, and a second observer who disagrees a little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from delineate.core.seeds import stream
from delineate.data.phantoms import fundus
from delineate.data.phantoms.vessel_tree import ARTERY, VEIN, grow

SMALL = (292, 283)
CENTRE, FOVEA = (0.75, 0.0), (0.85, 0.1)


@pytest.fixture(scope="module", params=[21, 22, 23])
def picture(request: pytest.FixtureRequest) -> fundus.Fundus:
    """A photograph at half of DRIVE's size."""
    return fundus.photograph(4, int(request.param), size_px=SMALL)


def test_same_seed_gives_the_same_photograph() -> None:
    """A photograph is a function of seed, subject and eye."""
    one, two = (fundus.photograph(4, 21, size_px=(146, 141)) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.vessels, two.vessels)
    assert np.array_equal(one.second, two.second)


def test_the_other_eye_is_another_picture() -> None:
    """A subject has more than one photograph."""
    one, two = (fundus.photograph(4, 21, eye, size_px=(146, 141)) for eye in (1, 2))
    assert not np.array_equal(one.vessels, two.vessels)


def test_the_default_is_the_size_of_drive() -> None:
    """565 wide, 584 high, RGB, and the second observer agrees as humans do."""
    seen = fundus.photograph(1, 1)
    assert seen.image.shape == (584, 565, 3)
    assert seen.vessels.shape == seen.second.shape == seen.region.shape == (584, 565)
    assert 0.7 < _dice(seen.vessels, seen.second) < 0.9


def test_the_field_of_view_is_a_circle(picture: fundus.Fundus) -> None:
    """Area and extents fit one radius."""
    rows, columns = np.nonzero(picture.region)
    tall, broad = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert abs(int(tall) - int(broad)) <= 1
    assert picture.region.sum() == pytest.approx(np.pi * (tall / 2) ** 2, rel=0.02)
    assert columns.min() > 0
    assert columns.max() < SMALL[1] - 1


def test_outside_of_the_field_it_is_dark(picture: fundus.Fundus) -> None:
    """The camera's mask shows no fundus, but for the notch mark."""
    outside = ~ndimage.binary_dilation(picture.region, iterations=3)
    assert np.median(picture.image[outside]) < 20
    assert picture.image[picture.region].mean() > 50


def test_vessels_lie_inside_the_field_of_view(picture: fundus.Fundus) -> None:
    """Nobody marks what the camera does not see."""
    assert not (picture.vessels & ~picture.region).any()
    assert not (picture.second & ~picture.region).any()
    assert 0.07 < picture.vessels.sum() / picture.region.sum() < 0.22


def test_vessels_are_darker_than_what_is_beside_them(picture: fundus.Fundus) -> None:
    """The mask sits on the vessels: green falls across its edge, and a shift spoils the fit."""
    green = picture.image[..., 1].astype(float)

    def contrast(mask: np.ndarray) -> float:
        beside = ndimage.binary_dilation(mask, iterations=3) & ~mask & picture.region
        return float(green[beside].mean() - green[mask & picture.region].mean())

    fit = contrast(picture.vessels)
    assert fit > 3
    for shift in ((0, 2), (0, -2), (2, 0), (-2, 0)):
        assert contrast(np.roll(picture.vessels, shift, axis=(0, 1))) < 0.7 * fit


def test_fine_vessels_are_fainter_than_wide_ones() -> None:
    """Contrast falls with width, down to near the noise."""
    seen = fundus.photograph(4, 21)
    green = ndimage.gaussian_filter(seen.image[..., 1].astype(float), 0.5)
    ground = ndimage.percentile_filter(green[::3, ::3], 60, 11)
    ground = np.kron(ground, np.ones((3, 3)))[: green.shape[0], : green.shape[1]]
    width = ndimage.distance_transform_edt(seen.vessels)
    wide = ndimage.binary_dilation(width > 2.5, iterations=4)
    fine = seen.vessels & ~wide
    loss = ground - green
    assert 0 < loss[fine].mean() < 0.6 * loss[width > 2.5].mean()


def test_every_branch_tapers() -> None:
    """A vessel never widens on its way, and side branches are thinner than their trunks."""
    branches = grow(stream(1, "tree"), CENTRE, FOVEA)
    assert all((np.diff(branch.radii) <= 1e-12).all() for branch in branches)
    means = [
        np.mean([b.radii[0] for b in branches if b.generation == generation])
        for generation in (0, 1, 2)
    ]
    assert means[0] > means[1] > means[2]


def test_veins_are_wider_than_arteries() -> None:
    """Trunks of veins against trunks of arteries, over several eyes."""
    branches = [b for eye in range(6) for b in grow(stream(2, "tree", eye), CENTRE, FOVEA)]
    widths = {
        kind: np.mean([b.radii[0] for b in branches if b.generation == 0 and b.kind == kind])
        for kind in (ARTERY, VEIN)
    }
    assert widths[VEIN] > 1.15 * widths[ARTERY]


def test_trees_branch_and_spare_the_fovea() -> None:
    """Dozens of branches of several generations, none of them in the middle of the macula."""
    branches = grow(stream(3, "tree"), CENTRE, FOVEA)
    assert len(branches) > 40
    assert {branch.generation for branch in branches} >= {0, 1, 2, 3}
    points = np.concatenate([branch.points for branch in branches])
    assert np.hypot(*(points - np.array(FOVEA)).T).min() > 0.1


def test_vessels_wind_without_turning_back() -> None:
    """Longer than the straight way, but not by much: no loops."""
    branches = [b for b in grow(stream(4, "tree"), CENTRE, FOVEA) if len(b.points) > 30]
    for branch in branches:
        steps = np.hypot(*np.diff(branch.points, axis=0).T).sum()
        straight = np.hypot(*(branch.points[-1] - branch.points[0]))
        assert 1.0 < steps / straight < 2.2


def test_the_second_observer_agrees_as_well_as_a_human() -> None:
    """Dice between 0.7 and 0.9, and thin vessels are what is missed."""
    scores = []
    for subject in range(1, 4):
        seen = fundus.photograph(6, subject)
        scores.append(_dice(seen.vessels, seen.second))
        width = ndimage.distance_transform_edt(seen.vessels)
        thick = width > 2.5
        assert seen.second[thick].mean() > seen.second[seen.vessels & ~thick].mean()
    assert all(0.7 < score < 0.9 for score in scores)


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))
