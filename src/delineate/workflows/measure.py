"""What the vessels in masks are like: those of a data set, or of a folder of masks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError, LayoutError, SettingsError
from delineate.core.progress import SILENT, Progress, track
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, with_encodings
from delineate.data.reading import read_truth
from delineate.data.sample import Dataset, Sample
from delineate.files.spacing import Spacing, spacing_of
from delineate.files.writing import new_folder, write_json
from delineate.workflows.asked_images import failure_of
from delineate.workflows.inputs import inputs_of
from delineate.workflows.mask_folder import MASKS, holds_masks_alone, mask_folder
from delineate.workflows.scored_data import EVERYTHING, cases_of
from delineate.workflows.scoring import file_name
from delineate.workflows.structure import DOCUMENT, SCHEMA, Drawn, StructureFiles, spacing_by_hand


@dataclass(frozen=True)
class MeasureResult:
    """Where the tables and pictures are, and which cases have none."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The folder of tables and pictures."""
        return self.folder


def measure(
    source: Path | str,
    out: Path | str,
    *,
    split: str | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    overlapping: bool = False,
    spacing_mm: str | None = None,
    pictures: bool = True,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> MeasureResult:
    """Write length, branch points, width and tortuosity of the vessels in every mask.

    `source` is a data set, whose observers are measured one by one, or a folder of masks
    without images, as `predict` and `evaluate` write them (`layout="masks"` where the files are
    not named so). `spacing_mm` is the height and width of a pixel ("0.02" or "0.02,0.03") for
    images that do not state it. A case that cannot be read is listed among the failures, and the
    others are done.

    Raises:
        DelineateError: no masks, an uncertain encoding, or an output that cannot be written.
    """
    by_hand = spacing_by_hand(spacing_mm)
    path = Path(source)
    opened = _opened(path, layout, masks, overlapping=overlapping)
    cases = cases_of(opened, split or EVERYTHING)
    if not any(sample.masks for sample in cases.samples):
        named = f" in the split '{split}'" if split else ""
        raise LayoutError(
            f"{opened.root}: expected masks{named}, found none; there is nothing to measure"
        )
    dataset = settle_encodings(cases, progress=progress)
    folder = new_folder(Path(out), overwrite=overwrite, inputs=inputs_of(opened, path))
    files = StructureFiles(
        folder, dataset.classes, is_overlapping=dataset.is_overlapping, pictures=pictures
    )
    failures: list[str] = []
    chosen = [sample for sample in dataset.samples if sample.masks]
    for sample in track(chosen, "measure", progress):
        try:
            files.add(sample.id, file_name(sample.id), _drawn(dataset, sample, by_hand))
        except DelineateError as error:
            failures.append(failure_of(sample.image, error))
    document = {
        "source": str(path),
        "layout": dataset.layout,
        "split": split or EVERYTHING,
        **files.finish(),
        "failures": failures,
    }
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return MeasureResult(folder, document, tuple(failures))


def _opened(
    path: Path, layout: str | None, masks: str | Sequence[str] | None, *, overlapping: bool
) -> Dataset:
    if layout != MASKS and (layout is not None or not holds_masks_alone(path)):
        return open_dataset(path, layout=layout, masks=masks, overlapping=overlapping)
    found = mask_folder(path)
    if overlapping and not found.is_overlapping:
        raise SettingsError(
            f"--overlapping: expected a file a class and classes.csv in {path}, found masks of "
            "all classes; leave the option out"
        )
    return with_encodings(found, [masks] if isinstance(masks, str) else masks) if masks else found


def _drawn(dataset: Dataset, sample: Sample, by_hand: Spacing | None) -> dict[str, Drawn]:
    """The labels of each observer of a sample."""
    spacing = by_hand or spacing_of(sample.image)
    return {
        MASKS if dataset.layout == MASKS else f"observer {observer}": Drawn(
            *read_truth(dataset, sample, observer), spacing
        )
        for observer in sample.masks
    }
