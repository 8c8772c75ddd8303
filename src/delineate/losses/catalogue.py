"""Every loss on logits by name. Pixels labelled `IGNORE` never count.

Each takes `logits` (N, C, H, W) float and `labels` (N, H, W) integer with values 0..C-1,
or 0 and 1 where C is 1, or `IGNORE`; where classes overlap `labels` are masks (N, C, H, W) of 0
and 1, or `IGNORE`. Each returns a scalar in float32 at least, 0 where no pixel counts. What it
takes besides is keyword-only, and its annotation says which values may stand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_type_hints

import torch
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from torch import Tensor

from delineate.core.errors import SettingsError, unknown_name
from delineate.losses.border import border_weighted_cross_entropy
from delineate.losses.entropy import cross_entropy, focal
from delineate.losses.overlap import dice, tversky
from delineate.losses.pixels import masks_of_codes
from delineate.losses.presence import presence_cross_entropy
from delineate.losses.settings import LossTerm, LossTerms
from delineate.losses.skeleton import cldice

Loss = Callable[[Tensor, Tensor], Tensor]

LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "dice": dice,
    "tversky": tversky,
    "cldice": cldice,
    "border": border_weighted_cross_entropy,
}

# Those that also take a classifier's logits (N, C) with labels (N,).
CLASSIFIER_LOSSES = ("cross_entropy", "focal")


def weighted_sum(
    terms: Mapping[str, float | Mapping[str, Any] | LossTerm],
    *,
    task: Literal["segment", "classify"] = "segment",
    is_overlapping: bool = False,
    has_presence_head: bool = False,
) -> Loss:
    """One loss from several by name, each times its weight; weights of 0 cost no time.

    A term is a number, its weight, or a table such as `{"weight": 1.0, "gamma": 2.0}`. Where
    classes overlap the labels that it takes are codes (N, H, W), with a channel of logits for
    each of the classes. The last channel of a network with a head for presence has a loss of its
    own, of weight 1.

    Raises:
        SettingsError: a loss or argument that does not exist, a wrong value, a loss of areas for
            a classifier, or no weight above 0.
    """
    for name in terms:
        if name not in LOSSES:
            raise unknown_name("loss", name, LOSSES)
        if task == "classify" and name not in CLASSIFIER_LOSSES:
            raise SettingsError(
                f"loss '{name}': compares areas, and a classifier has none; expected "
                + " or ".join(CLASSIFIER_LOSSES)
            )
    try:
        checked = TypeAdapter(LossTerms).validate_python(dict(terms))
    except ValidationError as error:
        raise _wrong_value("loss", error) from error
    parts = [
        (term.weight, partial(LOSSES[name], **_checked_arguments(name, term.arguments)))
        for name, term in checked.items()
    ]
    parts = [(weight, part) for weight, part in parts if weight > 0]

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        if is_overlapping:
            labels = masks_of_codes(labels, logits.shape[1])
        return torch.stack([weight * part(logits, labels) for weight, part in parts]).sum()

    def loss_with_presence(logits: Tensor, labels: Tensor) -> Tensor:
        presence = presence_cross_entropy(logits[:, -1, 0, 0], labels)
        return loss(logits[:, :-1], labels) + presence

    return loss_with_presence if has_presence_head else loss


def arguments_of(name: str) -> type[BaseModel]:
    """The arguments of a loss with their types, bounds and defaults, read off its signature."""
    hints = get_type_hints(LOSSES[name], include_extras=True)
    fields: dict[str, Any] = {
        parameter.name: (hints[parameter.name], parameter.default)
        for parameter in inspect.signature(LOSSES[name]).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    strict = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    return create_model(name, __config__=strict, **fields)


def _checked_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    model = arguments_of(name)
    for argument in arguments:
        if argument not in model.model_fields:
            known = ["weight", *model.model_fields]
            raise unknown_name(f"argument of loss '{name}'", argument, known)
    try:
        return model.model_validate(dict(arguments)).model_dump()
    except ValidationError as error:
        raise _wrong_value(f"loss.{name}", error) from error


def _wrong_value(where: str, error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    key = ".".join([where, *(str(part) for part in first["loc"])])
    return SettingsError(f"{key}: {first['msg']}, found {first['input']!r}; see docs/recipes.md")
