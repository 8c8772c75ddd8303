"""Encoders by name with decoders by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from delineate.core.errors import SettingsError
from delineate.inference.settings import PredictSettings
from delineate.inference.tiles import tiled
from delineate.models.catalogue import build_model
from delineate.models.encoder_decoder import DECODERS, EncoderDecoder
from delineate.models.torchvision_import import import_smp

OTHERS = [
    ("resnet18", "unet"),
    ("mobilenetv3_small_050", "unet"),
    ("test_convnext", "unet"),  # its first maps are four times smaller than the image
    ("test_convnext", "linknet"),
    ("mit_b0", "segformer"),
]
LARGE = [
    (encoder, decoder)
    for encoder in ("vgg16", "vgg16_bn", "densenet121", "efficientnet-b4")
    for decoder in DECODERS
    if not (decoder == "deeplabv3plus" and encoder.startswith(("vgg", "densenet")))
]
SIZES = [(1, 1), (3, 5), (1, 40), (33, 47), (64, 32)]


def built(encoder: str, decoder: str = "unet", **more) -> EncoderDecoder:
    """A network of random weights, the same at each call."""
    torch.manual_seed(3)
    return EncoderDecoder(
        **({"channels": 1, "classes": 2} | more), encoder=encoder, decoder=decoder
    )


def require_any_size(network: EncoderDecoder) -> None:
    """Any size comes back finite, and every parameter is reached from a single pixel."""
    network.train()(torch.rand(1, 1, 1, 1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
    network.eval()
    for size_px in SIZES:
        with torch.no_grad():
            logits = network(torch.rand(1, 1, *size_px))
        assert logits.shape == (1, 2, *size_px)
        assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("encoder", "decoder"), [*(("test_resnet", decoder) for decoder in DECODERS), *OTHERS]
)
def test_any_size_comes_back(encoder, decoder):
    """Every decoder takes every size, and trains on one pixel of one image."""
    require_any_size(built(encoder, decoder))


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "decoder"), LARGE)
def test_any_size_comes_back_from_large_encoders(encoder, decoder):
    """The encoders of the five works go with every decoder that can hold them."""
    require_any_size(built(encoder, decoder))


@pytest.mark.parametrize("decoder", ["unet", "deeplabv3plus"])
def test_logits_are_those_of_the_library(decoder):
    """At sizes that need no border, the logits are segmentation-models-pytorch's own."""
    network = built("resnet18", decoder, channels=3).eval()
    theirs = getattr(import_smp(), DECODERS[decoder])(
        "resnet18", encoder_weights=None, classes=2
    ).eval()
    theirs.load_state_dict(renamed(network.state_dict()))
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        assert torch.equal(network(image), theirs(image))


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our names as those of segmentation-models-pytorch."""
    return {
        f"segmentation_head.{name.removeprefix('head.')}" if name.startswith("head.") else name: t
        for name, t in state.items()
    }


@pytest.mark.parametrize(
    ("encoder", "widths"),
    [
        ("vgg16", [64, 128, 256, 512, 512, 512]),
        pytest.param("vgg16_bn", [64, 128, 256, 512, 512, 512], marks=pytest.mark.slow),
    ],
)
def test_vgg_keeps_its_five_levels(encoder, widths):
    """Maps of VGG lie at 1, 2, 4, 8, 16 and 32 times the image's size, and all its kernels stay."""
    network = built(encoder).eval()
    with torch.no_grad():
        maps = network.encoder(torch.rand(1, 1, 64, 96))
    assert [tuple(each.shape) for each in maps] == [
        (1, width, 64 >> level, 96 >> level) for level, width in enumerate(widths)
    ]
    kernels = [m for m in network.encoder.modules() if isinstance(m, nn.Conv2d)]
    assert len(kernels) == 13
    norms = [m for m in network.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == (13 if encoder.endswith("bn") else 0)
    assert (network.stride, network.removed) == (32, ())


@pytest.mark.slow
def test_vgg_has_the_published_parameters():
    """VGG-16 has 14,714,688 parameters without its dense layers (Simonyan and Zisserman 2015)."""
    network = built("vgg16", channels=3)
    assert sum(each.numel() for each in network.encoder.parameters()) == 14_714_688


@pytest.mark.slow
def test_densenet_has_the_published_parameters():
    """DenseNet-121 has 6,953,856 parameters without its last layer, as torchvision counts."""
    network = built("densenet121", channels=3)
    assert sum(each.numel() for each in network.encoder.parameters()) == 6_953_856


def test_what_no_output_needs_is_gone():
    """EfficientNet's last layers, which decoders do not read, are neither kept nor saved."""
    network = built("efficientnet-b0")
    assert "encoder._conv_head.weight" in network.removed
    assert not any("_conv_head" in name or "_bn1.run" in name[:16] for name in network.state_dict())


@pytest.mark.parametrize(
    ("channels", "grey", "enter", "rule"),
    [
        (1, "adapted", 1, "takes one channel"),
        (1, "repeated", 3, "three times"),
        (3, "adapted", 3, "as they are"),
        (3, "repeated", 3, "as they are"),
        (4, "adapted", 4, "takes 4 channels"),
    ],
)
def test_channels_enter_as_is_said(channels, grey, enter, rule):
    """The first convolution takes the channels that the rule in words says."""
    network = built("test_resnet", channels=channels, grey=grey).eval()
    first = next(m for m in network.encoder.modules() if isinstance(m, nn.Conv2d))
    assert first.in_channels == enter
    assert rule in network.grey_rule
    assert network(torch.rand(1, channels, 9, 9)).shape == (1, 2, 9, 9)


@pytest.mark.parametrize("encoder", ["vgg11", "resnet18", "mobilenet_v2"])
def test_context_bounds_what_an_output_sees(encoder):
    """Past the stated context a pixel changes nothing; within two strides of it, it does."""
    network = built(encoder, classes=1).double().eval()
    for parameter in network.parameters():
        parameter.data.abs_()  # no path is silent, none cancels another
    assert network.has_finite_context
    context, stride = network.context_px, network.stride
    place = context + stride
    image = torch.zeros(1, 1, stride, 2 * place, dtype=torch.float64)
    farthest = 0
    with torch.no_grad():
        before = network(image)[0, 0]
        for moved in (0, stride // 2, stride - 1):
            changed = image.clone()
            changed[..., place + moved] = 1e6
            columns = (network(changed)[0, 0] != before).any(dim=0).nonzero().ravel()
            reach = (columns - place - moved).abs().max().item()
            assert reach <= context
            farthest = max(farthest, reach)
    assert farthest > context - 2 * stride


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [("efficientnet-b0", "unet"), ("test_convnext", "unet"), ("resnet18", "fpn")],
)
def test_networks_that_see_everything_claim_no_context(encoder, decoder):
    """Squeeze-and-excitation, group normalisation and what nobody measured claim no context."""
    network = built(encoder, decoder)
    assert not network.has_finite_context
    assert network.context_px == 0


@pytest.mark.slow
def test_tiles_equal_the_whole_image():
    """VGG-16 in tiles, with its context as their margin, equals itself on the whole image."""
    network = built("vgg16_bn", classes=1).eval()

    def one_pass(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return torch.sigmoid(network(torch.from_numpy(images))).numpy()

    image = np.random.default_rng(0).random((1, 1, 40, 1500), np.float32)
    settings = PredictSettings(tile_px=640, margin_px=network.context_px, blend_px=16)
    whole = one_pass(image)
    np.testing.assert_allclose(
        tiled(one_pass, settings, network.stride)(image), whole, rtol=0, atol=1e-5
    )
    idle = settings.model_copy(update={"margin_px": 16})
    assert np.abs(tiled(one_pass, idle, network.stride)(image) - whole).max() > 1e-5


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"encoder": "resnt18"}, "unknown encoder 'resnt18'; did you mean 'resnet18'"),
        ({"encoder": "timm-skresnet18"}, "unknown encoder"),
        (
            {"encoder": "resnet18", "decoder": "unett"},
            "unknown decoder 'unett'; did you mean 'unet'",
        ),
        ({"encoder": "resnet18.a1_in1"}, "did you mean 'resnet18.a1_in1k'"),
        ({"encoder": "vgg11", "decoder": "deeplabv3plus"}, "cannot be built .*dilated"),
        ({"encoder": "vit_tiny_patch16_224"}, "cannot be built"),
        ({"encoder": "resnet18", "grey": "gray"}, "expected grey 'adapted' or 'repeated'"),
        ({"encoder": "resnet18", "channels": 2}, "unknown argument"),
        ({}, "expected the argument encoder"),
    ],
)
def test_wrong_names_are_one_line(arguments, reason):
    """Names that do not exist or do not go together are an error with the reason."""
    with pytest.raises(SettingsError, match=reason):
        build_model("encoder_decoder", channels=1, classes=1, arguments=arguments)


