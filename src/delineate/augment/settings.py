"""How far training images may be bent and their tones changed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AugmentSettings(BaseModel):
    """Ranges from which each patch draws; 0, or False, switches a change off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flips: bool = Field(True, description="mirror left-right")
    turns: bool = Field(False, description="mirror up-down and turn by quarters as well")
    rotation_degrees: float = Field(15.0, ge=0, le=180, description="up to this, either way")
    shear_degrees: float = Field(5.0, ge=0, le=45, description="up to this, either way")
    shift_px: float = Field(8.0, ge=0, description="up to this along each axis, working px")
    zoom: float = Field(1.15, ge=1, description="enlarged or reduced up to this factor")
    stretch: float = Field(1.05, ge=1, description="height against width, up to this factor")
    elastic_px: float = Field(
        0.0, ge=0, description="standard deviation of smooth random displacements, working px"
    )
    elastic_grid: int = Field(
        3, ge=2, description="points along each side of the patch that are displaced"
    )

    gamma: float = Field(1.25, ge=1, description="exponent between 1/gamma and gamma")
    brightness: float = Field(0.1, ge=0, le=1, description="added, of the full range")
    contrast: float = Field(1.25, ge=1, description="about the mean, 1/contrast to contrast")
    colour: float = Field(0.0, ge=0, le=1, description="brightness that differs by channel")
    noise: float = Field(0.02, ge=0, le=1, description="standard deviation, up to this")
    speckle: float = Field(0.0, ge=0, le=1, description="noise times the image, up to this")
    blur_px: float = Field(0.0, ge=0, le=10, description="standard deviation, up to this")
    tone_chance: float = Field(0.5, ge=0, le=1, description="chance of each change of tone")
