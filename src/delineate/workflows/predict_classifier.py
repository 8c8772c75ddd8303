"""Verdicts on images without labels: one file, a folder, or a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import SILENT, Progress, track
from delineate.files.image_files import read_image
from delineate.files.mask_files import write_image
from delineate.files.writing import new_folder, write_csv, write_json
from delineate.inference.classifier import load_classifier
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.inference.settings import Repeats
from delineate.report.heat_maps import HEAT_WORDS, heat_map_overlay
from delineate.workflows.asked_images import failure_of, listed_images, stems

SCHEMA, DOCUMENT, TABLE = "predictions", "predictions.json", "predictions.csv"
HEADER = ("image", "probability", "verdict")


@dataclass(frozen=True)
class VerdictsResult:
    """Where the verdicts are, and which images have none."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The table of verdicts."""
        return self.folder / TABLE


def predict_classifier(
    model: Path | str,
    images: Sequence[Path | str],
    out: Path | str,
    *,
    probabilities: bool = False,
    overlays: bool = True,
    palette: str = "default",
    frame: int | None = None,
    threshold: float | None = None,
    repeats: Repeats | None = None,
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> VerdictsResult:
    """Write `predictions.csv`: how probable it is that each image holds something, and the verdict.

    With `overlays` also `STEM_cam.png`, where in the image that comes from (Grad-CAM). Stems are
    told apart, and `frame` is taken, as for masks. An image that cannot be read is listed among
    the failures, and the others are done.

    Raises:
        SettingsError: probability maps or a palette, which belong to masks.
        DelineateError: no images, no classifier, or an output folder that cannot be used.
    """
    _refuse_what_masks_have(probabilities=probabilities, palette=palette)
    files = listed_images(images)
    classifier = load_classifier(model, device=device, threads=threads, repeats=repeats)
    folder = new_folder(
        Path(out), overwrite=overwrite, inputs=(model, Path(model) / "model", *files)
    )
    words = [each.name for each in classifier.card.classes]
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    doubts: list[str] = []
    for file, stem in track(list(zip(files, stems(files), strict=True)), "predict", progress):
        try:
            image = read_image(file, frame=frame)
            verdict = classifier.predict(image, threshold=threshold)
            doubt = classifier.card.preparation.doubt(image)
            row: dict[str, Any] = {
                "image": str(file),
                "probability": verdict.probability,
                "verdict": words[int(verdict.is_present)],
            }
            if overlays:
                row["heat_map"] = f"{stem}_cam.png"
                picture = heat_map_overlay(image, classifier.grad_cam(image))
                write_image(folder / row["heat_map"], picture)
        except DelineateError as error:
            failures.append(failure_of(file, error))
            continue
        rows.append(row)
        doubts += [] if doubt is None else [f"{file}: {doubt}"]
    document = {
        "model": classifier.card.name,
        "task": classifier.card.task,
        "threshold": classifier.threshold if threshold is None else threshold,
        "threshold_origin": classifier.card.threshold.origin
        if threshold is None
        else GIVEN_BY_HAND,
        "repeats": classifier.predict_settings.repeats,
        "frame": frame,
        "classes": words,
        "heat_maps": HEAT_WORDS if overlays else None,
        "images": rows,
        "doubts": doubts,
        "failures": failures,
    }
    write_csv(folder / TABLE, HEADER, [[row[name] for name in HEADER] for row in rows])
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return VerdictsResult(folder, document, tuple(failures))


def _refuse_what_masks_have(*, probabilities: bool, palette: str) -> None:
    if probabilities:
        raise SettingsError(
            "--probabilities: writes maps of segmentation models, and this is a classifier, whose "
            f"probabilities stand in {TABLE}; leave the option out"
        )
    refuse_palette(palette)


def refuse_palette(palette: str) -> None:
    """Nothing, where no other palette than the default is asked for.

    Raises:
        SettingsError: one that would colour masks.
    """
    if palette != "default":
        raise SettingsError(
            f"--palette {palette}: colours masks, and a classifier draws none; leave the option out"
        )
