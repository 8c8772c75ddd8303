"""One verdict for an image."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.models.catalogue import build_classifier
from delineate.models.classifier import Classifier
from delineate.models.torchvision_import import import_timm

# Convolutions; convolutions whose head is cut off; tokens on a grid; gates with batch norm
# behind a pooling of the whole image.
ENCODERS = ["test_resnet", "mobilenetv3_small_050", "test_convnext", "test_vit", "skresnet18"]


def built(encoder: str = "test_resnet", **more) -> Classifier:
    """A classifier of random weights, the same at each call."""
    torch.manual_seed(4)
    return Classifier(**({"channels": 1, "classes": 2} | more), encoder=encoder)


def require_any_size(network: Classifier) -> None:
    """Any size gives finite logits, and one pixel of one image reaches every parameter."""
    network.train()(torch.rand(1, 1, 1, 1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
    network.eval()
    for height, width in [(1, 1), (3, 5), (33, 70), (64, 32)]:
        with torch.no_grad():
            logits = network(torch.rand(3, 1, height, width))
        assert logits.shape == (3, 2)
        assert logits.isfinite().all()


@pytest.mark.parametrize("head", ["plain", "pneumothorax"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_any_size_gets_a_verdict(encoder, head):
    """Encoders of each family take any size, down to a pixel, and train on one image."""
    require_any_size(built(encoder, head=head))


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder",
    ["densenet121", "vgg16", "efficientnet_b4", "swin_tiny_patch4_window7_224", "hrnet_w18_small"],
)
def test_large_encoders_give_a_verdict(encoder):
    """So do the large ones, Swin's windows included."""
    require_any_size(built(encoder))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_maps_and_verdict_make_the_logits(encoder):
    """The two halves give what the whole gives; a map's cell is a stride of the mirrored image."""
    network = built(encoder).eval()
    side = 3 * network.stride
    image = torch.rand(2, 1, side, side - 5)
    with torch.no_grad():
        maps = network.feature_maps(image)
        assert maps.shape[2:] == (3, 3)
        assert torch.equal(network.verdict(maps), network(image))


@pytest.mark.parametrize("encoder", ["test_resnet", "test_convnext"])
def test_maps_are_those_of_timm(encoder):
    """With the state of a whole network of timm, the maps are the last of that network."""
    torch.manual_seed(8)
    theirs = import_timm().create_model(encoder).eval()
    network = built(encoder, channels=3).eval()
    network.load_encoder(theirs.state_dict())
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network.feature_maps(image), theirs.forward_features(image))


def test_tokens_lie_where_their_patches_do():
    """The maps of a transformer are its patch tokens, row by row, without the class token."""
    network = built("test_vit", channels=3).eval()
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        tokens = network.encoder.forward_features(image)
        maps = network.feature_maps(image)
    skipped = network.encoder.num_prefix_tokens
    assert tokens.shape[1] == skipped + 2 * 3
    assert torch.equal(maps[0, :, 1, 2], tokens[0, skipped + 5])


def test_plain_head_by_hand():
    """The plain head is a linear layer on the mean of the maps."""
    network = built().eval()
    maps = torch.rand(1, 96, 2, 2)
    linear = next(m for m in network.head if isinstance(m, nn.Linear))
    expected = linear.weight @ maps.mean(dim=(2, 3))[0] + linear.bias
    torch.testing.assert_close(network.verdict(maps)[0], expected)


def test_heads_have_the_parameters_of_their_layers():
    """Plain: C x 2 + 2. The pneumothorax work's: C x 1024 + 1024 and 1024 x 2 + 2, with a ReLU."""
    width = 96
    for head, expected in [
        ("plain", width * 2 + 2),
        ("pneumothorax", width * 1024 + 1024 + 1024 * 2 + 2),
    ]:
        network = built(head=head)
        assert sum(each.numel() for each in network.head.parameters()) == expected
    assert any(isinstance(m, nn.ReLU) for m in network.head)


