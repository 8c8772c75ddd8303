"""Whether there is anything to find in an image: from its mask, or from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import IGNORE
from delineate.data.listing import counted, some
from delineate.data.opening import require_labels
from delineate.data.parallel import in_threads
from delineate.data.reading import read_truth
from delineate.data.sample import Dataset, Sample
from delineate.data.tables import read_table

COLUMNS = ("id", "label")
WORDS = {"absent": False, "no": False, "false": False, "0": False}
WORDS |= {"present": True, "yes": True, "true": True, "1": True}
_PAIRS = "0 or 1, no or yes, false or true, absent or present"


def image_labels(
    dataset: Dataset,
    samples: Sequence[Sample],
    *,
    labels_file: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, bool]:
    """Sample id -> whether there is anything to find, for each of these samples at least.

    From a CSV of id and label (0 or 1, no or yes, false or true, absent or present) it is what
    the table says, of every sample that it names. Else it is whether the
    mask of the first observer has any pixel of a class inside the region of interest; pixels of
    the ignore label are none. Mask encodings must be settled; an image that cannot be read
    does not hide what its mask says.

    Raises:
        LayoutError: a table that cannot be used, a sample that it leaves out, or no mask.
        DelineateError: masks or regions that cannot be read, the first one named.
    """
    if labels_file is not None:
        return _from_table(dataset, samples, labels_file)
    return _from_masks(dataset, samples, progress)


def require_both(dataset: Dataset, labels: Mapping[str, bool], part: str) -> None:
    """Nothing, where some images of a part hold something to find and some hold nothing.

    Raises:
        LayoutError: all of them, or none.
    """
    found = sum(labels[sample.id] for sample in dataset.samples)
    count = len(dataset.samples)
    if 0 < found < count:
        return
    said = "in every one of them" if found else "in none of them"
    raise LayoutError(
        f"{dataset.root}: {part} holds {counted(count, 'image')}, expected some with something to "
        f"find and some without, found something {said}; give more images of the kind that "
        "lacks, or part them otherwise with --split-file or --seed"
    )


def _rows(path: Path) -> dict[str, tuple[int, bool]]:
    """Id -> row in the file, and label."""
    rows: dict[str, tuple[int, bool]] = {}
    for number, row in read_table(path, required=COLUMNS):
        id_, word = row["id"], row["label"]
        if id_ in rows:
            raise LayoutError(
                f"{path}, row {number}: id {id_} stands in row {rows[id_][0]} already; remove one"
            )
        if word.lower() not in WORDS:
            raise LayoutError(
                f"{path}, row {number}: expected the label {_PAIRS}, found '{word}'; correct it"
            )
        rows[id_] = number, WORDS[word.lower()]
    if not rows:
        raise LayoutError(f"{path}: expected a row an image, found none; add id and label of each")
    return rows


def _from_table(dataset: Dataset, samples: Sequence[Sample], path: Path) -> dict[str, bool]:
    rows = _rows(path)
    known = {sample.id for sample in dataset.samples}
    strange = [id_ for id_ in rows if id_ not in known]
    if strange:
        more = f", and so in {counted(len(strange) - 1, 'row')} more" if len(strange) > 1 else ""
        raise LayoutError(
            f"{path}, row {rows[strange[0]][0]}: id '{strange[0]}' is of no image{more}; the ids "
            f"of {dataset.root} are such as {some(sorted(known))}; correct or remove it"
        )
    missing = [sample.id for sample in samples if sample.id not in rows]
    if missing:
        raise LayoutError(
            f"{path}: expected a label for each of {counted(len(samples), 'image')}, found none "
            f"for {some(missing)}; add them, or leave these images out with a manifest CSV"
        )
    return {id_: label for id_, (_, label) in rows.items()}


def _from_masks(dataset: Dataset, samples: Sequence[Sample], progress: Progress) -> dict[str, bool]:
    if not dataset.observers:
        raise LayoutError(
            f"{dataset.root}: expected masks to tell which images hold something, found images "
            "alone; give a CSV of id and label with --labels"
        )
    observer = dataset.observers[0]
    require_labels(dataset, samples, observer)

    def is_present(sample: Sample) -> bool:
        labels, region = read_truth(dataset, sample, observer)
        is_object = (labels > 0) & (labels != IGNORE)
        return bool(np.any(is_object if region is None else is_object & region))

    found: dict[str, bool] = {}
    problems: list[DelineateError] = []
    for sample, label in in_threads(is_present, samples, label="image labels", progress=progress):
        if isinstance(label, DelineateError):
            problems.append(label)
        else:
            found[sample.id] = label
    if problems:
        more = len(problems) - 1
        others = f" ({counted(more, 'more image')} cannot be labelled either)" if more else ""
        raise type(problems[0])(f"{problems[0]}{others}") from problems[0]
    return found
