"""Masks for images without any: one file, a folder, or a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.files.writing import new_folder
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card, require_depth
from delineate.inference.settings import Repeats
from delineate.report.overlays import find_palette
from delineate.workflows.asked_images import listed_images
from delineate.workflows.mask_formats import PNG, asked_formats
from delineate.workflows.passes import OwnPasses
from delineate.workflows.predict_classifier import VerdictsResult, predict_classifier
from delineate.workflows.predicted_gate import require_gate_options
from delineate.workflows.prediction_writing import PredictedFiles, write_predictions


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
    objects: bool = False,
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
    `structure` vessels are measured into a folder of that name, as `measure` does; with `objects`
    `objects.csv` has a row for each object: area, perimeter, axes, place, mean probability.
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
        _refuse_measuring(structure=structure, objects=objects)
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
    loaded.cut(threshold)  # refuses one that the model has no use for
    folder = new_folder(
        Path(out), overwrite=overwrite, inputs=(model, Path(model) / "model", *files)
    )
    written = PredictedFiles(
        probabilities=probabilities,
        overlays=overlays,
        formats=forms,
        structure=structure,
        objects=objects,
        heat_maps=heat_maps,
        palette=palette,
        threshold=threshold,
        gate_threshold=gate_threshold,
        frame=frame,
    )
    passes = OwnPasses(loaded, frame, threshold, gate_threshold)
    document = write_predictions(folder, loaded, files, written, passes=passes, progress=progress)
    return PredictResult(folder, document, tuple(document["failures"]))


def _refuse_forms(forms: Sequence[str]) -> None:
    """Nothing, where no other form than pictures is asked for."""
    more = [each for each in forms if each != PNG]
    if more:
        raise SettingsError(
            f"--format {more[0]}: writes masks, and a classifier draws none; leave the option out"
        )


def _refuse_measuring(*, structure: bool, objects: bool) -> None:
    """Nothing, where nothing is to be measured."""
    things = "vessels" if structure else "objects"
    if structure or objects:
        option = "--structure" if structure else "--objects"
        raise SettingsError(
            f"{option}: a classifier draws no {things} to measure; leave the option out"
        )
