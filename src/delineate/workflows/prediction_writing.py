"""Predictions as files: masks, overlays, maps, tables and the document of them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress, track
from delineate.core.types import LabelClass
from delineate.files.class_masks import write_class_masks, write_mask_classes
from delineate.files.mask_files import write_image, write_index_mask, write_probability
from delineate.files.spacing import Spacing
from delineate.files.writing import write_json
from delineate.inference.model import Model, Prediction
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.workflows.asked_images import failure_of, stems
from delineate.workflows.mask_formats import PNG, MaskFormats
from delineate.workflows.passes import Passes
from delineate.workflows.predicted_gate import PredictedGate
from delineate.workflows.predicted_objects import PredictedObjects
from delineate.workflows.predicted_pictures import overlay_of, shown_classes
from delineate.workflows.predicted_structure import PredictedStructure

SCHEMA, DOCUMENT = "predictions", "predictions.json"


@dataclass(frozen=True)
class PredictedFiles:
    """What is written of each image beside its mask; see `predict` for what each means.

    `threshold`, `gate_threshold` and `frame` are those that the predictions were asked for with.
    """

    probabilities: bool = False
    overlays: bool = True
    formats: tuple[str, ...] = (PNG,)
    structure: bool = False
    objects: bool = False
    heat_maps: bool = False
    palette: str = "default"
    threshold: float | None = None
    gate_threshold: float | None = None
    frame: int | None = None


def write_predictions(
    folder: Path,
    model: Model,
    files: Sequence[Path],
    asked: PredictedFiles,
    *,
    passes: Passes,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Predict each of the files into a folder that is there; what `predictions.json` says of them.

    What is wrong with single images is listed there under `failures`, and the others are done;
    `doubts` are what is odd about images that were.

    Raises:
        DelineateError: a file that cannot be written at the end.
    """
    writing = _Writing(folder, model, files, asked, passes)
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for file, stem in track(list(zip(files, stems(files), strict=True)), "predict", progress):
        try:
            rows.append(writing.add(file, stem))
        except DelineateError as error:
            failures.append(failure_of(file, error))
    document = writing.finish(rows, failures)
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return document


class _Writing:
    """The files of one call: those of each image at once, those of all at the end."""

    def __init__(
        self,
        folder: Path,
        model: Model,
        files: Sequence[Path],
        asked: PredictedFiles,
        passes: Passes,
    ) -> None:
        self._folder, self._model, self._asked, self._passes = folder, model, asked, passes
        # Before the masks, so that those of an interrupted call can be read too.
        write_mask_classes(folder, model.classes)
        self._shown = shown_classes(model, asked.palette)
        self._formats = MaskFormats(asked.formats, model.classes, files)
        self._objects = PredictedObjects(model.classes) if asked.objects else None
        self._structure = None
        if asked.structure:
            self._structure = PredictedStructure(
                folder, model.classes, is_overlapping=model.card.is_overlapping
            )
        heat_map = passes.heat_map if asked.heat_maps and model.gate is not None else None
        self._gate = PredictedGate(folder, model, asked.gate_threshold, heat_map=heat_map)
        self._doubts: list[str] = []

    def add(self, file: Path, stem: str) -> dict[str, Any]:
        """Write what belongs to one image; what the document says of it."""
        image = self._passes.image(file)
        prediction = self._passes.predict(image)
        doubt = self._model.card.preparation.doubt(image)
        if doubt is not None:
            self._doubts.append(f"{file}: {doubt}")
        written = _write_masks(self._folder, stem, prediction, self._model.classes)
        if self._asked.overlays:
            picture = overlay_of(image, prediction, self._shown)
            write_image(self._folder / f"{stem}_overlay.png", picture)
        if self._asked.probabilities:
            _write_probabilities(self._folder, stem, prediction)
        self._formats.add(file, stem, prediction)
        self._measure(file, stem, prediction, partial(self._passes.spacing, file))
        said = self._gate.add(file, stem, image, prediction)
        return {"image": str(file)} | written | _areas(prediction, self._model.classes) | said

    def _measure(
        self, file: Path, stem: str, prediction: Prediction, spacing: Callable[[], Spacing | None]
    ) -> None:
        if self._structure is not None:
            self._structure.add(stem, prediction.labels, spacing())
        if self._objects is not None:
            self._objects.add(file, prediction, spacing())

    def finish(self, rows: Sequence[dict[str, Any]], failures: Sequence[str]) -> dict[str, Any]:
        """Write what belongs to all images; the document."""
        model, asked = self._model, self._asked
        cut = model.cut(asked.threshold)
        origin = model.threshold.origin if asked.threshold is None else GIVEN_BY_HAND
        return {
            "model": model.card.name,
            "threshold": None if isinstance(cut, tuple) else cut,
            "thresholds": list(cut) if isinstance(cut, tuple) else None,
            "threshold_origin": origin,
            "gate": self._gate.finish(),
            "repeats": model.predict_settings.repeats,
            "depth": model.predict_settings.depth,
            "frame": asked.frame,
            "classes": [each.name for each in model.classes],
            "formats": self._formats.write(self._folder),
            "structure": None if self._structure is None else self._structure.finish(),
            "objects": None if self._objects is None else self._objects.write(self._folder),
            "images": list(rows),
            "doubts": self._doubts,
            "failures": list(failures),
        }


def _write_probabilities(folder: Path, stem: str, prediction: Prediction) -> None:
    if len(prediction.probability) == 1:
        write_probability(folder / f"{stem}_prob.png", prediction.probability[0])
        return
    # Classes that overlap have no channel of background.
    first = 1 if prediction.is_overlapping else 0
    for index, channel in enumerate(prediction.probability, start=first):
        write_probability(folder / f"{stem}_prob_{index}.png", channel)


def _write_masks(
    folder: Path, stem: str, prediction: Prediction, classes: Sequence[LabelClass]
) -> dict[str, Any]:
    """What the document says of the files of masks."""
    if prediction.is_overlapping:
        files = write_class_masks(folder, stem, prediction.labels, classes)
        return {"masks": [file.name for file in files]}
    write_index_mask(folder / f"{stem}_mask.png", prediction.labels, classes)
    return {"mask": f"{stem}_mask.png"}


def _areas(prediction: Prediction, classes: Sequence[LabelClass]) -> dict[str, Any]:
    return {
        "area_px": {
            each.name: int(np.count_nonzero(prediction.mask(each.index)))
            for each in classes
            if each.index > 0
        }
    }
