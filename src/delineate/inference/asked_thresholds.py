"""Thresholds that somebody asks for, of models that have no use for one."""

from __future__ import annotations

from delineate.core.errors import SettingsError
from delineate.inference.model_card import ModelCard


def require_cut(card: ModelCard, threshold: float | None) -> None:
    """Refuse a threshold for a model that has no use for one.

    Raises:
        SettingsError: several classes, of which each pixel takes the likeliest.
    """
    if threshold is not None and len(card.classes) > 2 and not card.is_overlapping:
        raise SettingsError(
            "--threshold: a model of several classes takes the likeliest; leave the option out"
        )


def require_gate(card: ModelCard, threshold: float | None) -> None:
    """Refuse a threshold for a gate that is not there.

    Raises:
        SettingsError: a model that segments every image.
    """
    if threshold is not None and card.gate is None:
        raise SettingsError(
            "--gate-threshold: this model has no gate and segments every image; leave the option "
            "out"
        )
