"""Arrays as Keras keeps them, turned into those that timm's network loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.layers import Kind, Layer, Place

# Added to the variance: by keras.applications' DenseNets, and by torch where not told otherwise.
KERAS_EPSILON, TORCH_EPSILON = 1.001e-5, 1e-5


def converted(
    layer: Layer, place: Place, *, source: Path, epsilon: float, has_bgr_input: bool = False
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The tensors of one module by their names, in float32.

    Batch normalisation divides by the root of variance + epsilon; torch's smaller epsilon is
    made up for in `running_var`, so that a network in evaluation gives the same. With
    `has_bgr_input` the kernel's input channels are turned from blue, green, red.

    Raises:
        UnreadableFileError: an array that cannot be read, is no number, or not finite.
    """
    arrays = {part: _read(layer, part, source) for part in place.shapes}
    if place.kind is Kind.NORMALISATION:
        yield f"{place.module}.weight", _packed(arrays["gamma"])
        yield f"{place.module}.bias", _packed(arrays["beta"])
        yield f"{place.module}.running_mean", _packed(arrays["moving_mean"])
        variance = arrays["moving_variance"].astype(np.float64) + (epsilon - TORCH_EPSILON)
        yield f"{place.module}.running_var", _packed(variance)
        yield f"{place.module}.num_batches_tracked", np.zeros((), np.int64)
        return
    kernel = arrays["kernel"][..., ::-1, :] if has_bgr_input else arrays["kernel"]
    yield f"{place.module}.weight", _packed(place.layout(kernel))
    if place.has_bias:
        yield f"{place.module}.bias", _packed(arrays["bias"])


def _packed(array: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)


def _read(layer: Layer, part: str, source: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = layer.arrays[part][()]
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise UnreadableFileError(
            f"{source}: {layer.name} {part}: cannot be read ({error}); copy the file again"
        ) from error
    if array.dtype.kind != "f":
        raise UnreadableFileError(
            f"{source}: {layer.name} {part}: expected floating-point numbers, found "
            f"{array.dtype}; save the network in float32"
        )
    if not np.isfinite(array).all():
        raise UnreadableFileError(
            f"{source}: {layer.name} {part}: holds NaN or infinity, so that the training had "
            "failed; take an earlier save"
        )
    return array


def epsilon_of(layer: Layer, stated: Mapping[str, float], *, source: Path) -> float:
    """What the model's configuration says of a normalisation, or the usual where it says nothing.

    Raises:
        UnreadableFileError: several values, and the file does not say which is this layer's.
    """
    if layer.name in stated or not stated:
        return stated.get(layer.name, KERAS_EPSILON)
    if len(set(stated.values())) > 1:
        raise UnreadableFileError(
            f"{source}: batch normalisations of different epsilon, and no names to tell which is "
            "whose; save the model again with a newer Keras, or as .h5"
        )
    return next(iter(stated.values()))


def stated_epsilons(config: Any) -> Mapping[str, float]:
    """Epsilon of each batch normalisation by name, from a model's configuration; {} without."""
    found: dict[str, float] = {}
    left = [config]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            inner = each.get("config")
            if each.get("class_name") == "BatchNormalization" and isinstance(inner, dict):
                epsilon = inner.get("epsilon")
                if isinstance(epsilon, float):
                    found[str(inner.get("name"))] = epsilon
            left += each.values()
        elif isinstance(each, list):
            left += each
    return found
