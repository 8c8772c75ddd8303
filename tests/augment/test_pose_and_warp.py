"""One pose, two ways of resampling, and nothing invented."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from delineate.augment.elastic import bent_map, sample_displacements
from delineate.augment.pose import Pose, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.tone import sample_tone
from delineate.augment.warp import warp_image, warp_labels
from delineate.augment.warp_batch import sample_images, sample_labels, sampling_grid
from delineate.core.seeds import stream

STILL = AugmentSettings(
    flips=False, rotation_degrees=0, shear_degrees=0, shift_px=0, zoom=1, stretch=1,
    gamma=1, brightness=0, contrast=1, noise=0,
)  # fmt: skip
WILD = AugmentSettings(
    turns=True, rotation_degrees=180, shear_degrees=20, shift_px=9, zoom=1.6, stretch=1.3
)


def sampled(images, labels, matrices, patch_px, displacements=None):
    """Patches of a batch as an accelerator makes them, from NumPy's matrices."""
    bends = None if displacements is None else torch.from_numpy(np.stack(displacements))
    image_px = tuple(images.shape[-2:])
    grid = sampling_grid(torch.from_numpy(np.stack(matrices)), bends, patch_px, image_px)
    return sample_images(images, grid), sample_labels(labels, grid)


def smooth_image(height: int, width: int, channels: int) -> np.ndarray:
    """Random light and dark, smooth enough for interpolation to be judged."""
    noise = stream(1, "image").random((height, width, channels), np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2).reshape(height, width, channels)


