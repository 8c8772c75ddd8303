"""The places of the networks' layers."""

from __future__ import annotations

import pytest
import torch

from delineate.models.keras.layers import Kind, flattened_kernel
from delineate.models.keras.networks import NETWORKS
from delineate.models.keras.preprocessing import PREPROCESSINGS

SUFFIXES = {
    Kind.NORMALISATION: ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    Kind.CONVOLUTION: ("weight", "bias"),
    Kind.DENSE: ("weight", "bias"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_places_fill_the_network_of_timm(timm, name):
    """Every tensor of timm's network has one place, and no place is without a tensor."""
    network = NETWORKS[name]
    with torch.device("meta"):
        expected = list(timm.create_model(name).state_dict())
    ours = [
        f"{place.module}.{suffix}"
        for place in network.body + network.top
        for suffix in SUFFIXES[place.kind]
        if suffix != "bias" or place.has_bias
    ]
    assert sorted(ours) == sorted(expected)
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize(
    ("name", "counts"), [("densenet121", (120, 121, 1)), ("vgg16", (13, 0, 3))]
)
def test_networks_have_their_layers(name, counts):
    """Convolutions, normalisations and dense layers are as many as the papers' tables have."""
    places = NETWORKS[name].body + NETWORKS[name].top
    assert tuple(sum(place.kind is kind for place in places) for kind in Kind) == counts
    assert NETWORKS[name].preprocessing in PREPROCESSINGS


def test_a_flattened_map_is_read_as_keras_lays_it():
    """A dense layer behind Flatten is a convolution over the whole map: one weight a pixel."""
    features = torch.rand(2, 5, 2, 3)  # (N, C, H, W)
    kernel = torch.rand(2 * 3 * 5, 4)
    expected = features.permute(0, 2, 3, 1).flatten(1) @ kernel
    ours = torch.from_numpy(flattened_kernel(kernel.numpy(), size_px=(2, 3)).copy())
    assert ours.shape == (4, 5, 2, 3)
    found = torch.nn.functional.conv2d(features, ours).flatten(1)
    torch.testing.assert_close(found, expected)
