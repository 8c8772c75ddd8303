"""A recipe without a network: a method from before deep learning."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from delineate.classical.settings import ClassicalSettings
from delineate.inference.settings import PredictSettings, PrepareSettings, Repeats
from delineate.recipe.named_recipe import NamedRecipe


class ClassicalValidation(BaseModel):
    """Which training subjects are held out, and what counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fraction: float = Field(
        0.15, gt=0, lt=1, description="of the training subjects, where the data names none"
    )
    metric: Literal["pooled_dice", "mean_dice"] = Field(
        "pooled_dice",
        description="decides which parameters are best on training images, and the threshold on "
        "validation",
    )


class ClassicalPredict(BaseModel):
    """What follows the method; it always sees a whole image, so that there are no tiles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeats: Repeats = Field(
        "single", description="average over flips (2 passes), or flips and quarter turns (8)"
    )
    minimum_area_px: int = Field(0, ge=0, description="smaller objects are removed")

    def as_predict_settings(self) -> PredictSettings:
        """The same, as a model card has it."""
        return PredictSettings(repeats=self.repeats, minimum_area_px=self.minimum_area_px)


class ClassicalRecipe(NamedRecipe):
    """One section a stage; there is nothing of patches, augmentation, networks and losses."""

    task: Literal["segment"] = "segment"
    prepare: PrepareSettings = PrepareSettings()
    classical: ClassicalSettings
    validation: ClassicalValidation = ClassicalValidation()
    predict: ClassicalPredict = ClassicalPredict()

    @model_validator(mode="after")
    def _has_no_encoder(self) -> ClassicalRecipe:
        if self.prepare.normalise == "encoder":
            raise ValueError(
                "prepare.normalise: a method without a network has no encoder; choose data, unit "
                "or imagenet, found encoder"
            )
        return self
