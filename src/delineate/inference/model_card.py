"""`model.json`: all that must travel with weights for their predictions to be repeated."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from delineate.core.types import LabelClass
from delineate.inference.about import About
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.metrics.thresholds import Cut

SCHEMA = "model"
Task = Literal["segment", "classify"]
# Of the two classes of a classifier, the one that says there is something to find.
PRESENT = 1
GIVEN_BY_HAND = "given by hand"


class Threshold(BaseModel):
    """Where probability becomes foreground, and how that was decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None = Field(description="None for several classes: the likeliest wins")
    values: tuple[float, ...] | None = Field(None, description="one a class, where classes overlap")
    chosen_on: str = Field(description="the split, with its number of cases")
    rule: str = Field(description="what was maximised, and how")
    score: float | None = Field(description="the score it reached there")

    @property
    def cut(self) -> Cut:
        """What `decide` takes: the one threshold, those of classes that overlap, or None."""
        return self.value if self.values is None else self.values

    @property
    def origin(self) -> str:
        """How it was chosen, and on which cases."""
        return f"{self.rule} ({self.chosen_on})"


class NamedClass(BaseModel):
    """A class as it is written in masks and legends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    name: str
    colour: tuple[int, int, int]

    def as_label_class(self) -> LabelClass:
        """The same, as the rest of the package has it."""
        return LabelClass(self.index, self.name, self.colour)


class Depth(BaseModel):
    """One depth of a network that can be pruned: what it costs and reaches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: int
    parameters: int
    threshold: Threshold


class Tiling(BaseModel):
    """How far an image in tiles differs from the same image in one pass, where it does.

    Differences are those of probability over one validation image, None where `reason` says why
    they could not be taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    tile_px: int | None = None
    largest_difference: float | None = None
    mean_difference: float | None = None


class Tried(BaseModel):
    """One combination of parameters, and the score it reached on the training images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: dict[str, Any]
    score: float


class ClassicalCard(BaseModel):
    """A method without a network: what it learnt, and among what its parameters were chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(description="a name in the catalogue of methods")
    learnt: dict[str, Any] = Field(description="all that it needs to predict")
    tried: tuple[Tried, ...] = Field(description="in the order of trying; the best one is learnt")
    combinations: int = Field(description="how many there were to try")
    rule: str = Field(description="on which images, and by which score")


GateKind = Literal["classifier", "head"]


class Gate(BaseModel):
    """What decides whether an image is segmented at all: present from the threshold on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: GateKind = Field(
        description="a classifier of its own, which saves the segmenter's time; or the segmenter's "
        "head, which does not"
    )
    folder: str | None = Field(None, description="of the classifier, inside the model folder")
    threshold: float = Field(description="of the probability that there is something to find")
    rule: str = Field(description="how it was chosen, and on which cases")

    @model_validator(mode="after")
    def _folder_of_classifier(self) -> Gate:
        if (self.kind == "classifier") != (self.folder is not None):
            raise ValueError("expected a folder for a gate that is a classifier, and only there")
        return self


class OperatingPoint(BaseModel):
    """Thresholds and minimum area that were chosen together, with one gate or without any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: GateKind | None
    gate_threshold: float | None
    threshold: float
    minimum_area_px: int
    objective: str = Field(description="what was maximised, on which cases, in words")
    score: float | None = Field(description="of the objective, where it was chosen")
    cross_fitted_score: float | None = Field(
        None, description="each fold scored at what was chosen on the others"
    )


class ModelCard(BaseModel):
    """One trained model, without its weights.

    It is a network with its weights, a method without one, or several models whose mean
    probability counts (`members`). `gate` may stand before any of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    about: About = Field(
        About(), description="what it is for, in words that may be changed by hand"
    )
    task: Task = Field("segment", description="labels for pixels, or one verdict for an image")
    architecture: str
    arguments: dict[str, Any]
    parameters: int
    stride_px: int
    context_px: int | None = Field(description="how far an output sees; None for everything")
    lost_px: int = Field(0, description="border that unpadded convolutions take from each side")
    tiling: Tiling | None = Field(
        None, description="how much tiles change an image; None where they change nothing"
    )
    depths: tuple[Depth, ...] = Field((), description="the depths it can be pruned to, if any")
    classes: tuple[NamedClass, ...]
    is_overlapping: bool = Field(
        False, description="a pixel may belong to several classes: one sigmoid a class"
    )
    preparation: Preparation
    predict: PredictSettings
    has_dark_surround: bool = Field(
        False,
        description="the training regions are the field of view of the images, so that whatever "
        "lies outside the field of view of an image is background",
    )
    precision: str
    threshold: Threshold
    training: dict[str, Any] = Field(description="recipe, data, split, budget, machine")
    validation: dict[str, Any] = Field(description="scores on the validation split, with rules")
    weights_sha256: str | None = Field(description="None of a method without a network")
    classical: ClassicalCard | None = Field(None, description="None of a network")
    has_presence_head: bool = Field(
        False,
        description="the network's last channel is constant over an image: the probability that "
        "there is anything to find",
    )
    members: tuple[str, ...] = Field(
        (), description="folders, inside this one, of whole models whose mean probability counts"
    )
    gate: Gate | None = Field(None, description="None where every image is segmented")
    operating_points: tuple[OperatingPoint, ...] = Field(
        (), description="what was chosen for each kind of gate, and without any, to compare"
    )

    @model_validator(mode="after")
    def _one_of_three(self) -> ModelCard:
        kinds = [self.weights_sha256 is not None, self.classical is not None, bool(self.members)]
        if sum(kinds) != 1:
            raise ValueError("expected one of weights_sha256, of a network, classical, or members")
        return self

    @property
    def title(self) -> str:
        """What it is to be called where people read: its title, else its name."""
        return self.about.title or self.name

    @property
    def label_classes(self) -> tuple[LabelClass, ...]:
        """The classes, background first."""
        return tuple(each.as_label_class() for each in self.classes)

    @property
    def output_channels(self) -> int:
        """One for binary masks, one a foreground class where classes overlap, else one a class."""
        if self.is_overlapping:
            return len(self.classes) - 1
        is_binary_mask = len(self.classes) == 2 and self.task == "segment"
        return 1 if is_binary_mask else len(self.classes)
