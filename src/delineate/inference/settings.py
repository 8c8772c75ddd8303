"""What prediction needs to know; all of it travels in the model folder."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Repeats = Literal["single", "flips", "turns"]


Normalisation = Literal["data", "unit", "imagenet", "encoder"]


class PrepareSettings(BaseModel):
    """How images become the network's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Literal["auto", "grey", "colour"] = Field(
        "auto", description="auto: grey where every training image is grey"
    )
    longest_side_px: int | None = Field(
        None, ge=16, description="reduce larger images to this, keeping their shape"
    )
    size_px: tuple[PositiveInt, PositiveInt] | None = Field(
        None, description="bring every image to this (height, width), changing its shape"
    )

    normalise: Normalisation = Field(
        "data",
        description="data: by mean and deviation of the training images; unit: 0 to 1 as it is "
        "(8-bit values divided by 255); imagenet: by those of ImageNet; encoder: as the encoder's "
        "pretrained weights were made with",
    )

    @model_validator(mode="after")
    def _one_size(self) -> PrepareSettings:
        if self.longest_side_px is not None and self.size_px is not None:
            raise ValueError("longest_side_px and size_px exclude each other; give one")
        return self


class PredictSettings(BaseModel):
    """How a whole image is put together from passes of the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_px: int = Field(768, ge=32, description="longest side in one pass; larger is tiled")
    margin_px: int = Field(32, ge=0, description="border of each tile that is thrown away")
    blend_px: int = Field(32, ge=0, description="width over which neighbouring tiles blend")
    repeats: Repeats = Field(
        "single", description="average over flips (2 passes), or flips and quarter turns (8)"
    )
    depth: int | None = Field(
        None,
        ge=1,
        description="levels of a network that can be pruned; said when predicting (--depth), not "
        "in a recipe",
    )
    minimum_area_px: int = Field(0, ge=0, description="smaller objects are removed")

    @model_validator(mode="after")
    def _tile_holds_margins(self) -> PredictSettings:
        if self.tile_px <= 2 * self.margin_px + self.blend_px:
            raise ValueError(
                f"tile_px {self.tile_px} leaves nothing between two margins of "
                f"{self.margin_px} px and a blend of {self.blend_px} px; make it larger"
            )
        return self