@pytest.mark.slow
def test_densenet_has_the_works_parameters():
    """DenseNet-121 (6,953,856) with dense layers of 1,024 and 2 has 8,005,506 parameters."""
    network = built("densenet121", channels=3, head="pneumothorax")
    dense = 1024 * 1024 + 1024 + 1024 * 2 + 2
    total = sum(each.numel() for each in network.parameters())
    assert total == 6_953_856 + dense == 8_005_506


def test_grey_repeated_and_adapted_agree():
    """The same weights give one channel the same verdict, summed or repeated."""
    state = built(channels=3).encoder.state_dict()
    adapted, repeated = built().eval(), built(grey="repeated").eval()
    for network in (adapted, repeated):
        network.load_encoder(state)
    repeated.head.load_state_dict(adapted.head.state_dict())
    image = torch.rand(2, 1, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(adapted(image), repeated(image), rtol=1e-4, atol=1e-5)
    assert "takes one channel" in adapted.grey_rule
    assert "three times" in repeated.grey_rule


def test_every_parameter_learns():
    """No parameter has a gradient of zero, but for those that start behind a zero."""
    network = built(head="pneumothorax").train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    logits = network(torch.rand(4, 1, 64, 64))
    (logits * torch.randn_like(logits)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_weights_come_back():
    """A classifier of the same arguments gives equal logits with the weights of another."""
    network = built("test_convnext").eval()
    torch.manual_seed(5)
    other = Classifier(channels=1, classes=2, encoder="test_convnext").eval()
    image = torch.rand(2, 1, 50, 50)
    with torch.no_grad():
        assert not torch.equal(network(image), other(image))
        other.load_state_dict(load(save(network.state_dict())))
        assert torch.equal(network(image), other(image))


def test_four_images_overfit():
    """Training tells discs from empty images, in evaluation too."""
    network = built(head="pneumothorax").train()
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    image = 0.3 * torch.rand(4, 1, 48, 48)
    image[:2, 0] += ((rows - 24) ** 2 + (columns - 20) ** 2 < 100).float()
    truth = torch.tensor([1, 1, 0, 0])
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(40):
        loss = F.cross_entropy(network(image), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05
    with torch.no_grad():
        for _ in range(40):
            network(image)  # lets running statistics settle on the last weights
        assert network.eval()(image).argmax(dim=1).tolist() == [1, 1, 0, 0]


def test_dropout_is_before_the_last_layer_only_in_training():
    """Dropout makes training passes differ and leaves evaluation alone."""
    network = built("test_convnext", dropout=0.5, head="pneumothorax")
    maps = torch.rand(1, 64, 2, 2)
    assert not torch.equal(network.train().verdict(maps), network.verdict(maps))
    assert torch.equal(network.eval().verdict(maps), network.verdict(maps))
    assert isinstance(network.head[-2], nn.Dropout)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"encoder": "densnet121"}, "unknown encoder 'densnet121'; did you mean 'densenet121'"),
        ({"encoder": "vgg16_nothing"}, "unknown encoder"),
        ({"encoder": "test_resnet.x"}, "did you mean 'test_resnet.r160_in1k'"),
        ({"encoder": "test_mambaout", "head": "plane"}, "did you mean 'plain'"),
        ({"encoder": "mixer_s32_224"}, "images of any size"),
        ({"encoder": "test_resnet", "dropout": 2.0}, "cannot be built"),
        ({"hed": "plain"}, "did you mean 'head'"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, reason):
    """What does not exist or cannot be a classifier is an error with the reason."""
    with pytest.raises(SettingsError, match=reason):
        build_classifier("classifier", channels=1, classes=2, arguments=arguments)


def test_segmenters_are_no_classifiers():
    """A segmentation network is not taken for a classifier, and is said to be none."""
    with pytest.raises(SettingsError, match=r"'unet': gives masks, .*expected classifier"):
        build_classifier("unet", channels=1, classes=2, arguments={})
