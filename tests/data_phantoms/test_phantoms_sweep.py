"""Frames of one sweep: alike, and no copies of each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from delineate.data.phantoms import fundus, ultrasound
from delineate.data.phantoms.sweep import Sweep, displacement, moved, speckle

SIZE = (168, 232)
DRIFT = (0.2, 1.5)


def _frames(kept: float, count: int = 3) -> list[np.ndarray]:
    anatomy = ultrasound.anatomy(5, 2, SIZE)
    return [
        ultrasound.frame(anatomy, 4, has_nerve=True, sweep=Sweep(step, DRIFT, kept)).image
        for step in range(count)
    ]


def _fine(image: np.ndarray) -> np.ndarray:
    pixels = image.astype(np.float32)
    return (pixels - cv2.GaussianBlur(pixels, (0, 0), 2)).ravel()


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_neighbours_are_alike_at_a_glance_and_differ_in_detail() -> None:
    """Far more alike than frames of other views, and not as alike as copies."""
    first, second, third = _frames(0.5)
    other = ultrasound.frame(ultrasound.anatomy(5, 2, SIZE), 5, has_nerve=True).image
    assert _correlation(first, second) > 0.85 > 0.75 > _correlation(first, other)
    assert 0.2 < _correlation(_fine(first), _fine(second)) < 0.85
    assert _correlation(first, third) < _correlation(first, second)


def test_even_with_all_speckle_kept_the_tissue_has_moved() -> None:
    """No two frames of a sweep are equal, the drift undone or not."""
    first, second = _frames(1.0, 2)
    back = np.float32([[1, 0, -DRIFT[1]], [0, 1, -DRIFT[0]]])
    undone = cv2.warpAffine(second, back, SIZE[::-1], borderMode=cv2.BORDER_REFLECT)
    inside = (slice(10, -10), slice(10, -10))
    assert _correlation(_fine(first[inside]), _fine(undone[inside])) < 0.97


def test_the_mask_moves_with_the_nerve() -> None:
    """After four steps its middle lies as far aside as was told."""
    anatomy = ultrasound.anatomy(5, 2, SIZE)
    masks = [
        ultrasound.frame(anatomy, 4, has_nerve=True, sweep=Sweep(step, DRIFT, 0.5)).mask
        for step in (0, 4)
    ]
    middles = [np.argwhere(mask).mean(axis=0) for mask in masks]
    assert middles[1] - middles[0] == pytest.approx((0.8, 6.0), abs=1.5)


def test_the_first_step_has_not_moved() -> None:
    """The displacement begins at zero."""
    rows, columns = displacement(Sweep(0, DRIFT, 0.5), SIZE, (1, 2, 3))
    assert not rows.any()
    assert not columns.any()


def test_tissue_slides_and_bends_further_with_each_step() -> None:
    """Around the common drift the field varies from place to place, in proportion to the step."""
    once, thrice = (displacement(Sweep(step, DRIFT, 0.5), SIZE, (1, 2, 3)) for step in (1, 3))
    for part, drift in zip(once, DRIFT, strict=True):
        assert part.mean() == pytest.approx(drift, abs=0.15)
        assert np.ptp(part) > 0.2
    assert np.allclose(3 * once[1], thrice[1])


def test_a_layer_moves_by_the_field_in_its_own_columns() -> None:
    """A field of 4 px across moves a layer with half as many columns by 2."""
    layer = np.zeros((8, 10), np.float32)
    layer[3, 4] = 1
    field = (np.zeros((8, 20), np.float32), np.full((8, 20), 4, np.float32))
    assert np.argwhere(moved(layer, field) > 0.5).tolist() == [[3, 6]]


def test_speckle_keeps_its_strength_and_its_share() -> None:
    """Whatever is kept, the power stays; the correlation is the share that is kept."""
    noise = np.random.default_rng(0).standard_normal((2, 90, 100), dtype=np.float32)
    still = (np.zeros((90, 100), np.float32),) * 2
    for kept in (0.0, 0.4, 1.0):
        first, second = (speckle(noise, Sweep(k, (0, 0), kept), still, (1, 2)) for k in (1, 2))
        assert first.std() == pytest.approx(1, abs=0.02)
        assert _correlation(first, second) == pytest.approx(kept, abs=0.02)


def test_an_eye_taken_again_has_its_vessels_moved_and_another_light() -> None:
    """The truth lies elsewhere by the drift, and the picture is not the same one moved."""
    first, again = (
        fundus.photograph(3, 1, size_px=(292, 282), sweep=Sweep(step, (0, 4), 0.5))
        for step in (0, 1)
    )
    kept = np.roll(first.vessels, 4, axis=1) & again.vessels
    assert kept.sum() > 0.8 * again.vessels.sum()
    assert np.array_equal(first.region, again.region)
    assert abs(float(first.image.mean()) - float(again.image.mean())) > 0.5
