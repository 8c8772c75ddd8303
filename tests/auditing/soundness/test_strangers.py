"""Masks that might as well lie beside other images."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.auditing.soundness.foretelling import Glance
from delineate.auditing.soundness.pixel_features import in_cells, pixel_features
from delineate.auditing.soundness.strangers import beside_strangers

COUNT = 15


def glances(order, *, visible: float = 90) -> list[Glance]:
    """Images 0, 1, 2 and so on, each with a bright block, and their masks in this order."""
    images, masks = [], []
    for number in range(COUNT):
        rng = np.random.default_rng(number)
        mask = np.zeros((96, 96), np.float32)
        row, column = rng.integers(0, 60, 2)
        mask[row : row + 20, column : column + 34] = 1
        image = rng.normal(90, 25, mask.shape) + visible * mask
        images.append(np.clip(image, 0, 255).astype(np.uint8)[..., None])
        masks.append(in_cells(mask).reshape(-1, 1))
    return [Glance(n, pixel_features(images[n]), masks[order[n]]) for n in range(COUNT)]


def test_images_know_their_own_masks():
    """Masks that lie beside their images fit these, and no others."""
    found = beside_strangers(glances(range(COUNT)))
    assert found is not None
    assert found.masks == COUNT
    assert found.own > 0.7 > found.others + 0.4
    assert found.are_told_apart


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_masks_fit_any_image(seed):
    """Whichever way they were mixed."""
    found = beside_strangers(glances(np.random.default_rng(seed).permutation(COUNT)))
    assert found is not None
    assert not found.are_told_apart


def test_what_cannot_be_seen_is_not_told_apart():
    """Images that show nothing of their masks know none."""
    found = beside_strangers(glances(range(COUNT), visible=0))
    assert found is not None
    assert not found.are_told_apart


def test_a_single_mask_has_no_others():
    """Nothing can be said of it, nor of masks that are empty."""
    few = glances(range(COUNT))
    assert beside_strangers(few[:1]) is None
    empty = [Glance(each.place, each.features, each.shares * 0) for each in few]
    assert beside_strangers(empty) is None
