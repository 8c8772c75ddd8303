"""The forms, beside pictures, in which predicted masks are written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from delineate.core.errors import SettingsError, unknown_name
from delineate.core.types import LabelClass
from delineate.files.coco_writing import CocoForm, CocoWriter, PlacedObject
from delineate.files.run_lengths import nerve_text, siim_text
from delineate.files.writing import write_csv
from delineate.inference.model import Prediction
from delineate.workflows.predicted_objects import channel_of

PNG, RLE = "png", "rle"
NERVE, SIIM = "rle-nerve", "rle-siim"
COCO: CocoForm = "coco"
COCO_POLYGONS: CocoForm = "coco-polygons"
FORMATS = (PNG, RLE, NERVE, SIIM, COCO, COCO_POLYGONS)
# Form of run lengths: its file, and its header for one class. Several have a column more.
_TABLES = {
    NERVE: ("rle_nerve.csv", ("img", "pixels"), nerve_text),
    SIIM: ("rle_siim.csv", ("ImageId", "EncodedPixels"), siim_text),
}
CLASS_COLUMN = "ClassId"
_COCO_FILE = "instances_predictions.json"


def asked_formats(words: Sequence[str]) -> tuple[str, ...]:
    """The forms that are meant, `rle` being both run lengths; commas part words too.

    Raises:
        SettingsError: an unknown one, the nearest proposed; or two that are one file.
    """
    chosen = [part.strip() for word in words for part in word.split(",")]
    for each in chosen:
        if each not in FORMATS:
            raise unknown_name("format", each, FORMATS)
    if COCO in chosen and COCO_POLYGONS in chosen:
        raise SettingsError(
            f"--format {COCO},{COCO_POLYGONS}: both are {_COCO_FILE}, once with run lengths and "
            "once with polygons; choose one"
        )
    wide = [part for each in chosen for part in ((NERVE, SIIM) if each == RLE else (each,))]
    return tuple(dict.fromkeys((PNG, *wide)))


class MaskFormats:
    """Collects the masks of all images, and writes them in the forms that were asked for."""

    def __init__(
        self, formats: Sequence[str], classes: Sequence[LabelClass], files: Sequence[Path]
    ) -> None:
        self._classes = [each for each in classes if each.index > 0]
        self._rows: dict[str, list[tuple[str, ...]]] = {f: [] for f in _TABLES if f in formats}
        self._names = _names(files)
        self._coco: CocoWriter | None = None
        if COCO_POLYGONS in formats:
            self._coco = CocoWriter(classes, COCO_POLYGONS)
        elif COCO in formats:
            self._coco = CocoWriter(classes, COCO)

    def add(self, file: Path, stem: str, prediction: Prediction) -> None:
        """The masks of one image. An object is what hangs together, corners included."""
        for form, rows in self._rows.items():
            _, _, runs = _TABLES[form]
            for each in self._classes:
                row = (stem, runs(prediction.mask(each.index)))
                rows.append(row if len(self._classes) == 1 else (row[0], each.name, row[1]))
        if self._coco is not None:
            height, width = prediction.labels.shape
            self._coco.add(
                self._names[file], (height, width), _scored_objects(prediction, self._classes)
            )

    def write(self, folder: Path) -> dict[str, str]:
        """Form -> the name of its file.

        Raises:
            CannotWriteError: if one cannot be written.
        """
        written = {}
        for form, rows in self._rows.items():
            name, (image, runs), _ = _TABLES[form]
            header = (image, runs) if len(self._classes) == 1 else (image, CLASS_COLUMN, runs)
            write_csv(folder / name, header, rows)
            written[form] = name
        if self._coco is not None:
            self._coco.write(folder / _COCO_FILE)
            written[self._coco.form] = _COCO_FILE
        return written


def _scored_objects(
    prediction: Prediction, classes: Sequence[LabelClass]
) -> Iterator[PlacedObject]:
    """What hangs together (8 neighbours) of each class, with its mean probability."""
    for one in classes:
        channel = channel_of(prediction, one.index)
        count, places, boxes, _ = cv2.connectedComponentsWithStats(
            prediction.mask(one.index).astype(np.uint8), connectivity=8
        )
        for number in range(1, count):
            left, top, width, height = boxes[number, :4].tolist()
            box = (slice(top, top + height), slice(left, left + width))
            mask = np.asarray(places[box] == number)
            score = float(np.mean(channel[box][mask], dtype=np.float64))
            yield PlacedObject(one.index, mask, (top, left), score)


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """What each image is called: its name, or its way from the folder that holds them all."""
    names = {file: file.name for file in files}
    if len(set(names.values())) == len(names):
        return names
    whole = {file: file.resolve() for file in files}
    common = Path(os.path.commonpath([path.parent for path in whole.values()]))
    return {file: path.relative_to(common).as_posix() for file, path in whole.items()}
