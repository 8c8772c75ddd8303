"""The EfficientNet with a residual decoder, against its listing and against timm."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.models.efficientnet_maps import EfficientNetMaps
from delineate.models.torchvision_import import import_timm
from delineate.models.uefficientnet import UEfficientNet


def small(**more) -> UEfficientNet:
    """The smallest of its kind, in evaluation, with running statistics of its own."""
    torch.manual_seed(5)
    arguments = {"channels": 1, "classes": 1, "encoder": "efficientnet_b0", "start_neurons": 1}
    return settled(UEfficientNet(**arguments | more))


def settled(network: nn.Module) -> nn.Module:
    """In evaluation, with running statistics of its own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.fixture(scope="module")
def listed() -> UEfficientNet:
    """The network of the listing: three channels, one class and nothing else said."""
    return UEfficientNet(channels=3, classes=1)


def parameter_count(network: nn.Module) -> int:
    """Numbers that training sets."""
    return sum(each.numel() for each in network.parameters())


def test_parameters_are_those_of_the_listing(listed):
    """As many as Keras 3.15 counts for the listing, less biases that a normalisation removes.

    There: `EfficientNetB4` up to `block6a_expand_activation`, 3,791,504; the decoder, with
    `use_bias=False` in its residual blocks, 7,622,681.
    """
    assert parameter_count(listed.encoder) == 3_791_504
    assert parameter_count(listed) == 3_791_504 + 7_622_681


def test_maps_are_those_of_the_listing(listed):
    """Layers 30, 92, 154 and 342 of that EfficientNet-B4: 144, 192, 336 and 960 channels."""
    with torch.no_grad():
        maps = listed.encoder(torch.rand(1, 3, 64, 96))
    assert [each.shape[1:] for each in maps] == [
        (144, 32, 48),
        (192, 16, 24),
        (336, 8, 12),
        (960, 4, 6),
    ]


def test_stages_join_every_deeper_one(listed):
    """Channels before each stage: up-sampled maps, nearest first, and the encoder's map."""
    joined = [stage[1].in_channels for stage in listed.stages]
    assert joined == [
        128 + 960,
        64 + 128 + 336,
        32 + 64 + 128 + 192,
        16 + 32 + 64 + 128 + 144,
    ]
    assert [len(chain) for chain in listed.up] == [4, 3, 2, 1]


def test_dropout_is_that_of_the_listing(listed):
    """0.3 at the middle and the two deepest stages, 0.1 at the others, half of 0.3 at the end."""
    drops = [each.p for each in listed.modules() if isinstance(each, nn.Dropout)]
    assert drops == [0.3, 0.3, 0.3, 0.1, 0.1, 0.1, 0.15]
    assert {each.p for each in small(dropout=0).modules() if isinstance(each, nn.Dropout)} == {0}


def test_forward_is_that_of_the_listing_written_out():
    """Stage by stage, the logits of the same layers called one after the other."""
    network = small(channels=3, classes=2)
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        conv1, conv2, conv3, conv4 = network.encoder(image)
        conv4 = F.leaky_relu(conv4, 0.1)
        middle = network.middle(F.max_pool2d(conv4, 2))
        (up4, up4_1, up4_2, up4_3), (up3, up3_1, up3_2), (up2, up2_1), (up1,) = network.up
        stage4, stage3, stage2, stage1 = network.stages
        deep4 = up4(middle)
        deep4_1 = up4_1(deep4)
        deep4_2 = up4_2(deep4_1)
        deep3 = up3(stage4(torch.cat([deep4, conv4], dim=1)))
        deep3_1 = up3_1(deep3)
        deep2 = up2(stage3(torch.cat([deep3, deep4_1, conv3], dim=1)))
        deep1 = up1(stage2(torch.cat([deep2, deep3_1, deep4_2, conv2], dim=1)))
        all1 = [deep1, up2_1(deep2), up3_2(deep3_1), up4_3(deep4_2), conv1]
        full = network.full(network.up_to_full(stage1(torch.cat(all1, dim=1))))
        expected = network.head(full)
        torch.testing.assert_close(network(image), expected)


