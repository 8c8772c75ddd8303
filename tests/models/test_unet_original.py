"""The published U-Net: its sizes, parameters and start, and what it shares with the padded one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.core.geometry import unpadded_output_px
from delineate.models.unet import UNet
from delineate.models.unet_original import OriginalUNet


def small(*, classes: int = 1, depth: int = 2, width: int = 4) -> OriginalUNet:
    """A small network in evaluation, its biases random too."""
    torch.manual_seed(7)
    network = OriginalUNet(channels=1, classes=classes, width=width, depth=depth).eval()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("classes", [1, 2])
def test_parameters_are_those_of_the_paper(classes):
    """One channel and two classes make 31,030,658, in a binary task and in one of two classes."""
    network = OriginalUNet(channels=1, classes=classes)
    assert sum(each.numel() for each in network.parameters()) == 31_030_658


def test_there_are_23_convolutions():
    """The paper's section 2 counts 23: 18 of 3x3, 4 up-convolutions of 2x2, one of 1x1."""
    kinds = [
        (type(each), each.kernel_size)
        for each in OriginalUNet(channels=1, classes=1, width=1).modules()
        if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert len(kinds) == 23
    assert kinds.count((nn.Conv2d, (3, 3))) == 18
    assert kinds.count((nn.ConvTranspose2d, (2, 2))) == 4
    assert kinds.count((nn.Conv2d, (1, 1))) == 1


def test_maps_have_the_sides_of_figure_1():
    """572 px become 388 by way of every number that stands beside a map in the figure."""
    network = OriginalUNet(channels=1, classes=1, width=1).eval()
    sides = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda _, __, x: sides.append(x.shape[-1]))
    with torch.no_grad():
        logits = network(torch.rand(1, 1, 572, 572))
    down = [570, 568, 282, 280, 138, 136, 66, 64, 30, 28]
    up = [56, 54, 52, 104, 102, 100, 200, 198, 196, 392, 390, 388]
    assert sides == [*down, *up, 388]
    assert logits.shape == (1, 1, 388, 388)
    assert (network.lost_px, network.stride) == (92, 16)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
def test_sides_that_fit_are_those_the_function_says(depth):
    """Among 60 sides in a row, just those pass at which each pooling halves an even number."""
    network = small(depth=depth, width=1)
    lost_px, stride = network.lost_px, network.stride
    for side in range(2 * lost_px - 3, 2 * lost_px + 57):
        x, fits = side, True
        for _ in range(depth):
            x -= 4
            fits &= x % 2 == 0
            x //= 2
        x -= 4
        for _ in range(depth):
            x = 2 * x - 4
            fits &= x > 0
        fits &= x > 0
        if fits:
            with torch.no_grad():
                logits = network(torch.rand(1, 1, side, side))
            assert logits.shape[-2:] == (x, x) == (side - 2 * lost_px, side - 2 * lost_px)
            assert unpadded_output_px(x, stride, lost_px) == x
        else:
            with pytest.raises(SettingsError, match=f"side of {side} px does not fit"):
                network(torch.rand(1, 1, side, side))


