"""Tiled equals untiled, weights sum to one, views are turned back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from delineate.core.seeds import stream
from delineate.inference.repeats import VIEWS, view_average
from delineate.inference.settings import PredictSettings
from delineate.inference.tiles import tiled
from delineate.inference.torch_segmenter import torch_pass
from delineate.models.catalogue import build_model


def network(name: str, classes: int = 1, **arguments) -> nn.Module:
    """A small network in which few ReLUs are silent, with random running statistics."""
    torch.manual_seed(3)
    built = build_model(name, channels=1, classes=classes, arguments=arguments)
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1.5, -0.5)
            module.running_var.uniform_(0.5, 2.0)
        if isinstance(module, nn.Conv2d):
            module.weight.data *= 2
    return built


def image(height: int, width: int) -> np.ndarray:
    """(1, 1, H, W) network input."""
    return stream(1, "image").standard_normal((1, 1, height, width), np.float32)


def remembering(one_pass):
    """The pass, and a list to which it adds the size of every image it saw."""
    sizes = []

    def passed(images):
        sizes.append(images.shape[-2:])
        return one_pass(images)

    return passed, sizes


@pytest.mark.parametrize(
    ("name", "classes", "arguments"),
    [
        ("unet", 1, {"width": 4, "depth": 2}),
        ("unet", 3, {"width": 4, "depth": 1}),
    ],
)
def test_tiled_equals_untiled(name, classes, arguments):
    """With batch normalisation, float32 and a margin not below the context: within 1e-4.

    The image has odd sides, so that its mirrored border matters too.
    """
    net = network(name, classes, **arguments)
    one_pass, sizes = remembering(torch_pass(net))
    inputs = image(237, 171)
    whole = one_pass(inputs)
    settings = PredictSettings(
        tile_px=2 * net.context_px + 8 + 40, margin_px=net.context_px, blend_px=8
    )
    sizes.clear()
    result = tiled(one_pass, settings, net.stride)(inputs)
    assert len(sizes) > 6
    assert all(max(size) <= settings.tile_px for size in sizes)
    assert result.shape == (1, classes, 237, 171)
    assert whole.std() > 0.02  # the network is not blind
    assert np.abs(result - whole).max() < 1e-4


def test_cheap_margin_differs_and_blending_softens_it():
    """A margin below the context changes the result a little, so the test above can fail."""
    net = network("unet", width=4, depth=2)
    one_pass = torch_pass(net)
    inputs = image(150, 150)
    settings = PredictSettings(tile_px=64, margin_px=2, blend_px=8)
    difference = np.abs(tiled(one_pass, settings, net.stride)(inputs) - one_pass(inputs)).max()
    assert 1e-4 < difference < 0.5


@pytest.mark.parametrize("stride", [1, 4, 16, 64])
@pytest.mark.parametrize(("margin_px", "blend_px"), [(0, 0), (0, 32), (32, 32), (5, 3), (8, 8)])
def test_weights_sum_to_one_everywhere(stride, margin_px, blend_px):
    """A pass that returns its input gives it back, for every margin, blend and stride."""
    settings = PredictSettings(
        tile_px=max(32, 2 * margin_px + blend_px + 1), margin_px=margin_px, blend_px=blend_px
    )
    inputs = image(211, 97)
    result = tiled(lambda images: images, settings, stride)(inputs)
    assert np.abs(result - inputs).max() < 1e-5


def test_margins_are_thrown_away():
    """What a pass says near the edge of its tile never reaches the result."""
    settings = PredictSettings(tile_px=64, margin_px=9, blend_px=10)

    def poisoned(images):
        result = np.ones_like(images)
        result[..., :9, :] = result[..., -9:, :] = 1e6
        result[..., :9] = result[..., -9:] = 1e6
        return result

    result = tiled(poisoned, settings, 4)(image(300, 200))
    assert np.abs(result[..., 9:-9, 9:-9] - 1).max() < 1e-4


def test_tiles_lie_on_the_stride():
    """Each tile begins at a multiple of the stride, and small images are one pass."""
    starts = []
    marks = np.arange(200 * 104, dtype=np.float32).reshape(1, 1, 200, 104)

    def remember(images):
        starts.append(divmod(int(images[0, 0, 0, 0]), 104))
        return images

    tiled(remember, PredictSettings(tile_px=50, margin_px=3, blend_px=4), 8)(marks)
    assert len(starts) > 4
    assert all(row % 8 == 0 and column % 8 == 0 for row, column in starts)
    starts.clear()
    tiled(remember, PredictSettings(tile_px=200), 8)(marks)
    assert starts == [(0, 0)]


@pytest.mark.parametrize("repeats", ["flips", "turns"])
def test_average_turns_with_the_image(repeats):
    """A mirrored or turned image has the mirrored or turned probability, non-square too."""
    net = network("unet", width=4, depth=1)
    average = view_average(torch_pass(net), repeats)
    single = view_average(torch_pass(net), "single")
    inputs = image(24, 40)
    for turns, is_mirrored in VIEWS[repeats]:

        def view(array, turns=turns, is_mirrored=is_mirrored):
            array = np.rot90(array, turns, axes=(2, 3))
            return np.ascontiguousarray(array[..., ::-1] if is_mirrored else array)

        assert np.abs(average(view(inputs)) - view(average(inputs))).max() < 1e-5
    flipped = np.ascontiguousarray(inputs[..., ::-1])
    assert np.abs(single(flipped) - single(inputs)[..., ::-1]).max() > 1e-3


def test_views_are_those_promised():
    """One view, two flips, and all eight turns and flips, each once."""
    assert [len(VIEWS[name]) for name in ("single", "flips", "turns")] == [1, 2, 8]
    square = np.arange(9.0).reshape(1, 1, 3, 3).astype(np.float32)
    seen = []

    def remember(images):
        seen.append(images.tobytes())
        return images

    view_average(remember, "turns")(square)
    assert len(set(seen)) == 8


@pytest.mark.parametrize("size_px", [(1, 1), (1, 8), (8, 1)])
def test_views_of_a_line_run_forwards(size_px):
    """A side of one pixel, mirrored, is one that torch takes too."""

    def one_pass(images):
        return torch.from_numpy(images).numpy()

    line = np.arange(8.0, dtype=np.float32)[: size_px[0] * size_px[1]].reshape(1, 1, *size_px)
    for repeats in ("flips", "turns"):
        assert np.array_equal(view_average(one_pass, repeats)(line), line)


def test_several_classes_still_sum_to_one():
    """Softmax channels sum to 1 after tiles and views."""
    net = network("unet", 3, width=4, depth=1)
    settings = PredictSettings(tile_px=32, margin_px=4, blend_px=4, repeats="turns")
    result = view_average(tiled(torch_pass(net), settings, net.stride), "turns")(image(70, 50))
    assert np.abs(result.sum(axis=1) - 1).max() < 1e-5


def test_classes_that_overlap_have_a_sigmoid_each():
    """Each channel is the sigmoid of its own logit, in tiles as in one pass."""
    net = network("unet", 3, width=4, depth=1)
    inputs = image(32, 32)
    with torch.inference_mode():
        logits = net.eval()(torch.from_numpy(inputs)).numpy()
    found = torch_pass(net, is_overlapping=True)(inputs)
    assert np.abs(found - 1 / (1 + np.exp(-logits))).max() < 1e-5
    margin_px = net.context_px
    settings = PredictSettings(tile_px=4 * margin_px, margin_px=margin_px, blend_px=4)
    one_pass, larger = torch_pass(net, is_overlapping=True), image(90, 71)
    in_tiles = tiled(one_pass, settings, net.stride)(larger)
    assert np.abs(in_tiles - one_pass(larger)).max() < 1e-4


def test_bfloat16_is_near_float32():
    """The cheaper precision gives float32 probabilities close to those of float32."""
    net = network("unet", width=4, depth=1)
    inputs = image(32, 32)
    cheap = torch_pass(net, precision="bfloat16")(inputs)
    exact = torch_pass(net)(inputs)
    assert cheap.dtype == np.float32
    assert 0 < np.abs(cheap - exact).max() < 0.05
