"""What every network of the catalogue keeps, and the U-Nets in particular."""

from __future__ import annotations

import inspect

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.core.geometry import border_to_multiple, mirrored, unpadded_output_px
from delineate.models.catalogue import CLASSIFIERS, MODELS, build_model
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.unet import UNet

SMALL = {
    "unet": {"width": 4, "depth": 2},
    "unet_original": {"width": 4, "depth": 2},
    "unetpp": {"width": 8, "depth": 2},
    "encoder_decoder": {"encoder": "test_resnet"},
    "uefficientnet": {"encoder": "mnasnet_small", "start_neurons": 2, "dropout": 0.1},
}
SMALL_CLASSIFIERS = {
    "classifier": {"encoder": "test_resnet"},
    "unet_classifier": {"widths": [4, 8]},
}
NORMALISATIONS = ("batch", "instance", "group", "none")


def taking(argument: str, values: tuple) -> list[tuple[str, dict]]:
    """Every network as it is, and those that take an argument with each of its values."""
    takers = [name for name in SMALL if argument in inspect.signature(MODELS[name]).parameters]
    as_they_are = [(name, {}) for name in SMALL if name not in takers]
    return [*as_they_are, *((name, {argument: value}) for name in takers for value in values)]


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
            nn.init.uniform_(module.weight, 0.5, 1.5)  # some residual blocks start at 0
    return network


def lost_px(network: nn.Module) -> int:
    """What unpadded convolutions take from each side."""
    return getattr(network, "lost_px", 0)


def fitting_px(network: nn.Module, length_px: int) -> int:
    """The smallest side of an image that the network takes and that gives so many logits."""
    lost = lost_px(network)
    return unpadded_output_px(length_px, network.stride, lost) + 2 * lost if lost else length_px


def outputs(network: nn.Module, image: Tensor) -> tuple[Tensor, ...]:
    """The logits: several from networks with deep supervision in training."""
    logits = network(image)
    return logits if isinstance(logits, tuple) else (logits,)


def test_every_network_has_a_small_one_here():
    """No network enters the catalogue without these tests."""
    assert set(SMALL) == set(MODELS)
    assert set(SMALL_CLASSIFIERS) == set(CLASSIFIERS)


@pytest.mark.parametrize(("name", "more"), taking("normalisation", NORMALISATIONS))
def test_any_size_comes_back(name, more):
    """Logits have the size of the image but for what is lost, down to one pixel, and are finite."""
    network = small(name, channels=3, classes=2, **more)
    for size_px in [(1, 1), (3, 5), (1, 40), (33, 47), (8, 8)]:
        height, width = (fitting_px(network, length) for length in size_px)
        with torch.no_grad():
            logits = network(torch.rand(2, 3, height, width))
        assert logits.shape == (2, 2, height - 2 * lost_px(network), width - 2 * lost_px(network))
        assert logits.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_smallest_image_trains(name):
    """A batch of one image that makes a single logit gives gradients in training too."""
    network = small(name).train()
    side = fitting_px(network, 1)
    sum(each.sum() for each in outputs(network, torch.rand(1, 1, side, side))).backward()
    assert all(each.grad is not None for each in network.parameters())


@pytest.mark.parametrize(("name", "more"), taking("normalisation", NORMALISATIONS))
def test_every_parameter_learns(name, more):
    """No parameter is left out of the graph, and none has a gradient of zero."""
    network = small(name, classes=2, **more).train()
    side = fitting_px(network, 24)
    logits = outputs(network, torch.rand(2, 1, side, side))
    sum((each * torch.randn_like(each)).sum() for each in logits).backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None, label
        assert parameter.grad.abs().sum() > 0, label


@pytest.mark.parametrize("name", SMALL)
def test_weights_come_back(name):
    """A network of the same arguments gives equal logits with the weights of another."""
    network = small(name, channels=3)
    other = build_model(name, channels=3, classes=1, arguments=SMALL[name]).eval()
    side = fitting_px(network, 20)
    image = torch.rand(1, 3, side, side)
    with torch.no_grad():
        assert not torch.equal(network(image), other(image))
        other.load_state_dict(load(save(network.state_dict())))
        assert torch.equal(network(image), other(image))


@pytest.mark.parametrize("name", SMALL)
def test_weights_of_another_network_are_refused(name):
    """Weights do not enter a network of another number of classes."""
    with pytest.raises(RuntimeError, match="size mismatch"):
        small(name, classes=3).load_state_dict(small(name, classes=4).state_dict())


@pytest.mark.parametrize("name", SMALL)
def test_two_images_overfit(name):
    """Training on a disc and a square brings the loss near nothing, and both come back."""
    network = small(name).train()
    truth = torch.zeros(2, 1, 32, 32)
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    truth[0, 0][(rows - 12) ** 2 + (columns - 14) ** 2 < 60] = 1
    truth[1, 0, 14:26, 8:22] = 1
    side = fitting_px(network, 32)
    image = F.pad(truth, [(side - 32) // 2] * 4, mode="reflect") + 0.1 * torch.rand(
        2, 1, side, side
    )
    truth = centre(truth, side - 2 * lost_px(network))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(80):
        losses = [F.binary_cross_entropy_with_logits(e, truth) for e in outputs(network, image)]
        optimiser.zero_grad()
        sum(losses).backward()
        optimiser.step()
    assert max(losses).item() < 0.15
    assert all(
        ((each > 0) == (truth > 0)).float().mean() > 0.98 for each in outputs(network, image)
    )


def centre(truth: Tensor, side: int) -> Tensor:
    """The middle of masks, mirrored beyond them where it is larger."""
    margin = (side - truth.shape[-1]) // 2
    if margin < 0:
        return truth[..., -margin : side - margin, -margin : side - margin]
    return F.pad(truth, [margin, side - truth.shape[-1] - margin] * 2, mode="reflect")


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


@pytest.mark.parametrize(("name", "more"), [*taking("depth", (0, 1, 3)), *((n, {}) for n in SMALL)])
def test_context_bounds_what_an_output_sees(name, more):
    """A pixel farther away than the context changes nothing, and the bound is tight to a stride."""
    network = small(name, **more).double()
    if not network.has_finite_context:
        assert network.context_px == 0
        return
    for parameter in network.parameters():
        parameter.data.abs_()  # no path is silent, none cancels another
    context, stride, lost = network.context_px, network.stride, lost_px(network)
    rows = fitting_px(network, stride)
    side = fitting_px(network, 2 * context + 4 * stride)
    image = torch.rand(1, 1, rows, side, dtype=torch.float64)
    farthest = 0
    with torch.no_grad():
        before = network(image)[0, 0]
        for place in range(context + stride, context + 3 * stride):
            changed = image.clone()
            changed[..., place] += 50.0
            columns = (network(changed)[0, 0] != before).any(dim=0).nonzero().ravel() + lost
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
    if not network.has_finite_context:
        return  # what enters at the one side changes all
    context, stride, lost = network.context_px, network.stride, lost_px(network)
    side = fitting_px(network, 2 * context + 8 * stride)
    image = torch.rand(1, 1, side, side + stride, dtype=torch.float64)
    with torch.no_grad():
        left, right = network(image[..., :side]), network(image[..., stride:])
    inner = slice(context + stride - lost, side - context - stride - lost)
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