@pytest.mark.parametrize(
    ("size_px", "reason"),
    [
        ((572, 570), "570 px does not fit .* takes 92 px and a multiple of 16; use 556 or 572 px"),
        ((189, 572), "189 px .* use 188 or 204 px"),
        ((1, 1), "1 px .* use at least 188 px"),
        ((172, 188), "172 px .* use at least 188 px"),
    ],
)
def test_other_sides_name_the_nearest(size_px, reason):
    """A side that does not fit is refused with those that would."""
    with pytest.raises(SettingsError, match=reason):
        OriginalUNet(channels=1, classes=1, width=1)(torch.rand(1, 1, *size_px))


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_it_equals_the_padded_one_far_from_borders(depth):
    """With the same weights the padded U-Net says the same wherever it sees no border."""
    unpadded = small(classes=2, depth=depth).double()
    padded = UNet(channels=1, classes=2, width=4, depth=depth, normalisation="none").double()
    parameters = zip(unpadded.parameters(), padded.parameters(), strict=True)
    for mine, other in parameters:
        other.data = mine.data
    stride, lost_px = unpadded.stride, unpadded.lost_px
    output_px = unpadded_output_px(3 * stride, stride, lost_px)
    # Cells of the padded network start at its first pixel, those of this one 2 px a level later.
    start = round(padded.context_px / stride + 1) * stride + (-2 * (stride - 1)) % stride
    stop = start + output_px + 2 * lost_px
    image = torch.rand(1, 1, 2 * stop // stride * stride, 2 * stop // stride * stride).double()
    with torch.no_grad():
        expected = padded.eval()(image)[..., start + lost_px : stop - lost_px, :]
        expected = expected[..., start + lost_px : stop - lost_px]
        logits = unpadded(image[..., start:stop, start:stop])
    assert expected.std() > 0.01
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_an_output_sees_as_far_as_it_says(depth):
    """By its gradients an output reaches `context_px` to both sides, and no output farther."""
    network = small(depth=depth).double()
    for parameter in network.parameters():
        parameter.data.abs_()  # no path is silent
    stride, lost_px = network.stride, network.lost_px
    output_px = unpadded_output_px(2 * stride + 8, stride, lost_px)
    across_px = unpadded_output_px(1, stride, lost_px) + 2 * lost_px
    image = torch.rand(1, 1, across_px, output_px + 2 * lost_px, dtype=torch.float64)
    image.requires_grad_()
    logits = network(image)
    before, after = 0, 0
    for place in range(output_px):
        (gradient,) = torch.autograd.grad(logits[0, 0, 0, place], image, retain_graph=True)
        seen = gradient[0, 0].abs().sum(dim=0).nonzero().ravel() - (place + lost_px)
        before, after = max(before, -seen.min().item()), max(after, seen.max().item())
    assert before == after == network.context_px


def test_skips_are_cropped_in_their_middle():
    """With kernels that are their own mirror image, a mirrored image has mirrored logits."""
    network = small().double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            kernel = module.weight.data
            module.weight.data = kernel + kernel.flip(-1) + kernel.flip(-2) + kernel.flip(-1, -2)
    image = torch.rand(1, 1, 60, 76, dtype=torch.float64)
    with torch.no_grad():
        logits = network(image)
        torch.testing.assert_close(network(image.flip(-1)), logits.flip(-1))
        torch.testing.assert_close(network(image.flip(-2)), logits.flip(-2))
    assert not torch.allclose(logits, logits.flip(-1))


def test_one_logit_is_the_two_channels_difference():
    """Sigmoid and binary cross-entropy of it are softmax and cross-entropy of the two channels."""
    one, two = small(classes=1), small(classes=2)
    two.load_state_dict(one.state_dict())
    image = torch.rand(2, 1, 60, 60)
    truth = torch.randint(0, 2, (2, 20, 20))
    with torch.no_grad():
        logit, channels = one(image), two(image)
    assert logit.shape == (2, 1, 20, 20)
    assert channels.shape == (2, 2, 20, 20)
    torch.testing.assert_close(torch.sigmoid(logit)[:, 0], torch.softmax(channels, dim=1)[:, 1])
    torch.testing.assert_close(
        F.binary_cross_entropy_with_logits(logit[:, 0], truth.float()),
        F.cross_entropy(channels, truth),
    )


def test_start_has_the_deviation_of_the_paper():
    """Kernels deviate by sqrt(2 / N), 9 * 64 values in going into a 3x3 one of 64 channels."""
    torch.manual_seed(1)
    network = OriginalUNet(channels=1, classes=1, depth=2)
    second, deepest, up = network.encoder[0][2], network.encoder[2][2], network.up[0]
    for module, incoming in [(second, 9 * 64), (deepest, 9 * 256), (up, 256)]:
        assert module.weight.std().item() == pytest.approx(math.sqrt(2 / incoming), rel=0.02)
        assert abs(module.weight.mean().item()) < 0.002
    assert all(
        not parameter.any()
        for name, parameter in network.named_parameters()
        if name.endswith("bias")
    )


def test_activations_keep_their_scale():
    """From a standard image, each map of the start has about the same mean square."""
    torch.manual_seed(2)
    network = OriginalUNet(channels=1, classes=1, width=16, depth=2).eval()
    squares = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, x: squares.append(x.square().mean().item()))
    with torch.no_grad():
        network(torch.randn(1, 1, 124, 124))
    assert len(squares) == 11
    assert 0.5 < min(squares) <= max(squares) < 12


def test_dropout_is_at_the_end_of_the_contracting_path():
    """The two deepest levels, skips included, drop half of their values in training only."""
    network = small(depth=2).train()
    kept = []

    def remember(_, given, result):
        kept.append((result[given[0] > 0] > 0).float().mean().item())

    network.dropout.register_forward_hook(remember)
    image = torch.rand(1, 1, 124, 124)
    assert not torch.equal(network(image), network(image))
    assert len(kept) == 4
    assert kept == pytest.approx([0.5] * 4, abs=0.05)
    kept.clear()
    assert torch.equal(network.eval()(image), network(image))
    assert kept == [1.0] * 4


def test_dropped_values_are_missing_in_the_skip_too():
    """With everything dropped, what comes out does not depend on the deepest two levels."""
    torch.manual_seed(3)
    network = OriginalUNet(channels=1, classes=1, width=4, depth=1, dropout=1.0).train()
    with torch.no_grad():
        first, second = network(torch.rand(1, 1, 20, 20)), network(torch.rand(1, 1, 20, 20))
    assert torch.equal(first, second)


def test_seed_decides_the_start():
    """Torch's own generator gives the weights."""
    first, second = small().state_dict(), small().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(8)
    other = OriginalUNet(channels=1, classes=1, width=4, depth=2).state_dict()
    assert not torch.equal(first["head.weight"], other["head.weight"])


@pytest.mark.parametrize("arguments", [{"width": 0}, {"depth": -1}])
def test_widths_and_depths_begin_somewhere(arguments):
    """No channels or less than no halving is refused with what came."""
    with pytest.raises(ValueError, match="expected from 1 and 0 on"):
        OriginalUNet(channels=1, classes=1, **arguments)
