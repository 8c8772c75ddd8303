"""Which network, with which arguments."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

IMAGENET, RANDOM, SEGMENTER = "imagenet", "random", "segmenter"
"""Where an encoder can start from that is no file; the last one in a gate of two stages alone."""


class ModelSettings(BaseModel):
    """An architecture by its name in `delineate.models.catalogue.MODELS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str = Field("unet", description="a name in the catalogue")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="what its docstring lists, but channels and classes"
    )
    encoder_weights: str | None = Field(
        None,
        description="where the encoder starts from: imagenet, a file, or random; in a gate also "
        "segmenter, whose training then comes first",
    )
    presence_head: bool = Field(
        False,
        description="a second output of a segmenter, trained along: is there anything to find in "
        "the image? It becomes a gate whose threshold is chosen on validation, or over folds out "
        "of fold",
    )