def test_repeating_is_for_one_channel():
    """Two channels cannot be repeated to three."""
    with pytest.raises(SettingsError, match="these have 2"):
        build_model(
            "encoder_decoder",
            channels=2,
            classes=1,
            arguments={"encoder": "resnet18", "grey": "repeated"},
        )


@pytest.mark.slow
def test_an_encoder_of_one_size_is_refused_or_freed():
    """Swin takes any size when asked to; MaxViT's windows do not, and the error says so."""
    assert built("swin_tiny_patch4_window7_224").eval()(torch.rand(1, 1, 70, 33)).shape[2] == 70
    with pytest.raises(ValueError, match="images of one size only"):
        built("maxvit_nano_rw_256")


def test_the_library_s_prefix_is_taken():
    """`tu-` before a name chooses timm's network where both libraries have one."""
    assert built("resnet18").encoder_name == "resnet18"
    assert built("tu-resnet18").encoder_name == "tu-resnet18"
    assert built("test_resnet").encoder_name == "tu-test_resnet"


def test_random_state_decides_the_weights():
    """The same seed gives the same network, and building one consumes the same numbers."""
    first, second = built("test_resnet"), built("test_resnet")
    after = torch.rand(1)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    built("test_resnet")
    assert torch.equal(after, torch.rand(1))


def test_running_statistics_follow_short_trainings():
    """EfficientNet's hundredth a step is a tenth here: ten equal batches bring them close."""
    network = EncoderDecoder(channels=1, classes=1, encoder="efficientnet-b0").train()
    momenta = {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    assert momenta == {0.1}
    norm = network.encoder._bn0
    image = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        for _ in range(30):
            network(image)
        seen = network.encoder._conv_stem(image)
    torch.testing.assert_close(norm.running_mean, seen.mean(dim=(0, 2, 3)), rtol=0.06, atol=1e-3)
