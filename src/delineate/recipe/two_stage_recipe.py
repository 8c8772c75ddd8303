"""A recipe of two networks that make one model: a gate, and a segmenter behind it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from delineate.metrics.operating_settings import OperatingSettings
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


class TwoStageRecipe(BaseModel):
    """Both networks with all their settings, how they are trained, and for what they are cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
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
