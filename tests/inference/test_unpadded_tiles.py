"""Unpadded networks over images of any size: mirrored borders, and tiles that change nothing."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.geometry import unpadded_output_px
from delineate.core.seeds import stream
from delineate.inference.preparation import Preparation
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.tiles import Pass, tiled
from delineate.inference.torch_segmenter import torch_pass
from delineate.models.unet_original import OriginalUNet

SIZES = [(1, 1), (1, 40), (3, 5), (20, 20), (21, 57), (130, 75), (64, 200)]
STILL = Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.25,))


def network(*, depth: int = 2, classes: int = 1, width: int = 4) -> OriginalUNet:
    """A small unpadded network."""
    torch.manual_seed(3)
    return OriginalUNet(channels=1, classes=classes, width=width, depth=depth)


def image(height: int, width: int, *, count: int = 1) -> np.ndarray:
    """(N, 1, H, W) network input."""
    return stream(1, "image").standard_normal((count, 1, height, width), np.float32)


def settings(tile_px: int, **more) -> PredictSettings:
    """Tiles of a size, without the margins and blends that only padded networks need."""
    return PredictSettings(tile_px=tile_px, **{"margin_px": 0, "blend_px": 0} | more)


def by_hand(one_pass: Pass, images: np.ndarray, net: OriginalUNet) -> np.ndarray:
    """The whole image in one pass, mirrored by NumPy."""
    height, width = images.shape[-2:]
    lost = net.lost_px
    below = unpadded_output_px(height, net.stride, lost) - height
    right = unpadded_output_px(width, net.stride, lost) - width
    borders = ((0, 0), (0, 0), (lost, lost + below), (lost, lost + right))
    return one_pass(np.pad(images, borders, mode="reflect"))[..., :height, :width]


def remembering(one_pass: Pass) -> tuple[Pass, list[tuple[int, int]]]:
    """The pass, and a list to which it adds the size of every image it saw."""
    sizes = []

    def passed(images):
        sizes.append(images.shape[-2:])
        return one_pass(images)

    return passed, sizes


@pytest.mark.parametrize("size_px", SIZES)
@pytest.mark.parametrize("tile_px", [48, 60, 63, 100, 400])
@pytest.mark.parametrize(("depth", "classes"), [(1, 1), (2, 1), (2, 3)])
def test_tiled_equals_whole(size_px, tile_px, depth, classes):
    """Any image comes back at its size, and no tile changes what one pass over it says."""
    net = network(depth=depth, classes=classes)
    one_pass, sizes = remembering(torch_pass(net))
    inputs = image(*size_px, count=2)
    whole = by_hand(one_pass, inputs, net)
    sizes.clear()
    result = tiled(one_pass, settings(tile_px), net.stride, lost_px=net.lost_px)(inputs)
    assert result.shape == (2, classes, *size_px)
    assert result.dtype == np.float32
    assert all(max(size) <= tile_px for size in sizes)
    assert min(size_px) < 20 or whole.std() > 0.02  # the network is not blind
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-5)
    assert len(sizes) > 1 or max(size_px) + 2 * net.lost_px <= tile_px


def test_four_levels_are_tiled_as_in_the_paper():
    """Tiles of 572 px come to lie 384 px apart, the largest multiple of 16 within their 388."""
    net = network(depth=4, width=1)
    starts = []
    # Each row holds its own number, so that a tile's first output names its start.
    rows = np.arange(1540, dtype=np.float32)[None, None, :, None].repeat(100, axis=3)

    def remember(images):
        starts.append(int(images[0, 0, net.lost_px, 0]))
        return images[..., 92:-92, 92:-92]

    result = tiled(remember, settings(572), 16, lost_px=92)(rows)
    assert starts == [0, 384, 768, 1152]  # and 1152 + 388 = 1540
    assert (result == rows).all()


def test_tiles_of_the_paper_equal_the_whole():
    """At depth 4, too, several tiles of 572 px say what one pass says."""
    net = network(depth=4)
    one_pass, sizes = remembering(torch_pass(net))
    inputs = image(500, 401)
    whole = by_hand(one_pass, inputs, net)
    assert sizes == [(500 + 184, 404 + 184)]
    sizes.clear()
    result = tiled(one_pass, settings(572), net.stride, lost_px=net.lost_px)(inputs)
    assert sizes == [(444, 396)] * 4  # two tiles a side, as small as two can be
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-5)


@given(
    length=st.integers(1, 700),
    tile_px=st.integers(32, 800),
    depth=st.integers(0, 4),
)
def test_places_cover_and_do_not_waste(length, tile_px, depth):
    """Tiles are no larger than asked, none is superfluous, and they lie on the stride."""
    stride, lost_px = 2**depth, 6 * 2**depth - 4
    starts, sizes = [], []

    def remember(images):
        starts.append(int(images[0, 0, 0, lost_px]))
        sizes.append(images.shape[-1])
        return images[..., lost_px:-lost_px, lost_px:-lost_px]

    row = np.arange(length, dtype=np.float32)[None, None, None]
    result = tiled(remember, settings(tile_px), stride, lost_px=lost_px)(row)
    assert (result == row).all()
    size = sizes[0]
    output_px = size - 2 * lost_px
    smallest = unpadded_output_px(1, stride, lost_px)
    assert set(sizes) == {size}
    assert unpadded_output_px(output_px, stride, lost_px) == output_px
    assert size <= max(tile_px, smallest + stride + 2 * lost_px)
    assert all(start % stride == 0 for start in starts)
    steps = {after - before for before, after in pairwise(starts)}
    assert len(starts) == 1 or steps == {output_px - smallest}
    assert starts[-1] < length  # the last tile has something to say
    shorter = output_px - stride
    if len(starts) > 1:
        assert (len(starts) - 1) * (shorter - smallest) + shorter < length
        largest = max((tile_px - 2 * lost_px - smallest) // stride, 1) * stride
        assert (len(starts) - 1) * largest + smallest < length  # one tile fewer would not do


@pytest.mark.parametrize(("margin_px", "blend_px"), [(0, 0), (10, 0), (0, 30), (7, 21)])
def test_margin_and_blend_play_no_role(margin_px, blend_px):
    """Tiles meet without a seam, so that margin and blend change nothing at all."""
    net = network()
    one_pass = torch_pass(net)
    inputs = image(90, 130)
    plain = tiled(one_pass, settings(60), net.stride, lost_px=net.lost_px)(inputs)
    more = settings(60, margin_px=margin_px, blend_px=blend_px)
    assert (tiled(one_pass, more, net.stride, lost_px=net.lost_px)(inputs) == plain).all()


def test_tiles_beside_the_stride_would_differ():
    """A pass over an image moved by one pixel is another one, so the tests above can fail."""
    net = network()
    one_pass = torch_pass(net)
    inputs = image(61, 61)
    moved = by_hand(one_pass, inputs[..., 1:, 1:], net)[..., 20:40, 20:40]
    there = by_hand(one_pass, inputs, net)[..., 21:41, 21:41]
    assert np.abs(moved - there).max() > 1e-3


def test_views_are_turned_back():
    """Flips and turns of an unpadded network agree with the image they turn, at odd sides."""
    net = network()
    rng = stream(4, "picture")
    picture = rng.integers(0, 256, (53, 71, 1)).astype(np.uint8)

    def with_repeats(repeats):
        chosen = settings(60, repeats=repeats)
        segment = segmenter(torch_pass(net), STILL, chosen, net.stride, lost_px=net.lost_px)
        return lambda image: segment([image])[0]

    averaged, single = with_repeats("turns"), with_repeats("single")
    for turned, back in [
        (picture[:, ::-1], lambda result: result[:, :, ::-1]),
        (np.rot90(picture), lambda result: np.rot90(result, -1, axes=(1, 2))),
    ]:
        turned = np.ascontiguousarray(turned)
        assert np.abs(back(averaged(turned)) - averaged(picture)).max() < 1e-5
        assert np.abs(back(single(turned)) - single(picture)).max() > 1e-3
    flips = with_repeats("flips")(picture)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    expected = (single(picture) + single(mirrored)[:, :, ::-1]) / 2
    np.testing.assert_allclose(flips, expected, rtol=0, atol=1e-6)


def test_membranes_in_tiles(shared_data):
    """A real section of 512 px, four tiles of the paper: the same as in one pass."""
    picture = cv2.imread(str(shared_data / "em_membrane/train/image/0.png"), cv2.IMREAD_GRAYSCALE)
    inputs = STILL(picture[..., None])[None]
    net = network(depth=4)
    one_pass, sizes = remembering(torch_pass(net))
    whole = by_hand(one_pass, inputs, net)
    sizes.clear()
    result = tiled(one_pass, settings(572), net.stride, lost_px=net.lost_px)(inputs)
    assert sizes == [(444, 444)] * 4
    assert whole.std() > 0.02
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-5)
