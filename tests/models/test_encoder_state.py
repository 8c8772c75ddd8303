"""Weights of other programs enter an encoder whole, or not at all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from delineate.core.errors import SettingsError
from delineate.models.encoder_decoder import EncoderDecoder
from delineate.models.encoder_state import adapted_kernels, load_encoder_state
from delineate.models.torchvision_import import import_smp, import_timm

State = dict[str, Tensor]


def network(encoder: str = "resnet18", channels: int = 3, **more) -> EncoderDecoder:
    """A network in evaluation, of random weights."""
    return EncoderDecoder(channels=channels, classes=1, encoder=encoder, **more).eval()


def timm_model(name: str) -> nn.Module:
    """A whole network of timm, head included, with running statistics of its own."""
    torch.manual_seed(11)
    model = import_timm().create_model(name).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return model


def deepest(encoder: nn.Module, image: Tensor) -> Tensor:
    """The encoder's last maps."""
    with torch.no_grad():
        return encoder(image)[-1]


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18", "test_convnext", "test_resnet"])
def test_features_are_those_of_timm(encoder):
    """With the state of a whole network of timm, the encoder's maps are that network's."""
    model = timm_model(encoder.removeprefix("tu-"))
    filled = network(encoder)
    filled.load_encoder(model.state_dict())
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = model.forward_features(image)
    torch.testing.assert_close(deepest(filled.encoder, image), expected)


def test_features_are_those_of_torchvision():
    """With the state of torchvision's VGG, dense layers left aside, the maps are its own."""
    import_timm()
    from torchvision.models import vgg11

    theirs = vgg11(weights=None).eval()
    filled = network("vgg11")
    filled.load_encoder(theirs.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(deepest(filled.encoder, image), theirs.features(image))


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder",
    ["vgg16", "densenet121", "efficientnet_b4", "mobilenetv3_small_050", "ghostnet_100"],
)
def test_large_states_of_timm_fit(encoder):
    """Whole states of timm fit encoders that leave heads, or last stages, out."""
    network(encoder).load_encoder(import_timm().create_model(encoder).state_dict())


@pytest.mark.parametrize("encoder", ["efficientnet-b0", "mobileone_s0", "mit_b0"])
def test_states_of_the_library_fit(encoder):
    """The library's own names fit its encoders, also where the last layers are removed."""
    state = import_smp().encoders.get_encoder(encoder, weights=None).state_dict()
    filled = network(encoder, channels=1)
    filled.load_encoder(state)
    last = list(filled.encoder.state_dict())[-1]
    assert torch.equal(filled.encoder.state_dict()[last], state[last])


@pytest.mark.parametrize("prefix", ["module.", "encoder.", "model.encoder.", "_orig_mod.module."])
def test_prefixes_are_found(prefix):
    """Names may stand below any prefix, beside a decoder's."""
    model = timm_model("resnet18")
    state = {prefix + name: value for name, value in model.state_dict().items()}
    state |= {"decoder.blocks.0.conv1.weight": torch.zeros(1), "epoch": torch.tensor(1)}
    filled = network()
    filled.load_encoder(state)
    assert torch.equal(filled.encoder.layer4[1].conv2.weight, model.layer4[1].conv2.weight)


def test_old_names_of_densenet_fit():
    """Files of torchvision from before 2018 write norm.1 for norm1."""
    import re

    filled = network("densenet121")
    state = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name): torch.full_like(value, 2)
        for name, value in filled.encoder.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    filled.load_encoder(state)
    assert (filled.encoder.features.denseblock4.denselayer16.conv2.weight == 2).all()


