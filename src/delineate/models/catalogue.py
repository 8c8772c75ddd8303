"""Every network by name: `MODELS["unet"](channels=3, classes=1, width=16)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from delineate.core.errors import SettingsError, unknown_name
from delineate.models.classifier import Classifier
from delineate.models.encoder_decoder import EncoderDecoder
from delineate.models.presence import WithPresence
from delineate.models.uefficientnet import UEfficientNet
from delineate.models.unet import UNet
from delineate.models.unet_classifier import UNetClassifier
from delineate.models.unet_original import OriginalUNet
from delineate.models.unetpp import UNetPlusPlus

Build = Callable[..., nn.Module]

MODELS: dict[str, Build] = {
    "unet": UNet,
    "unet_original": OriginalUNet,
    "unetpp": UNetPlusPlus,
    "encoder_decoder": EncoderDecoder,
    "uefficientnet": UEfficientNet,
}
"""Segmentation: (N, classes, H, W) logits of (N, channels, H, W) images."""

CLASSIFIERS: dict[str, Build] = {
    "classifier": Classifier,
    "unet_classifier": UNetClassifier,
}
"""One verdict for an image: (N, classes) logits of (N, channels, H, W) images."""


def build_model(
    architecture: str,
    *,
    channels: int,
    classes: int,
    arguments: Mapping[str, Any],
    presence_head: bool = False,
) -> nn.Module:
    """A segmentation network with random weights, with a head for presence if it is asked for.

    Raises:
        SettingsError: an architecture or argument that does not exist, a wrong value, or a head
            that this architecture cannot have.
    """
    network = _build(MODELS, architecture, channels=channels, classes=classes, arguments=arguments)
    if not presence_head:
        return network
    return WithPresence(network, architecture=architecture, channels=channels)


def build_classifier(
    architecture: str, *, channels: int, classes: int, arguments: Mapping[str, Any]
) -> nn.Module:
    """A classifier with random weights.

    Raises:
        SettingsError: an architecture or argument that does not exist, or a wrong value.
    """
    return _build(
        CLASSIFIERS, architecture, channels=channels, classes=classes, arguments=arguments
    )


def encoder_of(
    catalogue: Mapping[str, Build], architecture: str, arguments: Mapping[str, Any]
) -> str | None:
    """The `encoder_name` of the network that would be built; None where it has none.

    Raises:
        SettingsError: an architecture, argument or encoder that does not exist.
    """
    build = _known(catalogue, architecture, arguments)
    parameters = inspect.signature(build).parameters
    if "encoder" not in parameters:
        return None
    whole_name: Callable[[str], str] = build.whole_encoder_name  # type: ignore[attr-defined]
    return whole_name(str(arguments.get("encoder", parameters["encoder"].default)))


def _build(
    catalogue: Mapping[str, Build],
    architecture: str,
    *,
    channels: int,
    classes: int,
    arguments: Mapping[str, Any],
) -> nn.Module:
    build = _known(catalogue, architecture, arguments)
    try:
        return build(channels=channels, classes=classes, **arguments)
    except (
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        AttributeError,
    ) as error:
        raise SettingsError(
            f"architecture '{architecture}' with {dict(arguments)}: cannot be built ({error}); "
            "see the docstring for what each argument takes"
        ) from error


def _known(
    catalogue: Mapping[str, Build], architecture: str, arguments: Mapping[str, Any]
) -> Build:
    """What builds an architecture, whose arguments are all there by name."""
    if architecture not in catalogue:
        if architecture in MODELS | CLASSIFIERS:
            raise SettingsError(
                f"architecture '{architecture}': "
                + ("gives masks" if architecture in MODELS else "classifies")
                + f", and this task is the other one; expected {' or '.join(sorted(catalogue))}"
            )
        raise unknown_name("architecture", architecture, catalogue)
    build = catalogue[architecture]
    parameters = inspect.signature(build).parameters.values()
    known = {each.name for each in parameters} - {"channels", "classes"}
    needed = {each.name for each in parameters if each.default is inspect.Parameter.empty}
    for name in arguments:
        if name not in known:
            unknown = unknown_name(f"argument of architecture '{architecture}'", name, known)
            raise SettingsError(
                f"{unknown}. All arguments at once, in the place of those of a recipe: "
                "--set 'model.arguments={name = value}'"
            )
    for name in sorted((needed & known) - set(arguments)):
        raise SettingsError(
            f"architecture '{architecture}': expected the argument {name}, found "
            f"{dict(arguments)}; give it in model.arguments (docs/recipes.md lists what it takes)"
        )
    return build
