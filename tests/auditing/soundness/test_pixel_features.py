"""What a small model may look at."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.auditing.soundness.pixel_features import GRID, in_cells, pixel_features, with_ramps


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Smooth noise in colours."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (20, 24, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((6, 6, 1), np.uint8))


def test_brightness_and_contrast_do_not_matter(picture):
    """Films of other exposure look the same."""
    dimmer = picture.astype(np.float32) * 0.3 + 20
    assert np.allclose(pixel_features(picture), pixel_features(dimmer), atol=1e-3)


def test_turned_images_have_turned_features(picture):
    """Nothing but the place itself depends on where a pixel lies."""
    square = picture[:120, :120]
    cells = pixel_features(square).reshape(GRID, GRID, -1)
    turned = pixel_features(np.rot90(square)).reshape(GRID, GRID, -1)
    assert np.allclose(np.rot90(cells), turned, atol=1e-2)


def test_grey_has_no_colour(picture):
    """The columns of colour are 0 where there is none, so that grey and colour fit together."""
    grey = pixel_features(picture[..., :1])
    assert grey.shape == pixel_features(picture).shape
    assert not grey[:, -2:].any()
    assert pixel_features(picture)[:, -2:].std(axis=0) == pytest.approx([1, 1], abs=1e-3)


def test_a_blank_image_has_no_features():
    """One colour everywhere says nothing, and divides by nothing."""
    assert not pixel_features(np.full((30, 50, 1), 90, np.uint8)).any()


def test_cells_are_shares():
    """A mask in cells says how much of each cell it covers."""
    mask = np.zeros((128, 128), np.float32)
    mask[0, :] = 1
    cells = in_cells(mask)
    assert cells[0] == pytest.approx(np.full(GRID, 0.5))
    assert not cells[1:].any()


def test_ramps_never_change(picture):
    """The mixtures are the same in every call: two images are told apart by the same model."""
    features = pixel_features(picture)
    assert np.array_equal(with_ramps(features), with_ramps(features.copy()))
