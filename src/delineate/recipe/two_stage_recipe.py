"""A recipe of two networks that make one model: a gate, and a segmenter behind it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from delineate.metrics.operating_settings import OperatingSettings
from delineate.models.settings import SEGMENTER
from delineate.recipe.named_recipe import NamedRecipe
from delineate.recipe.network_recipe import Recipe


class FoldSettings(BaseModel):
    """How often each network is trained, and on what; the same folds for both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(
        5,
        ge=2,
        le=20,
        description="folds by subject; each is predicted by networks that never saw it (--folds)",
    )
    seeds: int = Field(1, ge=1, description="trainings of each fold, averaged (--seeds)")


class BudgetSettings(BaseModel):
    """What of the time belongs to which network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate_share: float = Field(
        0.4, gt=0, lt=1, description="of --minutes for the gate; the segmenter has the rest"
    )


class TwoStageRecipe(NamedRecipe):
    """Both networks with all their settings, how they are trained, and for what they are cut."""

    task: Literal["segment"] = "segment"
    folds: FoldSettings = FoldSettings()
    budget: BudgetSettings = BudgetSettings()
    operating: OperatingSettings = OperatingSettings()
    gate: Recipe
    segmenter: Recipe

    @model_validator(mode="after")
    def _each_does_its_part(self) -> TwoStageRecipe:
        for stage, recipe, task in (
            ("gate", self.gate, "classify"),
            ("segmenter", self.segmenter, "segment"),
        ):
            if recipe.task != task:
                raise ValueError(
                    f"{stage}: expected a recipe that is to {task}, found '{recipe.name}', which "
                    f"is to {recipe.task}"
                )
        return self

    @model_validator(mode="after")
    def _starts_fit(self) -> TwoStageRecipe:
        if self.segmenter.model.encoder_weights == SEGMENTER:
            raise ValueError(
                "segmenter.model.encoder_weights: cannot start from itself; give imagenet, a file, "
                "or random"
            )
        if self.starts_gate_from_segmenter and not _is_half_of(self.gate, self.segmenter):
            raise ValueError(
                f"gate.model.encoder_weights: '{SEGMENTER}' needs a gate of architecture "
                "unet_classifier with the levels of a segmenter of architecture unet (width, "
                "depth, widths and normalisation alike, and prepare.channels); found "
                f"{_shown(self.gate)} and {_shown(self.segmenter)}"
            )
        return self

    @property
    def starts_gate_from_segmenter(self) -> bool:
        """Whether the gate begins with what the segmenter has learnt, fold by fold."""
        return self.gate.model.encoder_weights == SEGMENTER


_LEVELS = ("width", "depth", "widths", "normalisation")


def _is_half_of(gate: Recipe, segmenter: Recipe) -> bool:
    """Whether a gate is the way down of a segmenter's U-Net."""
    kinds = gate.model.architecture, segmenter.model.architecture
    arguments = gate.model.arguments, segmenter.model.arguments
    return (
        kinds == ("unet_classifier", "unet")
        and all(arguments[0].get(name) == arguments[1].get(name) for name in _LEVELS)
        and gate.prepare.channels == segmenter.prepare.channels
    )


def _shown(recipe: Recipe) -> str:
    return f"{recipe.model.architecture} with {recipe.model.arguments}"
