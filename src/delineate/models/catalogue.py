"""Every network by name: `MODELS["unet"](channels=3, classes=1, width=16)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from delineate.core.errors import SettingsError, unknown_name
from delineate.models.unet import UNet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "unet": UNet,
}


def build_model(
    architecture: str, *, channels: int, classes: int, arguments: dict[str, Any]
) -> nn.Module:
    """A network with random weights.

    Raises:
        SettingsError: an architecture or argument that does not exist, or a wrong value.
    """
    if architecture not in MODELS:
        raise unknown_name("architecture", architecture, MODELS)
    build = MODELS[architecture]
    known = set(inspect.signature(build).parameters) - {"channels", "classes"}
    for name in arguments:
        if name not in known:
            raise unknown_name(f"argument of architecture '{architecture}'", name, known)
    try:
        return build(channels=channels, classes=classes, **arguments)
    except (TypeError, ValueError, LookupError, ArithmeticError, RuntimeError) as error:
        raise SettingsError(
            f"architecture '{architecture}' with {arguments}: cannot be built ({error}); "
            "see the docstring for what each argument takes"
        ) from error
