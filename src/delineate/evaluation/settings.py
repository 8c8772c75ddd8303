"""What a person can set about the scoring."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from delineate.metrics.intervals import RESAMPLES


class EvaluationSettings(BaseModel):
    """How figures are counted and resampled; the defaults are the rules that are documented."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when_both_empty: float | None = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="Dice and IoU of an image without true and predicted foreground, in means "
        "over images; none leaves such images out",
    )
    resamples: int = Field(
        default=RESAMPLES, ge=100, description="resamples of subjects for each interval"
    )
    seed: int = Field(default=0, ge=0, description="seed of the resampling")
