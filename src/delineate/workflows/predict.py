"""Masks for images without any: one file, a folder, or a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError, LayoutError, SettingsError
from delineate.core.progress import SILENT, Progress, track
from delineate.data.listing import natural_key
from delineate.files.image_files import IMAGE_ENDINGS, read_image
from delineate.files.mask_files import write_image, write_index_mask, write_probability
from delineate.files.writing import new_folder, write_json
from delineate.inference.model_folder import Model, Prediction, load_model
from delineate.inference.settings import Repeats
from delineate.report.overlays import class_overlay, find_palette

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
    palette: str = "default",
    threshold: float | None = None,
    repeats: Repeats | None = None,
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> PredictResult:
    """Write `STEM_mask.png` for each image, at its own size.

    With `probabilities` also `STEM_prob.png`, 16 bits, 65535 for certainty (one file a class
    for several classes, `STEM_prob_1.png` and so on); with `overlays` `STEM_overlay.png`,
    where a palette other than the default colours the foreground of a binary model as its hit.
    Images of one name in different folders keep their folders' names in the stem. An image
    that cannot be read is listed among the failures, and the others are done.

    Raises:
        DelineateError: no images, no model, or an output folder that cannot be used.
    """
    files = list(listed_images(images))
    hit = find_palette(palette).hit.colour
    changes: dict[str, Any] = {} if repeats is None else {"repeats": repeats}
    loaded = load_model(model, device=device, threads=threads, **changes)
    if threshold is not None and len(loaded.classes) > 2:
        raise SettingsError(
            "--threshold: a model of several classes takes the likeliest; leave the option out"
        )
    folder = new_folder(
        Path(out), overwrite=overwrite, inputs=(model, Path(model) / "model", *files)
    )
    shown = loaded.classes
    if len(shown) == 2 and palette != "default":
        shown = (shown[0], replace(shown[1], colour=hit))
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for file, stem in track(list(zip(files, stems(files), strict=True)), "predict", progress):
        try:
            image = read_image(file)
            prediction = loaded.predict(image, threshold=threshold)
            write_index_mask(folder / f"{stem}_mask.png", prediction.labels, loaded.classes)
            if overlays:
                picture = class_overlay(image, prediction.labels, shown)
                write_image(folder / f"{stem}_overlay.png", picture)
            if probabilities:
                _write_probabilities(folder, stem, prediction)
        except DelineateError as error:
            failures.append(str(error))
            continue
        rows.append({"image": str(file), "mask": f"{stem}_mask.png"} | _areas(prediction, loaded))
    document = {
        "model": loaded.card.name,
        "threshold": loaded.card.threshold.value if threshold is None else threshold,
        "threshold_origin": loaded.card.threshold.chosen_on if threshold is None else "given",
        "repeats": loaded.predict_settings.repeats,
        "classes": [each.name for each in loaded.classes],
        "images": rows,
        "failures": failures,
    }
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return PredictResult(folder, document, tuple(failures))


def listed_images(images: Sequence[Path | str]) -> list[Path]:
    """Every image file that files, folders and patterns name, in natural order, each once.

    Raises:
        LayoutError: a path that is not there, or nothing found at all.
    """
    found: list[Path] = []
    for each in images:
        path = Path(each)
        if path.is_dir():
            inside = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_ENDINGS]
            found += [p for p in inside if not p.name.startswith(".")]
        elif path.exists():
            found.append(path)
        elif has_magic(str(each)):
            matches = glob(str(each), recursive=True)  # noqa: PTH207 - absolute patterns too
            found += [Path(p) for p in matches if Path(p).is_file()]
        else:
            raise LayoutError(f"{each}: no such file or folder; give images, folders or patterns")
    if not found:
        shown = ", ".join(map(str, images))
        raise LayoutError(f"{shown}: expected images, found none; see `delineate predict --help`")
    return sorted(dict.fromkeys(found), key=lambda path: natural_key(str(path)))


def stems(files: Sequence[Path]) -> list[str]:
    """A name for each file that no other has: its stem where that is the only one.

    Stems that repeat take as many folders as tell them apart, or their ending where they lie
    in one folder.
    """
    names = [file.stem for file in files]
    for name in {each for each in names if names.count(each) > 1}:
        alike = [at for at, each in enumerate(names) if each == name]
        for at, longer in zip(alike, _told_apart([files[at] for at in alike]), strict=True):
            names[at] = longer
    if len(set(names)) < len(names):  # a longer name happens to be another file's own
        names = [f"{number}_{name}" for number, name in enumerate(names, start=1)]
    return names


def _told_apart(files: Sequence[Path]) -> list[str]:
    if len({file.parent for file in files}) < len(files):
        return [f"{file.parent.name}_{file.name.replace('.', '_')}" for file in files]
    folders = [file.resolve().parent.parts for file in files]
    depth = next(n for n in range(1, 1000) if len({each[-n:] for each in folders}) == len(files))
    return [
        "_".join((*each[-depth:], file.stem)) for each, file in zip(folders, files, strict=True)
    ]


def _write_probabilities(folder: Path, stem: str, prediction: Prediction) -> None:
    if len(prediction.probability) == 1:
        write_probability(folder / f"{stem}_prob.png", prediction.probability[0])
        return
    for index, channel in enumerate(prediction.probability):
        write_probability(folder / f"{stem}_prob_{index}.png", channel)


def _areas(prediction: Prediction, model: Model) -> dict[str, Any]:
    areas = np.bincount(prediction.labels.ravel(), minlength=len(model.classes))
    return {
        "area_px": {each.name: int(areas[each.index]) for each in model.classes if each.index > 0}
    }
