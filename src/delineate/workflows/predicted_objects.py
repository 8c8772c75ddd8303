"""The objects of predicted masks, measured: a row each, the same for all who ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import LabelClass
from delineate.files.spacing import Spacing
from delineate.files.writing import write_csv
from delineate.inference.model import Prediction
from delineate.structure.objects import MeasuredObject, measured_objects

FILE = "objects.csv"
HEADER = (
    "image", "class", "number", "area_px", "area_mm2", "perimeter_px", "perimeter_mm",
    "major_axis_px", "major_axis_mm", "minor_axis_px", "minor_axis_mm", "orientation_degrees",
    "row_px", "column_px", "top_px", "left_px", "height_px", "width_px", "mean_probability",
)  # fmt: skip


def channel_of(prediction: Prediction, index: int) -> NDArray[np.float32]:
    """(H, W) the probability of the class of that index, background having one of its own or none.

    Raises:
        IndexError: the background of a model that has no channel for it, or no such class.
    """
    has_background = len(prediction.probability) > 1 and not prediction.is_overlapping
    channel = index if has_background else index - 1
    if not 0 <= channel < len(prediction.probability):
        raise IndexError(index)
    return np.asarray(prediction.probability[channel])


def objects_of(
    prediction: Prediction, classes: Sequence[LabelClass], spacing: Spacing | None
) -> dict[int, list[MeasuredObject]]:
    """Index of each class but the background -> its objects, the largest first."""
    pair = None if spacing is None else (spacing.row_mm, spacing.column_mm)
    return {
        each.index: measured_objects(
            prediction.mask(each.index), channel_of(prediction, each.index), spacing_mm=pair
        )
        for each in classes
        if each.index > 0
    }


def rows_of(
    image: str, classes: Sequence[LabelClass], found: Mapping[int, list[MeasuredObject]]
) -> Iterator[list[object]]:
    """The rows of one image under `HEADER`."""
    for one in classes:
        for each in found.get(one.index, []):
            yield [
                image, one.name, each.number, each.area_px, each.area_mm2, each.perimeter_px,
                each.perimeter_mm, each.major_axis_px, each.major_axis_mm, each.minor_axis_px,
                each.minor_axis_mm, each.orientation_degrees, *each.centroid_px, *each.box_px,
                each.mean_probability,
            ]  # fmt: skip


class PredictedObjects:
    """Collects what was found in one image after the other."""

    def __init__(self, classes: Sequence[LabelClass]) -> None:
        self._classes = classes
        self._rows: list[list[object]] = []

    def add(self, image: Path, prediction: Prediction, spacing: Spacing | None) -> None:
        """Measure what was found in one image, in mm too where its spacing is known."""
        found = objects_of(prediction, self._classes, spacing)
        self._rows += rows_of(str(image), self._classes, found)

    def write(self, folder: Path) -> str:
        """Write the table; its name.

        Raises:
            CannotWriteError: if it cannot be written.
        """
        write_csv(folder / FILE, HEADER, self._rows)
        return FILE
