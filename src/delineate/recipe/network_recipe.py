"""A recipe of one network."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from delineate.augment.settings import AugmentSettings
from delineate.inference.settings import PredictSettings, PrepareSettings
from delineate.losses.settings import LossTerm, LossTerms
from delineate.models.settings import ModelSettings
from delineate.recipe.named_recipe import NamedRecipe
from delineate.training.settings import (
    WATCHED_BY_TASK,
    PatchSettings,
    TrainSettings,
    ValidationSettings,
)

Task = Literal["segment", "classify"]


class Recipe(NamedRecipe):
    """One section a stage, in the order in which the data meets them."""

    task: Task = "segment"
    prepare: PrepareSettings = PrepareSettings()
    patches: PatchSettings = PatchSettings()
    augment: AugmentSettings = AugmentSettings()
    model: ModelSettings = ModelSettings()
    loss: LossTerms = Field({"cross_entropy": LossTerm(), "dice": LossTerm()})
    train: TrainSettings = TrainSettings()
    validation: ValidationSettings = ValidationSettings()
    predict: PredictSettings = PredictSettings()

    @model_validator(mode="before")
    @classmethod
    def _suits_task(cls, given: Any) -> Any:
        """Loss and metric of a recipe that is to classify, where it names none."""
        if not isinstance(given, dict) or given.get("task") != "classify":
            return given
        validation = given.get("validation", {})
        if isinstance(validation, dict):
            validation = {"metric": "roc_auc"} | validation
        return {"loss": {"cross_entropy": 1.0}} | given | {"validation": validation}

    @model_validator(mode="after")
    def _watched_fits_task(self) -> Recipe:
        watched = self.validation.metric
        known = WATCHED_BY_TASK[self.task]
        if watched not in known:
            raise ValueError(
                f"validation.metric: a recipe that is to {self.task} watches one of "
                f"{', '.join(known)}; found {watched}"
            )
        return self

    @model_validator(mode="after")
    def _learns_every_depth(self) -> Recipe:
        if self.predict.depth is not None:
            raise ValueError(
                "predict.depth: every depth is trained, and one is chosen when predicting, with "
                f"--depth; found {self.predict.depth}, leave it out"
            )
        return self

    @model_validator(mode="after")
    def _sees_whole_images(self) -> Recipe:
        if self.task == "segment":
            return self
        if self.model.presence_head:
            raise ValueError(
                "model.presence_head: a recipe that is to classify says nothing else but whether "
                "anything is there; leave it out"
            )
        if self.patches.foreground_share:
            raise ValueError(
                "patches.foreground_share: a recipe that is to classify sees whole images; "
                f"expected 0, found {self.patches.foreground_share:g}"
            )
        if self.prepare.size_px != self.patches.size_px:
            raise ValueError(
                "prepare.size_px: a recipe that is to classify brings every image to the size of "
                f"a patch, {list(self.patches.size_px)}; found {self.prepare.size_px}"
            )
        return self
