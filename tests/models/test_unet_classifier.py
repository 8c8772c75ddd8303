"""The way down of a U-Net as a classifier."""

from __future__ import annotations

import pytest
import torch

from delineate.core.errors import SettingsError
from delineate.models.catalogue import build_classifier, build_model
from delineate.models.encoder_weights import encoder_normalisation, start_encoder
from delineate.models.unet_classifier import UNetClassifier

LEVELS = {"widths": [4, 6, 8]}


def built(**more: object) -> UNetClassifier:
    """A small one."""
    torch.manual_seed(3)
    arguments = LEVELS | more
    network = build_classifier("unet_classifier", channels=1, classes=2, arguments=arguments)
    assert isinstance(network, UNetClassifier)
    return network


@pytest.mark.parametrize("has_head", [False, True])
def test_levels_of_a_segmenter_are_taken_over(has_head: bool) -> None:
    """Its deepest maps are those of the U-Net, with or without a head for presence."""
    torch.manual_seed(5)
    segmenter = build_model(
        "unet", channels=1, classes=1, arguments=LEVELS, presence_head=has_head
    ).eval()
    images = torch.rand(2, 1, 20, 24)
    network = built().eval()
    unet = segmenter.network if has_head else segmenter
    with torch.no_grad():
        expected = unet.with_deepest(images)[1]
        assert not torch.allclose(network.feature_maps(images), expected)
        assert network.load_encoder(segmenter.state_dict()) is False
        torch.testing.assert_close(network.feature_maps(images), expected)


def test_levels_of_another_network_are_refused() -> None:
    """Other widths are named with their shapes."""
    other = build_model("unet", channels=1, classes=1, arguments={"widths": [4, 8, 8]})
    with pytest.raises(SettingsError, match="of another network"):
        built().load_encoder(other.state_dict())
    with pytest.raises(SettingsError, match="tensors are missing"):
        built().load_encoder(
            build_model("unet", channels=1, classes=1, arguments={"widths": [4, 6]}).state_dict()
        )


def test_any_size_gives_a_verdict_that_reaches_every_parameter() -> None:
    """One pixel is enough, and the largest value of a map counts beside its mean."""
    network = built()
    network.train()(torch.rand(2, 1, 5, 7)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
    for size in [(1, 1), (3, 9), (16, 16)]:
        assert network.eval()(torch.rand(3, 1, *size)).shape == (3, 2)
    features = torch.zeros(1, 8, 2, 2)
    spread, peak = features + 0.25, features.clone()
    peak[..., 0, 0] = 1.0
    with torch.no_grad():
        assert not torch.allclose(network.verdict(spread), network.verdict(peak))


def test_starts_that_nobody_hands_out_are_refused() -> None:
    """There are no pretrained weights of it, and no colours that it expects."""
    with pytest.raises(SettingsError, match="has no weights of ImageNet"):
        start_encoder(built(), "imagenet")
    with pytest.raises(SettingsError, match="expects no colours of its own"):
        encoder_normalisation("unet", "random")
    with pytest.raises(SettingsError, match="its encoder is 'unet', found 'resnet18'"):
        built(encoder="resnet18")
    assert start_encoder(built(), "random") == "encoder unet from random weights, not pretrained"
