"""What networks are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

Normalisation = Literal["batch", "instance", "group", "none"]

_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "group": lambda channels: nn.GroupNorm(8 if channels % 8 == 0 else 1, channels),
    "none": lambda channels: nn.Identity(),
}


def convolution(before: int, after: int, normalisation: Normalisation) -> nn.Sequential:
    """A padded 3x3 convolution, normalisation and ReLU.

    A normalisation takes the mean away, so that a bias before it would have no effect.
    """
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=normalisation == "none"),
        _NORMALISATIONS[normalisation](after),
        nn.ReLU(inplace=True),
    )


def double_convolution(before: int, after: int, normalisation: Normalisation) -> nn.Sequential:
    """Two of them, as at every level of a U-Net."""
    return nn.Sequential(
        convolution(before, after, normalisation), convolution(after, after, normalisation)
    )
