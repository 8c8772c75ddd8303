"""What every network of the catalogue keeps, and the U-Nets in particular."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from delineate.core.errors import SettingsError
from delineate.core.geometry import border_to_multiple, mirrored
from delineate.models.catalogue import MODELS, build_model
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.unet import UNet

SMALL = {
    "unet": {"width": 4, "depth": 2},
}
NORMALISATIONS = ("batch", "instance", "group", "none")


def small(name: str, *, channels: int = 1, classes: int = 1, **more) -> nn.Module:
    """A small network of random weights, in evaluation, with random running statistics."""
    torch.manual_seed(5)
    network = build_model(
        name, channels=channels, classes=classes, arguments=SMALL[name] | more
    ).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1.5, -0.5)  # few ReLUs are silent
            module.running_var.uniform_(0.5, 2.0)
    return network


def test_every_network_has_a_small_one_here():
    """No network enters the catalogue without these tests."""
    assert set(SMALL) == set(MODELS)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("name", SMALL)
def test_any_size_comes_back(name, normalisation):
    """Logits have the size of the image, down to a single pixel, and are finite."""
    network = small(name, channels=3, classes=2, normalisation=normalisation)
    for size_px in [(1, 1), (3, 5), (1, 40), (33, 47), (8, 8)]:
        with torch.no_grad():
            logits = network(torch.rand(2, 3, *size_px))
        assert logits.shape == (2, 2, *size_px)
        assert logits.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_smallest_image_trains(name):
    """A batch of one single pixel gives a loss and gradients in training too."""
    network = small(name).train()
    network(torch.rand(1, 1, 1, 1)).sum().backward()
    assert all(each.grad is not None for each in network.parameters())


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_learns(name, normalisation):
    """No parameter is left out of the graph, and none has a gradient of zero."""
    network = small(name, classes=2, normalisation=normalisation).train()
    logits = network(torch.rand(2, 1, 24, 24))
    (logits * torch.randn_like(logits)).sum().backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None, label
        assert parameter.grad.abs().sum() > 0, label


def test_parameters_are_those_counted_by_hand():
    """Width 2, depth 1, one channel in, one class out: 9 kernels as listed, plus the rest."""
    network = UNet(channels=1, classes=1, width=2, depth=1)
    down = (9 * 1 * 2 + 4) + (9 * 2 * 2 + 4)  # 3x3 kernels without bias; batch norm's two each
    bottom = (9 * 2 * 4 + 8) + (9 * 4 * 4 + 8)
    up = 4 * 4 * 2 + 2  # 2x2 up-convolution with bias
    decoder = (9 * 4 * 2 + 4) + (9 * 2 * 2 + 4)
    head = 2 * 1 + 1
    expected = down + bottom + up + decoder + head
    assert sum(each.numel() for each in network.parameters()) == expected == 447


def test_width_limit_holds():
    """No level is wider than 512 channels."""
    network = UNet(channels=1, classes=1, width=200, depth=3, normalisation="none")
    widths = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert max(widths) == 512


def test_widths_replace_width_and_depth():
    """A width a level is taken as it is, and does not go with the other two."""
    network = UNet(channels=1, classes=1, widths=[3, 5])
    assert network.stride == 2
    assert network.decoder[0][0][0].in_channels == 6
    with pytest.raises(ValueError, match="replaces `width` and `depth`"):
        UNet(channels=1, classes=1, widths=[3, 5], depth=1)


@pytest.mark.parametrize("more", [{}, {"depth": 0}, {"depth": 1}, {"depth": 3}])
@pytest.mark.parametrize("name", SMALL)
def test_context_bounds_what_an_output_sees(name, more):
    """A pixel farther away than the context changes nothing, and the bound is tight to a stride."""
    network = small(name, **more).double()
    for parameter in network.parameters():
        parameter.data.abs_()  # no path is silent, none cancels another
    context, stride = network.context_px, network.stride
    assert network.has_finite_context
    side = 2 * context + 4 * stride
    image = torch.rand(1, 1, stride, side, dtype=torch.float64)
    farthest = 0
    with torch.no_grad():
        before = network(image)[0, 0]
        for place in range(context + stride, context + 3 * stride):
            changed = image.clone()
            changed[..., place] += 50.0
            columns = (network(changed)[0, 0] != before).any(dim=0).nonzero().ravel()
            reach = (columns - place).abs().max().item()
            assert reach <= context
            farthest = max(farthest, reach)
    assert farthest > context - stride  # the bound is not idle


@pytest.mark.parametrize("normalisation", ["instance", "group"])
def test_normalising_over_the_image_sees_all_of_it(normalisation):
    """Networks that normalise over the image say that their context is not finite."""
    assert not small("unet", normalisation=normalisation).has_finite_context


@pytest.mark.parametrize("name", SMALL)
def test_shift_by_the_stride_shifts_the_logits(name):
    """Away from the border, an image moved by whole strides has its logits moved with it."""
    network = small(name).double()
    context, stride = network.context_px, network.stride
    side = 2 * context + 8 * stride
    image = torch.rand(1, 1, side, side + stride, dtype=torch.float64)
    with torch.no_grad():
        left, right = network(image[..., :side]), network(image[..., stride:])
    inner = slice(context + stride, side - context - stride)
    moved = slice(inner.start - stride, inner.stop - stride)
    torch.testing.assert_close(left[..., inner, inner], right[..., inner, moved])
    assert (left[..., inner, inner] != right[..., inner, inner]).any()


@pytest.mark.parametrize("size_px", [(1, 1), (1, 9), (5, 3), (17, 30), (16, 48)])
def test_mirror_matches_the_one_of_tiles(size_px):
    """Networks and tiles mirror alike, so that either may do it."""
    image = torch.rand(1, 2, *size_px)
    border = border_to_multiple(size_px, 16)
    padded, (rows, columns) = mirrored_to_multiple(image, 16)
    assert torch.equal(padded[:, :, rows, columns], image)
    expected = mirrored(image[0].numpy(), border)
    height, width = expected.shape[1:]
    assert (padded[0, :, :height, :width].numpy() == expected).all()


def test_mirror_leaves_what_fits():
    """A size that is a multiple already is not copied."""
    image = torch.rand(1, 1, 32, 16)
    padded, _ = mirrored_to_multiple(image, 16)
    assert padded is image


def test_seed_decides_the_weights():
    """The same seed gives the same network."""
    first, second = small("unet").state_dict(), small("unet").state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"depth": -1}, "cannot be built"),
        ({"width": "many"}, "cannot be built"),
        ({"normalisation": "bach"}, "cannot be built"),
        ({"widht": 4}, "did you mean 'width'"),
        ({"dropout": 3.0}, "cannot be built"),
        ({"channels": 3}, "unknown argument"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, reason):
    """An argument that does not exist or does not fit is an error with the reason."""
    with pytest.raises(SettingsError, match=reason):
        build_model("unet", channels=1, classes=1, arguments=arguments)


def test_unknown_architecture_proposes_the_nearest():
    """A misspelt architecture gets the nearest name."""
    with pytest.raises(SettingsError, match="did you mean 'unet'"):
        build_model("unett", channels=1, classes=1, arguments={})
