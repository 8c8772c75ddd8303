"""What the card says of tiles is what tiles do."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from delineate.inference.preparation import Preparation
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass
from delineate.models.catalogue import build_model
from delineate.workflows.tiling import tiling_of

PREPARATION = Preparation(channels=1, full_range=(0, 255), mean=(0.4,), deviation=(0.2,))
IMAGE = np.random.default_rng(3).integers(0, 256, (96, 80, 1)).astype(np.uint8)


def cases(network, image=IMAGE):
    """Validation cases of one image, as `tiling_of` asks them."""

    def judged(network, settings):
        segment = segmenter(torch_pass(network), PREPARATION, settings, network.stride)
        yield segment([image])[0], np.zeros(image.shape[:2], np.uint8)

    return SimpleNamespace(judged=judged, first_size_px=image.shape[:2])


def small(architecture="unet", **arguments):
    """A small network in evaluation."""
    torch.manual_seed(2)
    return build_model(architecture, channels=1, classes=1, arguments=arguments).eval()


def test_a_margin_as_wide_as_the_context_changes_nothing():
    """A network that sees no farther than the margin has nothing to say."""
    network = small(width=4, depth=1)
    settings = PredictSettings(tile_px=64, margin_px=network.context_px, blend_px=4)
    assert tiling_of(network, cases(network), settings) is None


def test_a_margin_below_the_context_is_told():
    """How far the network sees, how wide the margin is, and by how much it matters."""
    network = small(width=4, depth=2)
    said = tiling_of(network, cases(network), PredictSettings(margin_px=4, blend_px=4, tile_px=768))
    assert f"sees {network.context_px} px far" in said.reason
    assert "margin of 4 px" in said.reason
    assert said.tile_px == 48
    assert 0 < said.mean_difference < said.largest_difference < 1


def test_a_network_that_sees_everything_is_told():
    """Instance normalisation takes its statistics of the whole tile; figures are those by hand."""
    network = small(width=4, depth=1, normalisation="instance")
    settings = PredictSettings(margin_px=16, blend_px=8, tile_px=768)
    said = tiling_of(network, cases(network), settings)
    assert "looks at all of a tile" in said.reason
    of_tiles = (settings.model_copy(update={"tile_px": px}) for px in (768, said.tile_px))
    whole, tiled = (
        segmenter(torch_pass(network), PREPARATION, each, 2)([IMAGE])[0] for each in of_tiles
    )
    assert said.largest_difference == pytest.approx(np.abs(whole - tiled).max())
    assert said.mean_difference == pytest.approx(np.abs(whole - tiled).mean())


def test_an_image_of_one_tile_cannot_tell():
    """Where the first image fits the smallest tile the reason stays, and says why no figure."""
    network = small(width=4, depth=2)
    image = IMAGE[:30, :20]
    said = tiling_of(network, cases(network, image), PredictSettings(margin_px=12, blend_px=8))
    assert "of 30 px fits one tile" in said.reason
    assert said.largest_difference is None


def test_unpadded_networks_change_nothing():
    """Their tiles take the surroundings from the image itself."""
    network = small("unet_original", width=2, depth=1)
    assert tiling_of(network, cases(network), PredictSettings()) is None
