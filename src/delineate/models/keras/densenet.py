"""DenseNet-121: the layers of keras.applications beside the modules of timm."""

from __future__ import annotations

from delineate.models.keras.layers import Place, convolution, dense, normalisation

_BLOCKS = (6, 12, 24, 16)
_GROWTH, _BOTTLENECK, _STEM = 32, 128, 64


def densenet121_body() -> tuple[Place, ...]:
    """120 convolutions and 121 batch normalisations, in the order of the network.

    Source: Huang et al. (2017), arXiv:1608.06993, table 1; layer names of
    `keras.applications.DenseNet121`, with `conv1_conv` for what Keras 2 calls `conv1/conv`.
    """
    places = [
        convolution("conv1_conv", "features.conv0", (7, 7, 3, _STEM), has_bias=False),
        normalisation("conv1_bn", "features.norm0", _STEM),
    ]
    channels = _STEM
    for block, depth in enumerate(_BLOCKS, start=1):
        for layer in range(1, depth + 1):
            places += _dense_layer(block, layer, channels)
            channels += _GROWTH
        if block < len(_BLOCKS):
            places += _transition(block, channels)
            channels //= 2
    return (*places, normalisation("bn", "features.norm5", channels))


def densenet121_top() -> tuple[Place, ...]:
    """The one dense layer, of any number of outputs."""
    return (dense("predictions", "classifier", (1024, None)),)


def _dense_layer(block: int, layer: int, channels: int) -> list[Place]:
    name = f"conv{block + 1}_block{layer}"
    module = f"features.denseblock{block}.denselayer{layer}"
    narrow, wide = (1, 1, channels, _BOTTLENECK), (3, 3, _BOTTLENECK, _GROWTH)
    return [
        normalisation(f"{name}_0_bn", f"{module}.norm1", channels),
        convolution(f"{name}_1_conv", f"{module}.conv1", narrow, has_bias=False),
        normalisation(f"{name}_1_bn", f"{module}.norm2", _BOTTLENECK),
        convolution(f"{name}_2_conv", f"{module}.conv2", wide, has_bias=False),
    ]


def _transition(block: int, channels: int) -> list[Place]:
    name, module = f"pool{block + 1}", f"features.transition{block}"
    shape = (1, 1, channels, channels // 2)
    return [
        normalisation(f"{name}_bn", f"{module}.norm", channels),
        convolution(f"{name}_conv", f"{module}.conv", shape, has_bias=False),
    ]
