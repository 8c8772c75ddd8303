"""Masks for images without any: one file, a folder, or a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import SILENT, Progress, track
from delineate.core.types import LabelClass
from delineate.files.class_masks import write_class_masks, write_mask_classes
from delineate.files.image_files import read_image
from delineate.files.mask_files import write_image, write_index_mask, write_probability
from delineate.files.writing import new_folder, write_json
from delineate.inference.model import Prediction, load_model
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.inference.model_folder import read_card, require_depth
from delineate.inference.settings import Repeats
from delineate.report.overlays import find_palette
from delineate.workflows.asked_images import failure_of, listed_images, stems
from delineate.workflows.mask_formats import PNG, MaskFormats, asked_formats
from delineate.workflows.predict_classifier import VerdictsResult, predict_classifier
from delineate.workflows.predicted_gate import PredictedGate, require_gate_options
from delineate.workflows.predicted_pictures import overlay_of, shown_classes
from delineate.workflows.predicted_structure import PredictedStructure

SCHEMA, DOCUMENT = "predictions", "predictions.json"


@dataclass(frozen=True)
class PredictResult:
    """Where the masks are, and which images have none."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The folder of masks."""
        return self.folder


def predict(
    model: Path | str,
    images: Sequence[Path | str],
    out: Path | str,
    *,
    probabilities: bool = False,
    overlays: bool = True,
    formats: Sequence[str] = (PNG,),
    structure: bool = False,
    palette: str = "default",
    frame: int | None = None,
    threshold: float | None = None,
    gate_threshold: float | None = None,
    gate: bool = True,
    heat_maps: bool = False,
    repeats: Repeats | None = None,
    depth: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> PredictResult | VerdictsResult:
    """Write `STEM_mask.png` for each image, at its own size.

    Where classes overlap there is one for each of them, `STEM_mask_CLASS.png`. `formats` are
    further forms, one file for all images: see `delineate.workflows.mask_formats`. With
    `structure` vessels are measured into a folder of that name, as `measure` does.
    With `probabilities` also `STEM_prob.png`, 16 bits, 65535 for certainty (one file a class
    for several classes, `STEM_prob_1.png` and so on); with `overlays` `STEM_overlay.png`,
    where a palette other than the default colours the foreground of a binary model as its hit.
    Images of one name in different folders keep their folders' names in the stem. An image
    that cannot be read is listed among the failures, and the others are done. Of DICOM files of
    several frames `frame`, counted from 1, is taken. `depth` prunes a network that has several
    depths. Of a classifier see `predict_classifier`.

    Of a model behind a gate an image in which the gate finds nothing, below its threshold or
    `gate_threshold`, has an empty mask. What the gate says stands below the overlays, in the
    document and in `predictions.csv`, and with `heat_maps` `STEM_cam.png` shows where a classifier
    as gate looked. Without `gate` every image is segmented.

    Raises:
        DelineateError: no images, no model, or an output folder that cannot be used.
    """
    card = read_card(Path(model))
    require_depth(card, depth)
    require_gate_options(card, threshold=gate_threshold, gate=gate, heat_maps=heat_maps)
    forms = asked_formats(formats)
    if card.task == "classify":
        _refuse_forms(forms)
        if structure:
            raise SettingsError(
                "--structure: a classifier draws no vessels to measure; leave the option out"
            )
        return predict_classifier(
            model,
            images,
            out,
            probabilities=probabilities,
            overlays=overlays,
            palette=palette,
            frame=frame,
            threshold=threshold,
            repeats=repeats,
            device=device,
            threads=threads,
            overwrite=overwrite,
            progress=progress,
        )
    files = list(listed_images(images))
    find_palette(palette)
    asked = {"repeats": repeats, "depth": depth}
    changes = {name: value for name, value in asked.items() if value is not None}
    loaded = load_model(model, device=device, threads=threads, **changes)
    loaded = loaded if gate else loaded.with_gate(None)
    cut = loaded.cut(threshold)
    folder = new_folder(
        Path(out), overwrite=overwrite, inputs=(model, Path(model) / "model", *files)
    )
    # Before the masks, so that those of an interrupted call can be read too.
    write_mask_classes(folder, loaded.classes)
    shown = shown_classes(loaded, palette)
    collected = MaskFormats(forms, loaded.classes, files)
    is_overlapping = loaded.card.is_overlapping
    measured = None
    if structure:
        measured = PredictedStructure(folder, loaded.classes, is_overlapping=is_overlapping)
    gated = PredictedGate(folder, loaded, gate_threshold, heat_maps=heat_maps)
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for file, stem in track(list(zip(files, stems(files), strict=True)), "predict", progress):
        try:
            image = read_image(file, frame=frame)
            prediction = loaded.predict(image, threshold=threshold, gate_threshold=gate_threshold)
            written = _write_masks(folder, stem, prediction, loaded.classes)
            if overlays:
                write_image(folder / f"{stem}_overlay.png", overlay_of(image, prediction, shown))
            if probabilities:
                _write_probabilities(folder, stem, prediction)
            collected.add(file, stem, prediction)
            if measured is not None:
                measured.add(file, stem, prediction.labels)
            said = gated.add(file, stem, image, prediction)
        except DelineateError as error:
            failures.append(failure_of(file, error))
            continue
        rows.append({"image": str(file)} | written | _areas(prediction, loaded.classes) | said)
    document = {
        "model": loaded.card.name,
        "threshold": None if isinstance(cut, tuple) else cut,
        "thresholds": list(cut) if isinstance(cut, tuple) else None,
        "threshold_origin": loaded.threshold.origin if threshold is None else GIVEN_BY_HAND,
        "gate": gated.finish(),
        "repeats": loaded.predict_settings.repeats,
        "depth": loaded.predict_settings.depth,
        "frame": frame,
        "classes": [each.name for each in loaded.classes],
        "formats": collected.write(folder),
        "structure": None if measured is None else measured.finish(),
        "images": rows,
        "failures": failures,
    }
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return PredictResult(folder, document, tuple(failures))


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


def _refuse_forms(forms: Sequence[str]) -> None:
    """Nothing, where no other form than pictures is asked for."""
    more = [each for each in forms if each != PNG]
    if more:
        raise SettingsError(
            f"--format {more[0]}: writes masks, and a classifier draws none; leave the option out"
        )
