"""How a network is trained; every number of the loop has its name here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Precision = Literal["auto", "float32", "bfloat16"]


Optimiser = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "constant"]
WatchedMetric = Literal[
    "pooled_dice", "mean_dice", "pooled_roc_auc", "cross_entropy", "roc_auc", "accuracy"
]

WATCHED_BY_TASK: dict[str, tuple[WatchedMetric, ...]] = {
    "segment": ("pooled_dice", "mean_dice", "pooled_roc_auc", "cross_entropy"),
    "classify": ("roc_auc", "accuracy", "cross_entropy"),
}


class PatchSettings(BaseModel):
    """Which pieces of the training images the network sees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: tuple[PositiveInt, PositiveInt] = Field(
        (256, 256), description="(height, width), working pixels"
    )
    foreground_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of patches centred on foreground; each class in the image is equally "
        "likely",
    )
    positive_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of patches taken from images that hold anything; none: as many as there "
        "are",
    )
    per_image: int = Field(1, ge=1, description="patches an image in one epoch")
    cache_gb: float = Field(4.0, gt=0, description="decoded training images kept in memory")


class ValidationSettings(BaseModel):
    """Which training subjects are held out, and what is watched on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fraction: float = Field(
        0.15, gt=0, lt=1, description="of the training subjects, where the data names none"
    )
    metric: WatchedMetric = Field(
        "pooled_dice",
        description="decides which checkpoint is best; of a classifier roc_auc, accuracy or "
        "cross_entropy",
    )
    threshold_rule: Literal["youden", "best_accuracy"] = Field(
        "youden",
        description="threshold of a classifier: highest sensitivity + specificity, or accuracy",
    )
    times: int = Field(20, ge=1, description="validations in a whole training")
    patience: int | None = Field(
        None,
        ge=1,
        description="stop at so many validations without a better one",
    )
    patience_from: float = Field(
        0.5, ge=0, le=1, description="share of the budget before which none is counted as too many"
    )


class TrainSettings(BaseModel):
    """The loop itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(
        50, ge=1, description="where neither --minutes, --epochs nor --steps is given"
    )
    batch: int = Field(8, ge=1, description="patches a step")
    optimiser: Optimiser = Field(
        "adamw", description="adamw, which without weight decay is Adam; or sgd"
    )
    learning_rate: float = Field(
        1e-3, gt=0, allow_inf_nan=False, description="the highest, after the warm-up"
    )
    schedule: Schedule = Field(
        "cosine", description="cosine: falling to nothing; constant: as it is"
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="of the budget, rising linearly")
    weight_decay: float = Field(1e-2, ge=0, description="of kernels, not of biases and scales")
    momentum: float = Field(0.9, gt=0, lt=1, description="sgd's")
    second_moment_decay: float = Field(0.99, gt=0, lt=1, description="AdamW's beta 2")
    clip_norm: float | None = Field(
        1.0, gt=0, description="longest gradient, L2; none for any length"
    )
    average_decay: float = Field(
        0.995, ge=0, lt=1, description="weights averaged over steps; 0 for none"
    )
    keep: Literal["best", "last"] = Field(
        "best", description="which averaged weights become the model"
    )
    precision: Precision = Field(
        "auto", description="auto: bfloat16 where the processor has instructions for it"
    )