def test_residual_block_is_that_of_the_listing():
    """Both paths are normalised, the convolved one after its activation, and then added."""
    block = small(start_neurons=2).full[2]
    x = torch.randn(1, 2, 6, 7)
    with torch.no_grad():
        _, first_norm, first, second_norm, _, second, last_norm = block.convolved
        y = first(first_norm(F.leaky_relu(x, 0.1)))
        y = last_norm(second(F.leaky_relu(second_norm(y), 0.1)))
        torch.testing.assert_close(block(x), y + block.direct(x))


@pytest.mark.parametrize("encoder", ["efficientnet_b0", "tf_efficientnet_lite0"])
def test_maps_are_those_inside_timms_network(encoder):
    """What timm's own network computes at the same place, from the same weights."""
    torch.manual_seed(0)
    whole = settled(import_timm().create_model(encoder, pretrained=False))
    maps = EfficientNetMaps(encoder, channels=3).eval()
    state = whole.state_dict()
    maps.load_state_dict({name: state[name] for name in maps.state_dict()})
    inside: list[torch.Tensor] = []
    for stage in (1, 2, 3, 5):
        whole.blocks[stage][0].bn1.register_forward_hook(
            lambda module, inputs, output: inside.append(output.clone())
        )
    image = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        whole(image)
        for own, theirs in zip(maps(image), inside, strict=True):
            torch.testing.assert_close(own, theirs)


def test_weights_of_timm_fill_the_encoder():
    """A whole network's state, head and all, gives the encoder its maps; grey by summed colours."""
    torch.manual_seed(1)
    whole = settled(import_timm().create_model("efficientnet_b0", pretrained=False))
    colour, grey = small(channels=3), small()
    repeated = small(grey="repeated")
    for network in (colour, grey, repeated):
        network.load_encoder(whole.state_dict())
    image = torch.rand(1, 1, 32, 64)
    with torch.no_grad():
        expected = colour.encoder(image.expand(-1, 3, -1, -1))
        for own, theirs in zip(grey.encoder(image), expected, strict=True):
            torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-4)
        repeated.load_state_dict(colour.state_dict())
        torch.testing.assert_close(repeated(image), colour(image.expand(-1, 3, -1, -1)))
    assert "takes one channel" in grey.grey_rule
    assert "three times" in repeated.grey_rule
    assert grey.encoder_name == "tu-efficientnet_b0"


def test_foreign_weights_are_refused():
    """Weights of another EfficientNet, or some only, are an error, and change nothing."""
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    other = import_timm().create_model("efficientnet_b1", pretrained=False).state_dict()
    own = import_timm().create_model("efficientnet_b0", pretrained=False).state_dict()
    with pytest.raises(SettingsError, match="of another network"):
        network.load_encoder(other)
    del own["blocks.2.0.conv_pw.weight"]
    with pytest.raises(SettingsError, match=r"blocks\.2\.0\.conv_pw\.weight"):
        network.load_encoder(own)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_up_convolution_doubles_exactly():
    """Every up-convolution gives twice the size, which its neighbours need."""
    for chain in small().up:
        assert chain[0](torch.rand(1, chain[0].in_channels, 3, 5)).shape[-2:] == (6, 10)


def test_what_is_not_used_is_not_built():
    """No block behind the last map that is taken, no head, and no half of a block."""
    names = {name for name, _ in small().encoder.named_parameters()}
    assert not any(name.startswith(("blocks.6", "blocks.5.1", "conv_head")) for name in names)
    assert {name for name in names if name.startswith("blocks.5")} == {
        "blocks.5.0.conv_pw.weight",
        "blocks.5.0.bn1.weight",
        "blocks.5.0.bn1.bias",
    }


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"encoder": "efficientnet_b44"}, "did you mean 'efficientnet_b4'"),
        (
            {"encoder": "resnet18"},
            "'resnet18': expected 4 inverted residual blocks that halve, but got 0",
        ),
        ({"encoder": "vit_tiny_patch16_224"}, "take an EfficientNet"),
        ({"encoder": "mixnet_s"}, "take an EfficientNet"),
        ({"start_neurons": 0}, "expected 1 or more, but got 0"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, reason):
    """An encoder without such maps, or a width that is none, is an error that says so."""
    with pytest.raises(SettingsError, match=reason):
        small(**arguments)
