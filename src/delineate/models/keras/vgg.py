"""VGG-16: the layers of keras.applications beside the modules of timm."""

from __future__ import annotations

from functools import partial

from delineate.models.keras.layers import (
    Place,
    convolution,
    dense,
    flattened_kernel,
    pointwise_kernel,
)

# Channels of each block, and how many convolutions it has.
_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_LAST_MAP_PX, _HIDDEN = (7, 7), 4096


def vgg16_body() -> tuple[Place, ...]:
    """The 13 convolutions, in the order of the network.

    Source: Simonyan and Zisserman (2015), arXiv:1409.1556, table 1, column D; layer names of
    `keras.applications.VGG16`. timm counts ReLUs and poolings too.
    """
    places, before, index = [], 3, 0
    for block, (channels, depth) in enumerate(_BLOCKS, start=1):
        for layer in range(1, depth + 1):
            name, shape = f"block{block}_conv{layer}", (3, 3, before, channels)
            places.append(convolution(name, f"features.{index}", shape, has_bias=True))
            before = channels
            index += 2
        index += 1
    return tuple(places)


def vgg16_top() -> tuple[Place, ...]:
    """The three dense layers over a map of 7x7, as images of 224x224 leave it.

    timm writes the first two as convolutions and makes no others: a top that Keras built for
    another size of image has a first layer of another width.
    """
    height, width = _LAST_MAP_PX
    flattened = (height * width * _BLOCKS[-1][0], _HIDDEN)
    over_the_map = partial(flattened_kernel, size_px=_LAST_MAP_PX)
    return (
        dense("fc1", "pre_logits.fc1", flattened, over_the_map),
        dense("fc2", "pre_logits.fc2", (_HIDDEN, _HIDDEN), pointwise_kernel),
        dense("predictions", "head.fc", (_HIDDEN, None)),
    )
