"""Smooth random displacements: where they lie, how far they go, and that labels come along."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import distance_transform_edt, map_coordinates

from delineate.augment.elastic import bent_map, reach_px, sample_displacements, spline_weights
from delineate.augment.pose import Pose, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.warp import warp_image, warp_labels
from delineate.core.seeds import stream

BENT = AugmentSettings(elastic_px=10)


def still(patch_px) -> np.ndarray:
    """The map that shows the image from its first pixel, as it is."""
    return source_matrix(Pose(tuple((side - 1) / 2 for side in patch_px)), patch_px)


def bends(displacements, patch_px) -> np.ndarray:
    """(2, H, W): how far right and how far down each pixel is looked up."""
    return bent_map(still(patch_px), displacements, patch_px) - np.indices(patch_px)[::-1]


def test_spline_by_hand():
    """At three points each alone counts; halfway, by the level ends, 19/32, 1/2 and -3/32."""
    weights = spline_weights(3, 5)
    expected = [
        [1, 0, 0],
        [19 / 32, 1 / 2, -3 / 32],
        [0, 1, 0],
        [-3 / 32, 1 / 2, 19 / 32],
        [0, 0, 1],
    ]
    assert weights == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("patch_px", [(40, 61), (7, 2), (1, 1)])
@pytest.mark.parametrize("elastic_grid", [2, 3, 4, 9])
def test_displacements_are_those_of_an_independent_spline(elastic_grid, patch_px):
    """Each pixel is displaced as SciPy's mirrored bicubic spline has it, corners on corners.

    `deform_grid` of elasticdeform 0.5.1, by others after the same paper, gave the same to 2e-14.
    """
    displacements = stream(1, "bends").normal(0, 3, (elastic_grid, elastic_grid, 2))
    down, across = (np.linspace(0, elastic_grid - 1, side) for side in patch_px)
    where = np.stack(np.meshgrid(down, across, indexing="ij"))
    for axis, bend in enumerate(bends(displacements, patch_px)):
        spline = map_coordinates(displacements[..., axis], where, order=3, mode="mirror")
        assert bend == pytest.approx(spline, abs=1e-4)


def test_corners_move_as_drawn():
    """The last point of the first row is the upper right corner; no other point moves with it."""
    displacements = np.zeros((3, 3, 2))
    displacements[0, 2] = (4.0, -7.0)
    right, down = bends(displacements, (33, 47))
    assert (right[0, -1], down[0, -1]) == pytest.approx((4.0, -7.0), abs=1e-5)
    assert np.abs(right).max() == pytest.approx(4.0, abs=1e-5)
    for row, column in [(0, 0), (-1, -1), (-1, 0), (16, 23), (16, -1), (0, 23)]:
        assert (right[row, column], down[row, column]) == pytest.approx((0, 0), abs=1e-5)


def test_deviation_is_as_set_and_cut_at_three():
    """Ten pixels (9.975 as cut) at every point along both axes, never more than thirty."""
    rng = stream(2, "bends")
    drawn = np.stack([sample_displacements(rng, BENT) for _ in range(3000)])
    assert drawn.shape == (3000, 3, 3, 2)
    assert drawn.std(axis=0) == pytest.approx(np.full((3, 3, 2), 9.975), rel=0.05)
    assert abs(drawn.mean()) < 0.2
    assert np.abs(drawn).max() == 30.0


def test_no_displacement_is_the_affine_map():
    """A bend of nothing shows what the matrix shows, to a rounded level and a thirty-second px."""
    image = cv2.GaussianBlur(stream(3, "image").random((70, 80, 3), np.float32), (0, 0), 2)
    rng = stream(3, "poses")
    for _ in range(20):
        matrix = source_matrix(sample_pose(rng, BENT, (35.0, 40.0)), (24, 32))
        source = bent_map(matrix, np.zeros((3, 3, 2)), (24, 32))
        flat = warp_image(image, matrix, (24, 32))
        assert np.abs(warp_image(image, source, (24, 32)) - flat).max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_displacement_everywhere_is_a_shift(dtype, channels):
    """Three to the right and two up at every point shows the pixels there, in their dtype."""
    image = stream(4, "image").integers(0, 255, (30, 40, channels)).astype(dtype)
    displacements = np.tile([3.0, -2.0], (3, 3, 1))
    matrix = source_matrix(Pose((15.5, 20.5)), (12, 16))  # from row 10, column 13
    source = bent_map(matrix, displacements, (12, 16))
    patch = warp_image(image, source, (12, 16))
    assert patch.dtype == dtype
    assert (patch == image[8:20, 16:32]).all()
    labels = image[..., 0].astype(np.uint8)
    assert (warp_labels(labels, source, (12, 16)) == labels[8:20, 16:32]).all()


@pytest.mark.parametrize("size_px", [(24, 32), (5, 3), (1, 1)])
def test_beyond_the_border_the_image_is_mirrored(size_px):
    """A bent patch that leaves the image shows what it would of the image reflected by NumPy."""
    image = stream(5, "image").integers(0, 255, (*size_px, 1), np.uint8)
    reflected = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="reflect")
    matrix = source_matrix(Pose((size_px[0] / 2, size_px[1] / 2)), (24, 32))
    displacements = sample_displacements(stream(5, "bends"), BENT)
    inner = bent_map(matrix, displacements, (24, 32))
    moved = matrix + np.array([[0, 0, 60], [0, 0, 60]])
    outer = bent_map(moved, displacements, (24, 32))
    assert inner.min() < 0
    seen = warp_image(image, inner, (24, 32)).astype(int)
    assert np.abs(seen - warp_image(reflected, outer, (24, 32))).max() <= 1
    labels = warp_labels(image[..., 0], inner, (24, 32))
    assert (labels == warp_labels(reflected[..., 0], outer, (24, 32))).mean() > 0.99


def test_labels_stay_on_their_image():
    """Away from edges, bent labels are where the bent distance to the edge is above nothing."""
    inside = cv2.GaussianBlur(stream(6, "image").random((200, 220), np.float32), (0, 0), 9) > 0.5
    distance = distance_transform_edt(inside) - distance_transform_edt(~inside)
    rng = stream(6, "poses")
    far = 0
    for _ in range(10):
        matrix = source_matrix(sample_pose(rng, BENT, (100.0, 110.0)), (128, 128))
        source = bent_map(matrix, sample_displacements(rng, BENT), (128, 128))
        labels = warp_labels(inside.astype(np.uint8), source, (128, 128))
        height = warp_image(distance.astype(np.float32)[..., None], source, (128, 128))[..., 0]
        is_clear = np.abs(height) > 1.5
        assert set(np.unique(labels)) == {0, 1}
        assert (labels[is_clear] == (height[is_clear] > 0)).all()
        far += is_clear.sum()
    assert far > 100_000


def test_the_papers_displacements_do_not_fold():
    """Ten pixels on 3 x 3 points over 572 px leave every pixel on its side of its neighbours."""
    rng = stream(7, "bends")
    for _ in range(40):
        x, y = bent_map(still((572, 572)), sample_displacements(rng, BENT), (572, 572))
        (x_down, x_right), (y_down, y_right) = np.gradient(x), np.gradient(y)
        stretch = x_right * y_down - x_down * y_right
        assert stretch.min() > 0.5
        assert stretch.max() < 1.7


def test_reach_by_hand():
    """Two points swing nowhere, so that three deviations are all; three points swing by more."""
    two = AugmentSettings(elastic_px=10, elastic_grid=2)
    assert reach_px(two, (64, 64)) == pytest.approx(30)
    assert reach_px(BENT, (572, 572)) == pytest.approx(30 * (11 / 9) ** 2, rel=1e-4)
    assert reach_px(AugmentSettings(), (64, 64)) == 0


def test_same_generator_same_displacements():
    """Displacements depend on their generator alone, and none are drawn where they are off."""
    first, again, other = (sample_displacements(stream(n, "bends"), BENT) for n in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    rng = stream(1, "bends")
    assert sample_displacements(rng, AugmentSettings(elastic_grid=5)) is None
    assert rng.random() == stream(1, "bends").random()


@pytest.mark.parametrize(("name", "value"), [("elastic_px", -1), ("elastic_grid", 1)])
def test_impossible_settings_are_refused(name, value):
    """A negative deviation, or a grid without a far end."""
    with pytest.raises(ValidationError, match=name):
        AugmentSettings(**{name: value})
