"""Layers as a Keras file holds them, and the places that they take in a network of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int | None, ...]
"""Sizes of an array; None where any will do."""


class StoredArray(Protocol):
    """An array in a file, which is read when it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes, known before it is read."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""

    def __getitem__(self, index: Any) -> Any:
        """The numbers, `()` for all of them."""


class Kind(StrEnum):
    """What a layer with weights does."""

    CONVOLUTION = "convolution"
    NORMALISATION = "normalisation"
    DENSE = "dense"


@dataclass(frozen=True)
class Layer:
    """A layer with its arrays by Keras' names for them: kernel, bias, gamma, moving_mean, ..."""

    name: str
    arrays: Mapping[str, StoredArray]

    @property
    def kind(self) -> Kind | None:
        """What it does, by what it holds; None for a layer of no kind that is known here."""
        if "gamma" in self.arrays:
            return Kind.NORMALISATION
        dimensions = len(self.arrays["kernel"].shape) if "kernel" in self.arrays else 0
        return {2: Kind.DENSE, 4: Kind.CONVOLUTION}.get(dimensions)


KernelLayout = Callable[[NDArray[Any]], NDArray[Any]]


def convolution_kernel(kernel: NDArray[Any]) -> NDArray[Any]:
    """(height, width, before, after) as (after, before, height, width)."""
    return kernel.transpose(3, 2, 0, 1)


def dense_kernel(kernel: NDArray[Any]) -> NDArray[Any]:
    """(before, after) as (after, before)."""
    return kernel.T


def pointwise_kernel(kernel: NDArray[Any]) -> NDArray[Any]:
    """A dense layer's (before, after) as the 1x1 convolution (after, before, 1, 1)."""
    return kernel.T[:, :, None, None]


def flattened_kernel(kernel: NDArray[Any], *, size_px: tuple[int, int]) -> NDArray[Any]:
    """The kernel of a dense layer behind `Flatten`, as a convolution over the whole map.

    Keras flattens (height, width, channels) with the channels innermost, so that each row of the
    kernel belongs to one pixel and one channel.
    """
    inputs, after = kernel.shape
    height, width = size_px
    # (height, width, channels, after)
    return convolution_kernel(kernel.reshape(height, width, inputs // (height * width), after))


@dataclass(frozen=True)
class Place:
    """Where a Keras layer goes: the module of timm's network that takes its arrays.

    `shape` is that of its kernel in Keras, or of gamma; `layout` turns a kernel into torch's.
    """

    layer: str
    module: str
    kind: Kind
    shape: Shape
    layout: KernelLayout = convolution_kernel
    has_bias: bool = True

    @property
    def shapes(self) -> dict[str, Shape]:
        """What the Keras layer must hold, exactly."""
        if self.kind is Kind.NORMALISATION:
            return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), self.shape)
        bias = {"bias": self.shape[-1:]} if self.has_bias else {}
        return {"kernel": self.shape} | bias


def normalisation(layer: str, module: str, channels: int) -> Place:
    """The place of a batch normalisation."""
    return Place(layer, module, Kind.NORMALISATION, (channels,))


def convolution(layer: str, module: str, shape: Shape, *, has_bias: bool) -> Place:
    """The place of a convolution; `shape` is (height, width, channels before, channels after)."""
    return Place(layer, module, Kind.CONVOLUTION, shape, has_bias=has_bias)


def dense(layer: str, module: str, shape: Shape, layout: KernelLayout = dense_kernel) -> Place:
    """The place of a dense layer; `shape` is (before, after)."""
    return Place(layer, module, Kind.DENSE, shape, layout)
