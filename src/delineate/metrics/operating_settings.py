"""For what the thresholds of a model of two stages are chosen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ObjectiveName = Literal["kaggle_dice", "sensitivity", "cost"]


class CostSettings(BaseModel):
    """What each error costs, in any unit; read by the objective `cost` alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    miss: float = Field(
        10.0, ge=0, description="an image with something to find of which no pixel was found"
    )
    false_alarm: float = Field(
        1.0, ge=0, description="an image without anything to find that was marked"
    )
    outline: float = Field(1.0, ge=0, description="a found one, times what its Dice lacks of 1")
    segmented: float = Field(0.0, ge=0, description="each image on which the segmenter runs")


class OperatingSettings(BaseModel):
    """What gate threshold, mask threshold and minimum area are chosen together for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: ObjectiveName = Field(
        "kaggle_dice",
        description="kaggle_dice: highest mean Dice of the images; sensitivity: most images found "
        "at a share of false alarms; cost: least mean cost",
    )
    false_alarm_rate: float = Field(
        0.1,
        ge=0,
        le=1,
        description="of the images without anything to find at most so many are marked; of the "
        "objective sensitivity",
    )
    costs: CostSettings = CostSettings()
