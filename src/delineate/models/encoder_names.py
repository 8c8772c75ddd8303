"""Encoders by name, and how images of any number of channels enter them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from delineate.core.errors import SettingsError, unknown_name
from delineate.models.torchvision_import import import_smp, import_timm

Grey = Literal["adapted", "repeated"]

TIMM = "tu-"
"""Before the name of an encoder that timm builds, as segmentation-models-pytorch writes it."""

COLOURS = 3
"""Channels that pretrained encoders are made for."""


def native_encoders() -> list[str]:
    """Encoders that segmentation-models-pytorch builds itself, but the deprecated ones."""
    return sorted(name for name in import_smp().encoders.encoders if not name.startswith("timm-"))


def full_encoder_name(name: str) -> str:
    """The name of one encoder: native ones first, then timm's with `tu-` before it.

    Raises:
        SettingsError: neither knows it.
    """
    if name in native_encoders():
        return name
    if import_timm().is_model(name.removeprefix(TIMM)):
        return timm_encoder_name(name)
    raise _unknown(name, native_encoders())


def timm_encoder_name(name: str) -> str:
    """The name of an encoder of timm, with `tu-` before it.

    Raises:
        SettingsError: timm does not know it, or not the tag after the dot.
    """
    timm, plain = import_timm(), name.removeprefix(TIMM)
    if not timm.is_model(plain):
        raise _unknown(name, [])
    architecture, _, tag = plain.partition(".")
    if tag and plain not in (known := timm.list_pretrained(f"{architecture}.*")):
        raise unknown_name("pretrained tag of encoder", plain, known)
    return TIMM + plain


def timm_tensor_names(encoder_name: str) -> set[str]:
    """Names of all tensors of a network of timm, also of the parts that a decoder leaves out."""
    return set(import_timm().create_model(encoder_name.removeprefix(TIMM)).state_dict())


def timm_configuration(encoder_name: str) -> Mapping[str, Any]:
    """What timm says of an encoder's pretrained weights, or would if it had any: mean, std, ..."""
    timm, plain = import_timm(), encoder_name.removeprefix(TIMM)
    configuration = timm.get_pretrained_cfg(plain)
    if configuration is not None:
        return dict(configuration.to_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some names are former ones, which only building resolves
        return dict(timm.create_model(plain).pretrained_cfg)


def _unknown(name: str, natives: list[str]) -> SettingsError:
    nearest = get_close_matches(name, [*natives, *import_timm().list_models()], n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'? " if nearest else ""
    listed = f"{', '.join(natives)}, and all of " if natives else ""
    return SettingsError(f"unknown encoder '{name}'; {hint}Known: {listed}timm.list_models()")


def encoder_channels(channels: int, grey: Grey) -> int:
    """How many channels the encoder's first convolution takes.

    Raises:
        ValueError: a rule that does not exist, or does not fit the number of channels.
    """
    if grey not in ("adapted", "repeated"):
        raise ValueError(f"expected grey 'adapted' or 'repeated', but got {grey!r}")
    if channels in (1, COLOURS):
        return COLOURS if grey == "repeated" else channels
    if grey == "repeated":
        raise ValueError(f"grey 'repeated' is for images of one channel; these have {channels}")
    return channels


def grey_rule(channels: int, grey: Grey) -> str:
    """How images enter the encoder, in words."""
    if channels == COLOURS:
        return "three channels enter the encoder as they are"
    if grey == "repeated":
        return "the one channel enters the encoder three times"
    if channels == 1:
        return "the first convolution takes one channel"
    return f"the first convolution takes {channels} channels"


def adaptation(channels: int) -> str:
    """What became of kernels made for three colours that now take another number, in words."""
    if channels == 1:
        return "kernels summed over colours"
    return f"kernels taken in turn and scaled by {COLOURS}/{channels}"
