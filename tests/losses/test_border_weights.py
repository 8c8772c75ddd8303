"""Border weights by hand, against distances over the whole image, and on real membranes."""

from __future__ import annotations

from math import exp
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from delineate.core.types import IGNORE
from delineate.losses.border_weights import border_weights

Labels = NDArray[np.uint8]


def term(labels: Labels, **settings: float) -> NDArray[np.float32]:
    """The second term of equation 2 of one image (H, W)."""
    whole = border_weights(labels[None], **settings)
    return np.asarray(whole - border_weights(labels[None], **settings | {"w0": 0.0}))[0]


def brute_force(labels: Labels, w0: float = 10.0, sigma_px: float = 5.0) -> NDArray[np.float64]:
    """The same from the distance of every pixel to every object, sorted."""
    distances = []
    for index in set(np.unique(labels)) - {0, IGNORE}:
        parts, count = ndimage.label(labels == index)  # corners do not connect
        for part in range(1, count + 1):
            distances.append(ndimage.distance_transform_edt(parts != part))
    if len(distances) < 2:
        return np.zeros(labels.shape)
    nearest, second = np.sort(distances, axis=0)[:2]
    each = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma_px**2))
    return np.where(labels == 0, each, 0)


def scattered(seed: int, *, classes: int = 1, count: int = 60) -> Labels:
    """Discs of several sizes and classes, some cut by the edge, and a ragged ignored corner."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((90, 110), np.uint8)
    for _ in range(count):
        centre = (int(rng.integers(0, 110)), int(rng.integers(0, 90)))
        cv2.circle(labels, centre, int(rng.integers(0, 7)), int(rng.integers(1, classes + 1)), -1)
    labels[70:, 80:][rng.random((20, 30)) < 0.7] = IGNORE
    return labels


def test_the_gap_by_hand():
    """Between two pixels three apart, distances are 1 + 2; beside them 1 + 4."""
    labels = np.zeros((1, 6), np.uint8)
    labels[0, [1, 4]] = 1
    inside, outside = 10 * exp(-(3**2) / 50), 10 * exp(-(5**2) / 50)
    assert term(labels)[0] == pytest.approx([outside, 0, inside, inside, 0, outside])


def test_settings_by_hand():
    """w0 is the height and sigma_px the width."""
    labels = np.array([[1, 0, 1]], np.uint8)
    assert term(labels, w0=4.0, sigma_px=2.0)[0, 1] == pytest.approx(4 * exp(-4 / 8))


def test_parts_that_meet_at_a_corner_are_two():
    """A slanting gap one pixel wide parts its two sides."""
    labels = np.ones((5, 5), np.uint8) - np.eye(5, dtype=np.uint8)
    assert np.diag(term(labels)) == pytest.approx([10 * exp(-4 / 50)] * 5)
    two = np.array([[1, 0], [0, 1]], np.uint8)
    assert term(two)[0, 1] == pytest.approx(10 * exp(-4 / 50))


def test_classes_are_objects_of_their_own():
    """Two classes that touch are two objects, seen from the background beside them."""
    labels = np.array([[1, 2, 0]], np.uint8)
    assert term(labels)[0] == pytest.approx([0, 0, 10 * exp(-(3**2) / 50)])


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_objects_have_no_border(count):
    """An image needs two objects for a gap, whatever its neighbours in the batch hold."""
    labels = np.zeros((2, 7, 7), np.uint8)
    labels[0, 3, : 3 * count] = 1
    labels[1, 3, [1, 4]] = 1
    weights = border_weights(labels)
    assert len(np.unique(weights[0][labels[0] == 0])) == 1
    assert len(np.unique(weights[1][labels[1] == 0])) > 1


def test_ignored_pixels_weigh_nothing_and_part_nothing():
    """They are neither object nor background; distances go across them."""
    labels = np.array([[1, IGNORE, 0, 1]], np.uint8)
    weights = border_weights(labels[None])[0, 0]
    assert weights[1] == 0
    assert term(labels)[0] == pytest.approx([0, 0, 10 * exp(-(3**2) / 50), 0])


def test_classes_weigh_the_same():
    """Over the whole batch each class that is held has the same sum, and the mean is 1."""
    labels = np.zeros((2, 4, 5), np.uint8)
    labels[0, 0, :3], labels[1, 2, 2], labels[1, 3] = 1, 3, IGNORE
    weights = border_weights(labels, w0=0.0)
    counted_px = 2 * 20 - 5
    for index in (0, 1, 3):
        assert weights[labels == index].sum() == pytest.approx(counted_px / 3)
    assert weights.sum() == pytest.approx(counted_px)
    assert weights.dtype == np.float32


def test_nothing_counted_weighs_nothing():
    """A batch that is ignored altogether gives zeros, not NaN."""
    assert (border_weights(np.full((1, 3, 3), IGNORE, np.uint8)) == 0).all()


@pytest.mark.parametrize("sigma_px", [1.0, 5.0, 12.3])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_windows_agree_with_the_whole_image(seed, classes, sigma_px):
    """Distances in windows give the weights of distances over all, within 4e-6 of w0."""
    labels = scattered(seed, classes=classes)
    expected = brute_force(labels, sigma_px=sigma_px)
    assert (expected > 1).any()
    np.testing.assert_allclose(term(labels, sigma_px=sigma_px), expected, rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_any_integer_will_do(dtype):
    """Label arrays of other integers give the same."""
    labels = scattered(0)[None]
    assert np.array_equal(border_weights(labels.astype(dtype)), border_weights(labels))


def test_weights_are_the_same_in_every_run():
    """No last digit depends on where arrays lie in memory."""
    labels = scattered(0)[None]
    expected = border_weights(labels)
    occupied = []
    for size in range(1, 40):
        occupied.append(np.zeros(997 * size, np.uint8))
        assert np.array_equal(border_weights(labels), expected)


def test_turned_labels_turn_the_weights():
    """No direction is preferred."""
    labels = scattered(1, classes=2)
    np.testing.assert_allclose(term(labels.T.copy()), term(labels).T, atol=1e-5)


def test_real_membranes_part_their_cells(shared_data: Path):
    """Thin membranes weigh most, thick dark bodies and cell interiors little."""
    file = shared_data / "em_membrane/train/label/0.png"
    labels = (cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) == 255).astype(np.uint8)
    found = term(labels)
    depth_px = ndimage.distance_transform_edt(labels == 0)
    is_thick = depth_px > 9
    is_near_thick = cv2.dilate(is_thick.astype(np.uint8), np.ones((41, 41))) == 1
    is_thin = (labels == 0) & ~is_near_thick
    assert is_thick.sum() > 50
    assert found[is_thin].mean() > 3
    assert found[is_thick].max() < 10 * exp(-(18**2) / 50)
    assert (found[labels == 1] == 0).all()
