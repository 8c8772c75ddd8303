"""What an accelerator does to a batch equals what the processor does to each patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from delineate.augment.elastic import bent_map, reach_px, sample_displacements, spline_weights
from delineate.augment.pose import Pose, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.tone import Tone, apply_tone
from delineate.augment.tone_batch import apply_tone_batch
from delineate.augment.warp import warp_labels
from delineate.augment.window import cut_window, window_corner, window_size_px, within_window
from delineate.core.seeds import stream


@pytest.mark.parametrize(("elastic_px", "elastic_grid"), [(0.0, 3), (3.0, 3), (6.0, 5)])
@pytest.mark.parametrize("centre", [(30.0, 33.0), (0.0, 66.0), (-9.0, 80.0)])
def test_windows_hold_all_that_a_patch_shows(centre, elastic_px, elastic_grid):
    """A patch cut from its window is the patch of the whole image, at borders too."""
    settings = AugmentSettings(
        turns=True, rotation_degrees=180, shear_degrees=30, shift_px=9, zoom=1.7, stretch=1.4,
        elastic_px=elastic_px, elastic_grid=elastic_grid,
    )  # fmt: skip
    labels = stream(1, "labels").integers(0, 200, (61, 67), np.uint8)
    rng, patch_px = stream(2, "poses"), (12, 20)
    window_px = window_size_px(patch_px, settings)

    def seen(labels, matrix, displacements):
        bent = displacements is not None
        source = bent_map(matrix, displacements, patch_px) if bent else matrix
        return warp_labels(labels, source, patch_px)

    for _ in range(60):
        matrix = source_matrix(sample_pose(rng, settings, centre), patch_px)
        displacements = sample_displacements(rng, settings)
        corner = window_corner(matrix, patch_px, window_px)
        window = cut_window(labels, corner, window_px)
        assert window.shape == window_px
        patch = seen(window, within_window(matrix, corner), displacements)
        # Moving the origin rounds a few places exactly between two pixels the other way.
        assert (patch != seen(labels, matrix, displacements)).mean() < 0.02


@pytest.mark.parametrize("patch_px", [(12, 20), (31, 31)])
@pytest.mark.parametrize("elastic_grid", [2, 3, 4, 7])
def test_windows_hold_the_worst_displacements(elastic_grid, patch_px):
    """No displacements within three deviations, however they lie, reach out of the window."""
    settings = AugmentSettings(
        elastic_px=5, elastic_grid=elastic_grid, zoom=1.3, rotation_degrees=0
    )
    window_px = window_size_px(patch_px, settings)
    matrix = source_matrix(Pose((0.0, 0.0), zoom=(1 / 1.3, 1 / 1.3)), patch_px)
    matrix = within_window(matrix, window_corner(matrix, patch_px, window_px))
    reach = reach_px(settings, patch_px)
    farthest = 0.0
    rows, columns = (spline_weights(elastic_grid, length) for length in patch_px)
    for down in rows:
        for across in columns:
            worst = 15 * np.sign(np.outer(down, across))[..., None] * np.ones(2)
            for displacements in (worst, -worst):
                source = bent_map(matrix, displacements, patch_px)
                bend = source - bent_map(matrix, 0 * displacements, patch_px)
                farthest = max(farthest, float(np.abs(bend).max()))
                assert source.min() >= 0
                assert source.max() <= window_px[0] - 1
    assert farthest == pytest.approx(reach, rel=1e-4)


def test_tones_of_a_batch_are_those_of_each_patch():
    """Gamma, contrast, brightness and blur agree; a plain tone changes nothing."""
    tones = [
        Tone(),
        Tone(gamma=1.7),
        Tone(contrast=1.4, brightness=(0.1,)),
        Tone(brightness=(0.1, -0.2, 0.05)),
        Tone(blur_px=1.3),
        Tone(gamma=0.6, contrast=0.8, brightness=(-0.1,), blur_px=0.7),
    ]
    patches = stream(3, "patches").random((len(tones), 24, 20, 3), np.float32)
    batch = apply_tone_batch(tones, torch.from_numpy(patches.transpose(0, 3, 1, 2).copy()))
    for tone, patch, toned in zip(tones, patches, batch.numpy(), strict=True):
        assert np.abs(apply_tone(tone, patch) - toned.transpose(1, 2, 0)).max() < 2e-3
    assert (batch[0].numpy().transpose(1, 2, 0) == patches[0]).all()
