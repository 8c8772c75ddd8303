"""Layers and places: all of them, each to one, or an error that names what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.layers import Layer
from delineate.models.keras.networks import NETWORKS
from delineate.models.keras.pairing import pair

SOURCE = Path("net.h5")


class Shaped:
    """An array of which only the shape is looked at."""

    dtype = np.dtype("f4")

    def __init__(self, *shape):
        self.shape = shape


def layer(name, **shapes):
    """A layer with arrays of these shapes."""
    return Layer(name, {part: Shaped(*shape) for part, shape in shapes.items()})


def vgg(top=()):
    """VGG-16's 13 convolutions, and a top of dense layers (before, after)."""
    layers, before = [], 3
    for block, (channels, depth) in enumerate(
        [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], start=1
    ):
        for number in range(1, depth + 1):
            name = f"block{block}_conv{number}"
            layers.append(layer(name, kernel=(3, 3, before, channels), bias=(channels,)))
            before = channels
    names = ("fc1", "fc2", "predictions", "more")
    return layers + [
        layer(name, kernel=shape, bias=shape[1:]) for name, shape in zip(names, top, strict=False)
    ]


TOP = ((25088, 4096), (4096, 4096), (4096, 7))


def paired(layers, network="vgg16"):
    """The pairing with a network."""
    return pair(layers, NETWORKS[network], source=SOURCE)


def refusal(layers, network="vgg16"):
    """What is said of layers that do not fit."""
    with pytest.raises(UnreadableFileError, match=r"^net\.h5: these are not the") as refused:
        paired(layers, network)
    return str(refused.value)


def renamed(layers):
    """The same layers under names that Keras gave by itself."""
    return [Layer(f"conv2d_{at + 40}", each.arrays) for at, each in enumerate(layers)]


def test_by_name_in_any_order():
    """Named layers find their places however they lie in the file."""
    found = paired(vgg()[::-1])
    assert found.by == "name"
    assert [layer.name for layer, _ in found.pairs] == [each.name for each in vgg()]
    assert all(layer.name == place.layer for layer, place in found.pairs)


def test_by_order_where_names_say_nothing():
    """Layers of foreign names go one by one, kind by kind."""
    found = paired(renamed(vgg()))
    assert found.by == "order"
    assert [place.layer for _, place in found.pairs] == [each.name for each in vgg()]


def test_top_is_found_or_not():
    """The number of outputs is that of the last dense layer; a file may lack the top."""
    assert paired(vgg()).outputs is None
    assert paired(vgg(TOP)).outputs == 7
    assert paired(vgg(TOP)).pairs[-3][1].module == "pre_logits.fc1"


def test_a_missing_layer_is_named():
    """What the file lacks is told."""
    layers = vgg()
    del layers[7]
    message = refusal(layers)
    assert "as keras.applications builds it: missing: block4_conv1. Name the right" in message


def test_a_surplus_layer_is_named():
    """What the network has no place for is told, whatever it is."""
    extra = [layer("attention", kernel=(1, 1, 512, 8)), layer("group_norm", gamma=(8,), beta=(8,))]
    assert "it: not part of it: attention, group_norm. Name" in refusal(vgg() + extra)


def test_the_same_layer_twice_is_not_lost():
    """Two encoders of one kind in a file are one too many."""
    assert "not part of it: block1_conv1, block1_conv2" in refusal(vgg() + vgg())


def test_a_top_of_another_kind():
    """A top of one dense layer, of four, or for another size of image is refused by name."""
    assert "missing: fc2, predictions" in refusal(vgg([(512, 2)]))
    assert "not part of it: more" in refusal(vgg([*TOP, (7, 2)]))
    small = ((512, 4096), *TOP[1:])
    assert "of another shape: fc1 kernel (512, 4096) for (25088, 4096)" in refusal(vgg(small))


def test_other_shapes_are_told():
    """A greyscale first layer and a bias too few are named with what is expected."""
    layers = vgg()
    layers[0] = layer("block1_conv1", kernel=(3, 3, 1, 64), bias=(64,))
    layers[1] = layer("block1_conv2", kernel=(3, 3, 64, 64))
    assert (
        "of another shape: block1_conv1 kernel (3, 3, 1, 64) for (3, 3, 3, 64), "
        "block1_conv2 without bias. Name" in refusal(layers)
    )


def test_an_array_too_many_is_told():
    """An array that has no place is as bad as a layer."""
    layers = vgg()
    layers[2] = layer("block2_conv1", kernel=(3, 3, 64, 128), bias=(128,), scale=(128,))
    assert "block2_conv1 with scale besides" in refusal(layers)


def test_kernels_in_the_order_of_theano():
    """(after, before, height, width) of Keras 1 on Theano does not pass for Keras' own order."""
    layers = vgg()
    layers[0] = layer("block1_conv1", kernel=(64, 3, 3, 3), bias=(64,))
    assert "block1_conv1 kernel (64, 3, 3, 3) for (3, 3, 3, 64)" in refusal(layers)


def test_another_network_without_names_is_counted():
    """Where only the order could tell, numbers of layers are told, not wrong neighbours."""
    layers = [*renamed(vgg()), layer("norm", gamma=(8,), beta=(8,)), layer("odd", thing=(2,))]
    assert (
        "it: it holds 13 convolution, 1 normalisation, and of no known kind: odd, in place of "
        "13 convolution. Name" in refusal(layers)
    )
    assert "it holds 12 convolution, in place of 13 convolution" in refusal(renamed(vgg())[1:])


def test_another_network_of_known_shapes():
    """A network of the same number of layers and other widths is refused by its shapes."""
    layers = renamed(vgg())
    layers[4], layers[7] = layers[7], layers[4]
    assert "conv2d_47 kernel (3, 3, 256, 512) for (3, 3, 128, 256)" in refusal(layers)


def test_an_empty_file_of_keras():
    """A model without weights is said to have none."""
    assert "it holds no layer with weights, in place of 13 convolution" in refusal([])
