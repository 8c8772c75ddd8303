"""Where images and predictions come from: files and a model, or what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from delineate.core.types import HeatMap, Image
from delineate.files.image_files import read_image
from delineate.files.spacing import Spacing, spacing_of
from delineate.inference.model import Model, Prediction


class Passes(Protocol):
    """What is asked of each image, one after the other."""

    def image(self, file: Path) -> Image:
        """The image in a file."""

    def spacing(self, file: Path) -> Spacing | None:
        """The size of its pixels, where the file states one."""

    def predict(self, image: Image) -> Prediction:
        """What the model says of it."""

    def heat_map(self, image: Image) -> HeatMap:
        """Where the classifier that is the model's gate looked."""


@dataclass(frozen=True)
class OwnPasses:
    """Files that are read here, and a model that is asked here; None of a threshold is its own."""

    model: Model
    frame: int | None = None
    threshold: float | None = None
    gate_threshold: float | None = None

    def image(self, file: Path) -> Image:
        """The image in a file.

        Raises:
            UnreadableFileError: as `read_image`.
        """
        return read_image(file, frame=self.frame)

    def spacing(self, file: Path) -> Spacing | None:
        """The size of its pixels, where the file states one.

        Raises:
            UnreadableFileError: as `spacing_of`.
        """
        return spacing_of(file)

    def predict(self, image: Image) -> Prediction:
        """What the model says of it.

        Raises:
            SettingsError: as `Model.predict`.
        """
        return self.model.predict(
            image, threshold=self.threshold, gate_threshold=self.gate_threshold
        )

    def heat_map(self, image: Image) -> HeatMap:
        """Where the classifier that is the model's gate looked; there is one."""
        assert self.model.gate is not None
        return self.model.gate.grad_cam(image)
