"""The layers of a file that Keras saved, in either of its two layouts.

Keras 2 (legacy HDF5, which Keras 3 still writes as `.h5`) lists `layer_names`, and each layer
`weight_names`. Keras 3 (`.weights.h5`, and within `.keras`) numbers the layers of a class,
`layers/conv2d_12/vars/0`, and newer releases add the layer's name as an attribute.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.layers import Layer, StoredArray
from delineate.models.keras.opening import Contents, text_of

# Names of arrays, with those of Keras 1: `conv1/bn/gamma:0`, `block1_conv1_W_1:0`.
_PART = re.compile(
    r"(?:^|[/_])(kernel|W|bias|b|gamma|beta|(?:moving|running)_mean|moving_variance|running_std)"
    r"(?:_\d+)?(?::\d+)?$"
)
_OLD_PARTS = {
    "W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance",
}  # fmt: skip
_OF_KERNELS = ("kernel", "bias")
_OF_NORMALISATIONS = ("gamma", "beta", "moving_mean", "moving_variance")
# First folders that belong to no layer.
_NOT_OF_LAYERS = {
    "optimizer": "state of the optimiser",
    "optimizer_weights": "state of the optimiser",
    "metrics": "state of metrics",
}
_RANDOM = "seed_generator"


@dataclass(frozen=True)
class KerasFile:
    """The layers with weights in the order of the file, and what it says of itself.

    Of a file that numbers its layers only those of one class are in order. `set_aside` counts
    the arrays that belong to no layer, by what they are.
    """

    format: str
    keras_version: str | None
    layers: tuple[Layer, ...]
    set_aside: Mapping[str, int]


def read_layers(contents: Contents) -> KerasFile:
    """The layers of an open file; their arrays are read later.

    Raises:
        UnreadableFileError: HDF5 that Keras did not write, or that lacks what it lists.
    """
    ours, set_aside = _of_layers(contents.arrays)
    version = contents.keras_version
    if (root := _legacy_root(contents)) is not None:
        stated = contents.attributes[root].get("keras_version")
        version = version or (None if stated is None else text_of(stated))
        layers = tuple(_legacy_layers(contents, root, ours))
        kind = "legacy HDF5, whole model" if root else "legacy HDF5, weights alone"
    elif any("vars" in path.split("/") for path in ours):
        layers = tuple(_numbered_layers(contents, ours))
        kind = ".keras archive" if contents.is_archive else ".weights.h5"
    else:
        raise UnreadableFileError(
            f"{contents.source}: expected weights that Keras saved, found HDF5 of another kind "
            f"({len(contents.arrays)} arrays, none of a Keras layer); give the file that "
            "`model.save` or `model.save_weights` wrote"
        )
    return KerasFile(kind, version, layers, set_aside)


def _of_layers(
    arrays: Mapping[str, StoredArray],
) -> tuple[dict[str, StoredArray], dict[str, int]]:
    ours: dict[str, StoredArray] = {}
    set_aside: Counter[str] = Counter()
    for path, array in arrays.items():
        folders = path.split("/")
        if folders[0] in _NOT_OF_LAYERS:
            set_aside[_NOT_OF_LAYERS[folders[0]]] += 1
        elif _RANDOM in folders:
            set_aside["state of random numbers"] += 1
        else:
            ours[path] = array
    return ours, dict(set_aside)


def _legacy_root(contents: Contents) -> str | None:
    for root in ("model_weights", ""):
        if _listed(contents.attributes.get(root, {}), "layer_names") is not None:
            return root
    return None


def _listed(attributes: Mapping[str, Any], name: str) -> list[str] | None:
    """A list of names, which Keras parts in several attributes where it is long."""
    parts = [attributes[name]] if name in attributes else []
    while f"{name}{len(parts)}" in attributes:
        parts.append(attributes[f"{name}{len(parts)}"])
    return [text_of(each) for part in parts for each in part] if parts else None


def _legacy_layers(contents: Contents, root: str, ours: dict[str, StoredArray]) -> Iterator[Layer]:
    left = dict(ours)
    listed = _listed(contents.attributes[root], "layer_names") or []
    for group in [*listed, "top_level_model_weights"]:
        place = f"{root}/{group}" if root else group
        names = _listed(contents.attributes.get(place, {}), "weight_names") or []
        if missing := [name for name in names if f"{place}/{name}" not in left]:
            raise UnreadableFileError(
                f"{contents.source}: lists {missing[0]} of the layer {group}, but does not hold "
                "it; save it again"
            )
        layers: dict[str, dict[str, StoredArray]] = {}
        for owner, name in zip(_owners(group, names), names, strict=True):
            arrays = layers.setdefault(owner, {})
            part = _part(name)
            arrays[name if part in arrays else part] = left.pop(f"{place}/{name}")
        yield from (Layer(owner, arrays) for owner, arrays in layers.items())
    yield from (Layer(path, {"": array}) for path, array in left.items())


def _owners(group: str, names: list[str]) -> list[str]:
    """Which layer each array of a group belongs to: the group's own, or one of a network in it."""
    owners = [name.rpartition("/")[0].removeprefix(f"{group}/") for name in names]
    return owners if len(set(owners)) > 1 else [group] * len(names)


def _part(name: str) -> str:
    found = _PART.search(name)
    return _OLD_PARTS.get(found[1], found[1]) if found else name


def _numbered_layers(contents: Contents, ours: dict[str, StoredArray]) -> Iterator[Layer]:
    groups: dict[str, dict[str, StoredArray]] = {}
    for path, array in ours.items():
        group, _, number = path.rpartition("/")
        groups.setdefault(group, {})[number] = array
    for group in sorted(groups, key=_numbers):
        stored = groups[group]
        arrays = [stored[number] for number in sorted(stored, key=_numbers)]
        stated = contents.attributes.get(group, {}).get("name")
        name = group.removesuffix("/vars") if stated is None else text_of(stated)
        yield Layer(name, dict(zip(_parts(arrays), arrays, strict=True)))


def _numbers(path: str) -> list[tuple[str, int]]:
    """Sorts the layers of a class by their numbers: conv2d, conv2d_1, conv2d_2, ... conv2d_10."""
    found = [re.fullmatch(r"(.*?)_?(\d*)", folder) for folder in path.split("/")]
    return [(each[1], int(each[2] or -1)) for each in found if each]


def _parts(arrays: list[StoredArray]) -> list[str]:
    """Keras 3 numbers arrays in the order in which their layer made them."""
    if len(arrays[0].shape) > 1:
        known: tuple[str, ...] = _OF_KERNELS
    else:
        known = _OF_NORMALISATIONS if len(arrays) == len(_OF_NORMALISATIONS) else ()
    return [*known, *map(str, range(len(known), len(arrays)))][: len(arrays)]
