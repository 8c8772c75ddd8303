"""What an encoder starts from: pretrained weights, a file, or chance; never silently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from delineate.core.checks import sha256_of_file
from delineate.core.colours import IMAGENET_COLOURS, Colours
from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.models.encoder_names import TIMM, adaptation, full_encoder_name, timm_configuration
from delineate.models.hub_weights import hub_file, hub_weights
from delineate.models.settings import IMAGENET, RANDOM, SEGMENTER
from delineate.models.state_files import read_metadata, read_state

_HALF: tuple[Colours, Colours] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_DPN: tuple[Colours, Colours] = ((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3)
"""Source: the tables of pretrained settings in segmentation-models-pytorch 0.3 and timm 1.0."""

_NATIVE_EXCEPTIONS = {
    "inceptionv4": _HALF,
    "inceptionresnetv2": _HALF,
    "xception": _HALF,
    "dpn": _DPN,
}


UNET = "unet"
"""The encoder of our own U-Net, of which nobody hands out weights."""


def start_encoder(network: Any, weights: str | None) -> str | None:
    """Fill the network's encoder, and say in words what it starts from; None without one.

    `weights` is "imagenet" (what timm or segmentation-models-pytorch offer, from their own cache
    or the network), a .safetensors, .pt or .pth file, or "random" for the random weights it has.

    Raises:
        SettingsError: weights for a network without an encoder by name, none named for one
            with it, weights that cannot be had, or that are not those of the encoder.
        UnreadableFileError: a file that cannot be read, or not safely.
    """
    name: str | None = getattr(network, "encoder_name", None)
    source = _source(name, weights)
    if name is None:
        return None
    if source is None:
        return f"encoder {name} from random weights, not pretrained"
    file, said = source
    is_adapted = _fill(network, file)
    adapted = f", {adaptation(network.encoder_channels)}" if is_adapted else ""
    return f"encoder {name} from {said} (sha256 {sha256_of_file(file)[:12]}){adapted}"


def require_encoder_start(encoder_name: str | None, weights: str | None) -> None:
    """Refuse what `start_encoder` would refuse, but whether the weights fit, without a network.

    Raises:
        SettingsError: weights without an encoder, none named for one, or such as cannot be had.
        UnreadableFileError: a file that cannot be read, or not safely.
    """
    source = _source(encoder_name, weights)
    if source is not None:
        read_state(source[0])


def _source(encoder_name: str | None, weights: str | None) -> tuple[Path, str] | None:
    """The file of the weights, and what to call it; None where nothing is to be filled."""
    if encoder_name is None:
        if weights not in (None, RANDOM):
            raise SettingsError(
                f"encoder weights '{weights}' are given, but this network has no encoder by name; "
                "leave them out, or choose the architecture encoder_decoder"
            )
        return None
    if weights is None:
        raise SettingsError(
            f"nothing says what encoder '{encoder_name}' starts from; choose --encoder-weights "
            "imagenet (pretrained; downloaded once), a PATH to .safetensors or .pt, or random"
        )
    if weights in (RANDOM, SEGMENTER):  # the segmenter's are given as a file once it is trained
        return None
    if weights == IMAGENET:
        if encoder_name == UNET:
            raise SettingsError(
                f"encoder '{UNET}' has no weights of ImageNet; start it from the segmenter of two "
                "stages, from a FILE of a U-Net, or at random"
            )
        source = hub_weights(encoder_name)
        return hub_file(source), f"the pretrained weights {source}"
    file = _existing(weights)
    return file, file.name


def encoder_normalisation(encoder_name: str, weights: str | None) -> tuple[Colours, Colours]:
    """Mean and deviation per RGB channel, of images from 0 to 1, that an encoder expects.

    `encoder_name` is that of the network: of dpn68b both libraries have weights, each with colours
    of its own, and timm's is tu-dpn68b.

    A .safetensors file says them under "preprocessing"; otherwise they are those of the
    encoder's pretrained weights in timm or segmentation-models-pytorch, whatever the weights.

    Raises:
        SettingsError: no such encoder or file.
        UnreadableFileError: a file that is damaged, or says something else there.
    """
    if weights not in (None, IMAGENET, RANDOM):
        file = _existing(weights)
        preprocessing = read_metadata(file, "preprocessing")
        if preprocessing is not None:
            return _stated(preprocessing, file)
    if encoder_name == UNET:
        raise SettingsError(
            f"prepare.normalise: encoder '{UNET}' expects no colours of its own; choose data, unit "
            "or imagenet"
        )
    name = full_encoder_name(encoder_name)
    if name.startswith(TIMM):
        configuration = timm_configuration(name)
        return _three(configuration["mean"]), _three(configuration["std"])
    for beginning, values in _NATIVE_EXCEPTIONS.items():
        if name.startswith(beginning):
            return values
    return IMAGENET_COLOURS


def _existing(weights: str) -> Path:
    file = Path(weights)
    if not file.is_file():
        raise SettingsError(
            f"encoder weights {weights}: no such file; expected {IMAGENET}, {RANDOM}, or a "
            ".safetensors, .pt or .pth file"
        )
    return file


def _fill(network: Any, file: Path) -> bool:
    try:
        is_adapted: bool = network.load_encoder(read_state(file))
        return is_adapted
    except SettingsError as error:
        message = str(error)
        raise SettingsError(
            message if message.startswith(str(file)) else f"{file}: {message}"
        ) from error


def _stated(preprocessing: Any, file: Path) -> tuple[Colours, Colours]:
    try:
        mean, deviation = _three(preprocessing["mean"]), _three(preprocessing["deviation"])
    except (TypeError, KeyError, ValueError) as error:
        raise UnreadableFileError(
            f"{file}: its entry 'preprocessing' holds {preprocessing}; expected three numbers each "
            "for mean and deviation; convert the weights again"
        ) from error
    if not all(value > 0 for value in deviation):
        raise UnreadableFileError(
            f"{file}: its entry 'preprocessing' has the deviation {deviation}; expected all above 0"
        )
    return mean, deviation


def _three(values: Sequence[float]) -> Colours:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
