"""Pretrained weights by the names of timm and segmentation-models-pytorch, from the Hub's cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.models.encoder_names import TIMM
from delineate.models.torchvision_import import import_smp, import_timm

FILE = "model.safetensors"

_PATIENCE_S = 5.0


@dataclass(frozen=True)
class HubWeights:
    """Where a library keeps the pretrained weights of an encoder."""

    repository: str
    revision: str

    def __str__(self) -> str:
        """As in `timm/resnet18.a1_in1k at main`."""
        return f"{self.repository} at {self.revision[:12]}"


def hub_weights(encoder_name: str) -> HubWeights:
    """Where the weights of an encoder are that were trained on ImageNet.

    For an encoder of timm: those that timm takes by default, or those that the name's tag says,
    as in resnet18.a1_in1k.

    Raises:
        SettingsError: the library has none.
    """
    if encoder_name.startswith(TIMM):
        configuration = import_timm().get_pretrained_cfg(encoder_name.removeprefix(TIMM))
        if configuration is not None and configuration.hf_hub_id:
            return HubWeights(configuration.hf_hub_id, "main")
    else:
        settings = import_smp().encoders.encoders[encoder_name]["pretrained_settings"]
        if "imagenet" in settings:
            return HubWeights(settings["imagenet"]["repo_id"], settings["imagenet"]["revision"])
    raise SettingsError(
        f"encoder '{encoder_name}' has no weights of ImageNet on the Hugging Face Hub; give a file "
        "with --encoder-weights PATH, or start at random with --encoder-weights random"
    )


def hub_file(weights: HubWeights) -> Path:
    """The file in the Hub's cache on this machine, downloaded if it is not there yet.

    Raises:
        SettingsError: not in the cache, and the Hub does not answer or not with the file.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    repository, revision = weights.repository, weights.revision
    cached = try_to_load_from_cache(repository, FILE, revision=revision)
    if isinstance(cached, str):
        return Path(cached)
    # The Hub's own client tries for half a minute before it says that there is no network.
    _or_unavailable(weights, _knock)
    return Path(
        _or_unavailable(weights, lambda: hf_hub_download(repository, FILE, revision=revision))
    )


def _knock() -> None:
    from huggingface_hub import constants, get_session

    get_session().head(constants.ENDPOINT, timeout=_PATIENCE_S)


def _or_unavailable(weights: HubWeights, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:  # each client of the Hub has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SettingsError(
            f"the pretrained weights {weights} are not in the cache of this machine and cannot be "
            f"downloaded ({reason.rstrip('.')}); go online once, give a file with "
            "--encoder-weights PATH, or start at random with --encoder-weights random"
        ) from error