@pytest.mark.parametrize("encoder", ["resnet18", "test_convnext", "vgg11"])
def test_grey_gives_the_features_of_three_equal_channels(encoder):
    """One channel through summed kernels gives what it gives when repeated through three."""
    torch.manual_seed(2)
    colour, adapted = network(encoder), network(encoder, channels=1)
    repeated = network(encoder, channels=1, grey="repeated")
    state = colour.encoder.state_dict()
    adapted.load_encoder(state)
    repeated.load_encoder(state)
    grey = torch.rand(2, 1, 64, 64)
    expected = deepest(colour.encoder, grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(deepest(adapted.encoder, grey), expected, rtol=1e-4, atol=1e-5)
    repeated.decoder.load_state_dict(colour.decoder.state_dict())
    repeated.head.load_state_dict(colour.head.state_dict())
    with torch.no_grad():
        assert torch.equal(repeated(grey), colour(grey.expand(-1, 3, -1, -1)))


def test_kernels_by_hand():
    """Kernels 1, 2, 3 become 6 for one channel, and 1, 2, 3, 1 times 3/4 for four."""
    kernels = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    assert adapted_kernels(kernels, 1).ravel().tolist() == [6.0]
    assert adapted_kernels(kernels, 4).ravel().tolist() == [0.75, 1.5, 2.25, 0.75]
    assert adapted_kernels(kernels, 3).ravel().tolist() == [1.0, 2.0, 3.0]


def test_other_numbers_of_channels_are_taken_in_turn():
    """Five channels take the kernels of red, green, blue, red and green."""
    filled, state = network(channels=5), timm_model("resnet18").state_dict()
    filled.load_encoder(state)
    expected = state["conv1.weight"][:, [0, 1, 2, 0, 1]] * 0.6
    torch.testing.assert_close(filled.encoder.conv1.weight.data, expected)


def test_weights_of_as_many_channels_stay_as_they_are():
    """Weights that were made for one channel enter a network of one channel unchanged."""
    state = network(channels=1).encoder.state_dict()
    filled = network(channels=1)
    filled.load_encoder(state)
    assert torch.equal(filled.encoder.conv1.weight, state["conv1.weight"])


def without(name: str, state: State) -> State:
    """The state less one tensor."""
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: without("layer3.0.conv1.weight", s), "1 of .* missing .* 'layer3.0.conv1.w"),
        (lambda s: without("layer1.0.bn1.running_mean", s), "missing"),
        (lambda s: {}, "missing"),
        (lambda s: {"weight": torch.zeros(3)}, "missing"),
        (lambda s: s | {"layer2.0.conv1.weight": torch.zeros(128, 64, 1, 1)}, r"\(128, 64, 3, 3\)"),
        (lambda s: s | {"conv1.weight": torch.zeros(64, 4, 7, 7)}, r"have \(64, 4, 7, 7\)"),
        (lambda s: s | {"bn1.bias": torch.full((64,), torch.nan)}, "'bn1.bias' .* not finite"),
        (lambda s: s | {"bn1.bias": torch.zeros(64, dtype=torch.int8)}, "quantised"),
        (lambda s: s | {"layer1.2.conv1.weight": torch.zeros(1)}, "1 tensors that this encoder"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_foreign_weights_are_refused_whole(change, reason, channels):
    """What is missing, of another shape, of another network or damaged changes no weight."""
    filled = network(channels=channels)
    before = {name: value.clone() for name, value in filled.state_dict().items()}
    with pytest.raises(SettingsError, match=reason):
        filled.load_encoder(change(timm_model("resnet18").state_dict()))
    assert all(torch.equal(before[name], value) for name, value in filled.state_dict().items())


def test_a_deeper_sibling_is_refused():
    """ResNet-34 holds all tensors of ResNet-18 in their shapes, and is not taken for it."""
    state = import_timm().create_model("resnet34").state_dict()
    with pytest.raises(SettingsError, match=r"96 tensors .* 'layer1_2_bn1_bias'"):
        network().load_encoder(state)


def test_counters_may_be_missing():
    """Files from before torch counted batches fit."""
    state = timm_model("resnet18").state_dict()
    network().load_encoder({k: v for k, v in state.items() if "num_batches" not in k})


def test_half_precision_is_taken():
    """Weights of 16 bits come in as 32."""
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in timm_model("resnet18").state_dict().items()
    }
    filled = network()
    filled.load_encoder(state)
    assert filled.encoder.conv1.weight.dtype == torch.float32
    assert torch.equal(filled.encoder.conv1.weight.half(), state["conv1.weight"])


def test_any_module_can_be_filled():
    """The rules hold for a plain module; what is named as removed may be over."""
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1))
    state = {f"x.{name}": value + 1 for name, value in module.state_dict().items()}
    load_encoder_state(module, state | {"x.2.0.weight": torch.zeros(1)}, removed=["2.0.weight"])
    assert torch.equal(module[1].bias, state["x.1.bias"])
