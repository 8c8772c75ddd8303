"""Weights of other programs, put into an encoder: all of them, or an error."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from delineate.core.errors import SettingsError
from delineate.models.encoder_names import COLOURS

_COUNTER = "num_batches_tracked"  # absent from older files, and without effect


def load_encoder_state(
    encoder: nn.Module, state: Mapping[str, Tensor], *, removed: Collection[str] = ()
) -> bool:
    """Fill the encoder from a state dict of timm's, torchvision's or smp's names.

    Returns whether kernels were adapted to its number of channels.

    Any prefix before the names is found. A classification head or a decoder in the state is
    left aside, as is what is named in `removed`. Kernels made for three colours are adapted
    to an encoder that takes another number of channels: summed for one, else taken in turn
    and scaled. An encoder's every tensor must be there and fit; the encoder is unchanged else.

    Raises:
        SettingsError: a tensor is missing, of another shape or kind, or not finite, or the
            state holds more layers than the encoder has.
    """
    prefix = _common_prefix(encoder.state_dict())
    target = {_canonical(name[len(prefix) :]): name for name in encoder.state_dict()}
    source, left_aside = _matched(
        {_canonical(name): value for name, value in state.items()}, target
    )
    missing = [name for name in target if name not in source and not name.endswith(_COUNTER)]
    if missing:
        raise SettingsError(
            f"{len(missing)} of the encoder's {len(target)} tensors are missing from the weights, "
            f"first '{target[missing[0]]}'; expected a state dict of this encoder by timm, "
            "torchvision or segmentation-models-pytorch"
        )
    gone = {_canonical(name.removeprefix(prefix)) for name in removed}
    _require_no_further_layers(left_aside - gone, target)
    tensors = dict(encoder.state_dict())
    adaptable = _input_kernels(encoder)
    is_adapted = False
    for canonical, tensor in source.items():
        name = target[canonical]
        if name in adaptable and _is_made_for_colours(tensor):
            tensor, is_adapted = adapted_kernels(tensor, tensors[name].shape[1]), True
        tensors[name] = _fitting(name, tensor, tensors[name])
    encoder.load_state_dict(tensors)
    return is_adapted


def _canonical(name: str) -> str:
    """Names as compared: timm's feature networks flatten `stages.0` to `stages_0`."""
    # Before 2018 torchvision's DenseNet wrote denselayer1.norm.1 for denselayer1.norm1.
    name = re.sub(r"(denselayer\d+)\.(norm|conv)\.(\d)", r"\1.\2\3", name)
    return name.replace(".", "_")


def _common_prefix(names: Mapping[str, object]) -> str:
    """`model.`, where segmentation-models-pytorch wraps a network of timm."""
    return "model." if all(name.startswith("model.") for name in names) else ""


def _matched(
    state: Mapping[str, Tensor], target: Collection[str]
) -> tuple[dict[str, Tensor], set[str]]:
    """The state's tensors for the target's names, and the names left aside below the prefix."""
    first = next(iter(target))
    prefixes = {name[: -len(first)] for name in state if name.endswith(first)} | {""}
    prefix = max(sorted(prefixes), key=lambda each: sum(each + name in state for name in target))
    below = {name[len(prefix) :] for name in state if name.startswith(prefix)}
    return {name: state[prefix + name] for name in target if name in below}, below - set(target)


def _require_no_further_layers(left_aside: Collection[str], target: Collection[str]) -> None:
    """A deeper network of the same family holds all tensors of a shallower, and more."""
    containers = {name.split("_")[0] + "_" for name in target if re.search(r"_\d+_", name)}
    further = sorted(
        name
        for name in left_aside
        if re.search(r"_\d+_", name) and name.split("_")[0] + "_" in containers
    )
    if further:
        raise SettingsError(
            f"the weights hold {len(further)} tensors that this encoder has not, first "
            f"'{further[0]}': they are of another network; name the encoder that they were made for"
        )


def _input_kernels(encoder: nn.Module) -> set[str]:
    """Names of kernels that the image enters, where it has another number of channels than three.

    The first convolution, and others of as many channels beside it.
    """
    convolutions = {
        name: module for name, module in encoder.named_modules() if isinstance(module, nn.Conv2d)
    }
    channels = next(iter(convolutions.values())).in_channels
    if channels == COLOURS:
        return set()
    return {
        f"{name}.weight" for name, module in convolutions.items() if module.in_channels == channels
    }


def _is_made_for_colours(tensor: Tensor) -> bool:
    return tensor.ndim == 4 and tensor.shape[1] == COLOURS


def _fitting(name: str, tensor: Tensor, expected: Tensor) -> Tensor:
    if tensor.shape != expected.shape:
        raise SettingsError(
            f"expected '{name}' of shape {tuple(expected.shape)}, but the weights have "
            f"{tuple(tensor.shape)}: they are of another network"
        )
    if tensor.is_floating_point() != expected.is_floating_point():
        raise SettingsError(
            f"expected '{name}' as {expected.dtype}, but the weights have {tensor.dtype}; "
            "quantised weights do not fit"
        )
    if not torch.isfinite(tensor).all():
        raise SettingsError(f"'{name}' in the weights holds values that are not finite")
    return tensor


def adapted_kernels(kernels: Tensor, channels: int) -> Tensor:
    """(after, 3, h, w) kernels as (after, channels, h, w) ones.

    Summed over colours for one channel: a grey image then gives what it gave when repeated to
    three channels. For more, colours in turn, scaled so that the sum over channels stays.
    """
    if channels == 1:
        return kernels.sum(dim=1, keepdim=True)
    turns = [channel % COLOURS for channel in range(channels)]
    return kernels[:, turns] * (COLOURS / channels)