def blocks(height: int, width: int) -> np.ndarray:
    """Labels 0, 1, 4 and 255 in blocks of nine pixels."""
    values = stream(2, "labels").choice([0, 1, 4, 255], (height // 9 + 1, width // 9 + 1))
    return np.kron(values, np.ones((9, 9)))[:height, :width].astype(np.uint8)


@pytest.mark.parametrize("patch_px", [(6, 8), (7, 5), (12, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_identity_is_the_crop(dtype, channels, patch_px):
    """A pose that changes nothing returns the pixels about its centre, in their dtype."""
    image = (255 * smooth_image(20, 18, channels)).astype(dtype)
    top, left = 4, 3
    centre = (top + (patch_px[0] - 1) / 2, left + (patch_px[1] - 1) / 2)
    matrix = source_matrix(Pose(centre), patch_px)
    here = (slice(top, top + patch_px[0]), slice(left, left + patch_px[1]))
    patch = warp_image(image, matrix, patch_px)
    assert patch.dtype == dtype
    assert (patch == image[here]).all()
    labels = blocks(20, 18)
    assert (warp_labels(labels, matrix, patch_px) == labels[here]).all()


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_flips_and_quarter_turns_are_exact(turns, is_mirrored):
    """Each of the eight poses is a permutation of the pixels, as NumPy turns and flips."""
    image = stream(3, "pixels").integers(0, 256, (16, 16, 3), np.uint8)
    pose = Pose((7.5, 7.5), is_mirrored=is_mirrored, rotation_degrees=90.0 * turns)
    matrix = source_matrix(pose, (16, 16))
    # The rotation takes the patch to the image clockwise on screen (y points down), so the
    # patch shows the image turned the other way, as `np.rot90` turns; the flip is of the patch.
    expected = np.rot90(image, turns)
    expected = expected[:, ::-1] if is_mirrored else expected
    assert (warp_image(image, matrix, (16, 16)) == expected).all()
    assert (warp_labels(image[..., 0], matrix, (16, 16)) == expected[..., 0]).all()


def test_zoom_enlarges():
    """A square seen at zoom 2 is twice as large, by rows and columns apart."""
    image = np.zeros((41, 41), np.uint8)
    image[16:25, 16:25] = 1
    matrix = source_matrix(Pose((20, 20), zoom=(2.0, 1.0)), (41, 41))
    seen = warp_labels(image, matrix, (41, 41))
    assert seen.any(axis=1).sum() == pytest.approx(18, abs=1)
    assert seen.any(axis=0).sum() == 9


@pytest.mark.parametrize("elastic_px", [0.0, 4.0])
@pytest.mark.parametrize("centre", [(30.0, 33.0), (2.0, 1.0), (-4.0, 70.0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_ways_of_resampling_agree(channels, centre, elastic_px):
    """OpenCV and grid_sample give the same patch, bent or not, also beyond mirrored borders.

    Within 1 % of the range, for OpenCV may place pixels at fractions of 1/32 (a smooth image
    changes by less), and with at most 1 % of the labels on the other side of an edge.
    """
    image, labels = smooth_image(61, 67, channels), blocks(61, 67)
    patch_px = (24, 32)
    rng, settings = stream(4, "poses"), WILD.model_copy(update={"elastic_px": elastic_px})
    matrices = [source_matrix(sample_pose(rng, settings, centre), patch_px) for _ in range(12)]
    bends = [sample_displacements(rng, settings) for _ in range(12)] if elastic_px else None
    tensor = torch.from_numpy(image.transpose(2, 0, 1)).expand(12, -1, -1, -1)
    labelled = torch.from_numpy(labels).expand(12, -1, -1)
    images, masks = sampled(tensor, labelled, matrices, patch_px, bends)
    assert images.shape == (12, channels, *patch_px)
    assert masks.dtype == torch.uint8
    for number, (other, mask) in enumerate(zip(images.numpy(), masks.numpy(), strict=True)):
        source = matrices[number]
        if bends is not None:
            source = bent_map(source, bends[number], patch_px)
        expected = warp_image(image, source, patch_px).transpose(2, 0, 1)
        assert np.abs(expected - other).max() < 0.01
        assert (warp_labels(labels, source, patch_px) != mask).mean() < 0.01


@pytest.mark.parametrize("size_px", [(1, 1), (1, 30), (3, 2)])
def test_images_smaller_than_the_patch_are_mirrored(size_px):
    """Tiny images fill a patch in both ways of resampling, without a strange value."""
    image = stream(5, "tiny").integers(10, 20, (*size_px, 1), np.uint8)
    matrix = source_matrix(Pose(((size_px[0] - 1) / 2, (size_px[1] - 1) / 2)), (8, 8))
    patch = warp_image(image, matrix, (8, 8))
    assert 10 <= patch.min() <= patch.max() < 20
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    other, _ = sampled(tensor, tensor[:, 0], [matrix], (8, 8))
    assert np.abs(other[0, 0].numpy() - patch[..., 0]).max() <= 1


def test_no_class_is_invented():
    """Labels keep to the values that were there, whatever the pose."""
    labels = blocks(50, 50)
    rng = stream(6, "poses")
    for _ in range(50):
        matrix = source_matrix(sample_pose(rng, WILD, (25, 25)), (40, 40))
        assert set(np.unique(warp_labels(labels, matrix, (40, 40)))) <= {0, 1, 4, 255}
        labelled = torch.from_numpy(labels)[None]
        _, mask = sampled(torch.zeros(1, 1, 50, 50), labelled, [matrix], (40, 40))
        assert set(mask.unique().tolist()) <= {0, 1, 4, 255}


def test_same_generator_same_pose():
    """A pose depends on its generator alone."""
    first, again, other = (sample_pose(stream(n, "pose"), WILD, (9, 9)) for n in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (AugmentSettings(), [-0.92647845402648, 0.1900147291775954, 50.065419399512244,
                             0.13825701788022826, 0.885821572731717, 17.543121223649614]),
        (WILD, [0.17082241552872415, 0.6365583887768871, 28.533275429470244,
                0.8141042622878512, -0.314989993290823, 20.86095358049166]),
    ],
)  # fmt: skip
def test_poses_stay_what_they_were(settings, expected):
    """Poses, and what is drawn after them, are those of recipes from before patches were bent.

    The numbers come from the code of that time (7b4d203): the same seed gives the same training.
    """
    rng = stream(9, "patch", 5)
    matrix = source_matrix(sample_pose(rng, settings, (30.0, 33.0)), (24, 32))
    assert matrix.ravel() == pytest.approx(expected, rel=1e-12)
    assert sample_tone(rng, settings, 3).noise_seed == 107283252
    assert sample_displacements(rng, settings) is None
    assert rng.integers(2**31) == 1990057805


def test_settings_at_zero_leave_the_pose():
    """With everything switched off the pose is the plain crop."""
    for step in range(20):
        assert sample_pose(stream(step, "pose"), STILL, (3.5, 4.5)) == Pose((3.5, 4.5))


def test_poses_keep_to_their_ranges_and_use_them():
    """Over many draws each number stays within its setting and comes near both ends."""
    settings = AugmentSettings(
        rotation_degrees=10, shear_degrees=4, shift_px=3, zoom=1.5, stretch=1.2
    )
    rng = stream(7, "pose")
    poses = [sample_pose(rng, settings, (100.0, 50.0)) for _ in range(2000)]
    rows, columns = np.array([pose.centre for pose in poses]).T
    zoom = np.array([pose.zoom for pose in poses])
    for values, low, high in [
        (rows, 97, 103),
        (columns, 47, 53),
        (np.array([pose.rotation_degrees for pose in poses]), -10, 10),
        (np.array([pose.shear_degrees for pose in poses]), -4, 4),
        (np.sqrt(zoom[:, 0] * zoom[:, 1]), 1 / 1.5, 1.5),
        (zoom[:, 0] / zoom[:, 1], 1 / 1.2, 1.2),
    ]:
        reach = (high - low) * 0.02
        assert low - 1e-9 <= values.min() < low + reach
        assert high - reach < values.max() <= high + 1e-9
    assert 0.45 < np.mean([pose.is_mirrored for pose in poses]) < 0.55


def test_turns_take_all_eight_views():
    """Quarter turns with and without mirror come equally often, also where flips are off."""
    settings = STILL.model_copy(update={"turns": True})
    rng = stream(8, "pose")
    poses = [sample_pose(rng, settings, (0, 0)) for _ in range(800)]
    views = [(pose.rotation_degrees, pose.is_mirrored) for pose in poses]
    assert set(views) == {(90.0 * turn, flip) for turn in range(4) for flip in (False, True)}
    assert min(views.count(view) for view in set(views)) > 60
