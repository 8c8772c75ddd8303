"""The structure of predicted vessels, beside the masks that were predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from delineate.core.types import LabelClass, Labels
from delineate.files.spacing import Spacing
from delineate.files.writing import write_json
from delineate.workflows.structure import DOCUMENT, SCHEMA, Drawn, StructureFiles

FOLDER, MODEL = "structure", "model"


class PredictedStructure:
    """Measures one prediction after the other into a folder of its own, as `measure` does."""

    def __init__(
        self, predictions: Path, classes: Sequence[LabelClass], *, is_overlapping: bool
    ) -> None:
        self._folder = predictions / FOLDER
        self._files = StructureFiles(self._folder, classes, is_overlapping=is_overlapping)

    def add(self, stem: str, labels: Labels, spacing: Spacing | None) -> None:
        """Measure what was found in one image, in mm too where its spacing is known."""
        self._files.add(stem, stem, {MODEL: Drawn(labels, spacing=spacing)})

    def finish(self) -> str:
        """Write the tables; the name of their document in the folder of predictions."""
        write_json(self._folder / DOCUMENT, self._files.finish(), schema=SCHEMA)
        return f"{FOLDER}/{DOCUMENT}"
