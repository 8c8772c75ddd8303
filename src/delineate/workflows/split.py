"""Who is trained on, validated on and tested on, written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.core.errors import OutputExistsError, UnreadableFileError
from delineate.core.progress import SILENT, Progress
from delineate.data.image_labels import image_labels
from delineate.data.listing import counted
from delineate.data.masks import foreground_shares, settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.sample import SPLITS, Dataset
from delineate.data.splitting import (
    FRACTIONS,
    HEADER,
    CompleteSplit,
    complete_split,
    write_split,
)
from delineate.files.writing import new_folder, read_json, write_json
from delineate.workflows.leakage import Gate, find_split_leaks
from delineate.workflows.reviewed import decided, review_rows

SCHEMA, FILE = "split", "split.csv"
REMEDY = "Split everything anew with --fresh, which keeps subjects and copies whole"
RULE = (
    "whole subjects, placed one by one where their images (counted as empty, small, middling "
    "and large foreground) are missed most; the evenest of several seeded orders"
)


@dataclass(frozen=True)
class SplitResult:
    """Where the split is, and how even it came out."""

    path: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The CSV."""
        return self.path


def split(
    source: Path | str,
    out: Path | str,
    *,
    fractions: Mapping[str, float] = FRACTIONS,
    fresh: bool = False,
    seed: int = 0,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    overlapping: bool = False,
    labels: Path | str | None = None,
    review: Path | str | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> SplitResult:
    """Write `split.csv` (in `out`, or `out` itself where it ends in .csv) and a JSON beside it.

    A split that the data states is kept: where it has no validation part, whole subjects of
    train are moved there, as many as the fractions say. With `fresh`, and where the data
    states none, everything is split anew. `labels` is a table of image labels by which the parts
    are made alike in the place of masks. Whatever else a folder holds stays: `overwrite`
    replaces the two files of an earlier split and nothing more.

    Raises:
        DelineateError: images without labels, uncertain encodings, too few subjects, a stated
            split that shares subjects, or an output that exists.
    """
    inputs = (source, subjects or source, review or source, labels or source)
    path = _target(Path(out), overwrite=overwrite, inputs=inputs)
    dataset = open_dataset(
        source, layout=layout, masks=masks, subjects=subjects, overlapping=overlapping
    )
    if labels is not None:
        given = image_labels(dataset, (), labels_file=Path(labels))
        dataset = replace(dataset, image_labels=given)
    if fresh:
        dataset = _unsplit(dataset)
    chosen = None if review is None else Path(review)
    with decided(dataset, chosen, progress=progress) as reviewed:
        gate = Gate(not_twins=reviewed.not_twins, progress=progress)
        made, shares = _completed(reviewed.dataset, fractions, seed, gate)
    dataset = made.dataset
    document = {
        "source": str(source),
        "layout": dataset.layout,
        "origin": made.origin,
        "rule": RULE,
        "seed": seed,
        "fractions": dict(fractions),
        "labels": None if labels is None else str(labels),
        "has_subjects": dataset.has_subjects,
        "copies": [sorted(ids) for ids in made.together],
        "review": reviewed.document,
        "parts": {
            name: _part(dataset.only(name), shares) for name in SPLITS if dataset.only(name).samples
        },
    }
    if path != Path(out) and not _holds_something(path.parent):
        new_folder(path.parent)
    # The JSON first: it is what tells our split from a table of somebody else.
    write_json(path.with_suffix(".json"), document, schema=SCHEMA)
    write_split(path, {s.id: s.split for s in dataset.samples if s.split is not None}, dataset)
    return SplitResult(path, document)


def table(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The document in short, as pairs of a word and what was made."""
    rows = [("origin", document["origin"])]
    for name, part in document["parts"].items():
        text = counted(part["images"], "image")
        if document["has_subjects"]:
            text += f" of {counted(part['subjects'], 'subject')}"
        if part.get("present_share") is not None:
            text += f"; {part['present_share']:.1%} present"
        elif part.get("empty_share") is not None:
            text += f"; {part['empty_share']:.1%} of the masks empty"
            text += f", foreground {part['mean_foreground_share']:.2%} of the pixels"
        rows.append((name, text))
    copies = document["copies"]
    if copies:
        images = counted(sum(map(len, copies)), "image")
        rows.append(("copies", f"{images} in {counted(len(copies), 'group')}, each on one side"))
    rows += review_rows(document["review"])
    if not document["has_subjects"]:
        rows.append(("subjects", "unknown: each image counts as one (see --subjects)"))
    return rows


def _completed(
    dataset: Dataset, fractions: Mapping[str, float], seed: int, gate: Gate
) -> tuple[CompleteSplit, dict[str, float]]:
    """The split, and the foreground of each sample that has a label and a part.

    What the data states is refused where subjects or copies stand in several parts. A folder
    called train and no other states nothing here: somebody who asks for a split wants one.
    """
    find_split_leaks(dataset, SPLITS, gate=gate, remedy=REMEDY)
    made = complete_split(
        dataset,
        fractions=fractions,
        seed=seed,
        trusts_lone_train=False,
        together=gate.together,
        progress=gate.progress,
    )
    if dataset.image_labels:
        return made, {id_: float(label) for id_, label in dataset.image_labels.items()}
    rest = [s for s in made.dataset.samples if s.split and s.masks and s.id not in made.shares]
    if not rest:
        return made, dict(made.shares)
    unmeasured = settle_encodings(
        replace(made.dataset, samples=tuple(rest)), progress=gate.progress
    )
    return made, {**made.shares, **foreground_shares(unmeasured, progress=gate.progress)}


def _unsplit(dataset: Dataset) -> Dataset:
    """The dataset with labelled samples without their split; an unlabelled one keeps it."""
    samples = (replace(s, split=None) if dataset.is_labelled(s) else s for s in dataset.samples)
    return replace(dataset, samples=tuple(samples))


def _part(part: Dataset, facts: Mapping[str, float]) -> dict[str, Any]:
    shares = [facts[sample.id] for sample in part.samples if sample.id in facts]
    counts = {
        "images": len(part.samples),
        "subjects": len({sample.group for sample in part.samples}),
    }
    if part.image_labels:
        return counts | {"present_share": sum(shares) / len(shares) if shares else None}
    return counts | {
        "empty_share": sum(share == 0 for share in shares) / len(shares) if shares else None,
        "mean_foreground_share": sum(shares) / len(shares) if shares else None,
    }


def _target(out: Path, *, overwrite: bool, inputs: Sequence[Path | str]) -> Path:
    """Where the CSV goes, refused before any work where it or its JSON must not be replaced."""
    path = out if out.suffix.lower() == ".csv" else out / FILE
    files = (path, path.with_suffix(".json"))
    for each in inputs:
        if Path(each).resolve() in [file.resolve() for file in files]:
            raise OutputExistsError(f"{each}: the split would replace its input; name another")
    there = [file for file in files if file.exists()]
    if not there:
        return path
    if not overwrite:
        raise OutputExistsError(
            f"{there[0]}: the split exists; choose another name, or replace it with --overwrite"
        )
    if not _is_split(path):
        raise OutputExistsError(
            f"{there[0]}: --overwrite replaces only splits that `delineate split` wrote, a CSV "
            "with its JSON, and this is none; choose another name"
        )
    return path


def _is_split(path: Path) -> bool:
    """Whether `split` wrote the CSV: its JSON is beside it, and its columns are those of a split.

    A manifest begins with the same columns, and a run keeps a split of the same name.
    """
    try:
        read_json(path.with_suffix(".json"), schema=SCHEMA)
    except UnreadableFileError:
        return False
    if not path.exists():
        return True  # the writing was interrupted between the two files
    return path.is_file() and path.read_bytes().split(b"\n", 1)[0] == ",".join(HEADER).encode()


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
