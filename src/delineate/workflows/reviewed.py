"""Data as people have decided it: the decisions of a review, applied and told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delineate.auditing.review.applying import Reviewed, apply_decisions
from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.core.checks import sha256_of_file
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted
from delineate.data.sample import Dataset, Sample

FOLDER = "review"  # in a run or an evaluation: the log and the masks that its decisions made


@dataclass(frozen=True)
class Decided:
    """A data set before and after the decisions of a review; the same twice without any.

    `document` says which decisions were used, in plain JSON values. `not_twins` are groups of
    samples that somebody has called different pictures.
    """

    original: Dataset
    dataset: Dataset
    document: Mapping[str, Any] | None = None
    not_twins: tuple[frozenset[str], ...] = ()
    _folder: Path | None = field(default=None, repr=False)

    @property
    def dropped(self) -> tuple[Sample, ...]:
        """The samples that the decisions leave out."""
        kept = {sample.id for sample in self.dataset.samples}
        return tuple(sample for sample in self.original.samples if sample.id not in kept)

    def placed_in(self, folder: Path) -> Decided:
        """The same with the decided masks, and a copy of the log, in `folder/review`."""
        if self._folder is None:
            return self
        target = folder / FOLDER
        shutil.copytree(self._folder, target, dirs_exist_ok=True)
        moved = _relocated(self.dataset, self._folder, target)
        return replace(self, dataset=moved, _folder=target)


@contextmanager
def decided(
    dataset: Dataset, review: Path | None, *, progress: Progress = SILENT
) -> Iterator[Decided]:
    """The data set with the decisions of a review log, or of the one in an audit's folder.

    The files of the data stay as they are: masks that decisions make lie in a temporary folder,
    which ends with the block, until they are `placed_in` another.

    Raises:
        DelineateError: no review log there, or masks that cannot be merged or written.
    """
    if review is None:
        yield Decided(dataset, dataset)
        return
    file = review / FILE if review.is_dir() else review
    log = ReviewLog.open(file)
    with TemporaryDirectory(prefix="delineate-review-") as name:
        folder = Path(name)
        found = apply_decisions(dataset, log.copy_to(folder / FILE), folder)
        document = _document(review, sha256_of_file(folder / FILE), found)
        for line in _told(document):
            progress.say(line)
        yield Decided(dataset, found.dataset, document, found.not_twins, folder)


def review_rows(document: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """A row for a table that says what a review changed; none without one."""
    return [] if document is None else [("review", review_words(document))]


def review_words(document: Mapping[str, Any]) -> str:
    """In one phrase how many decisions were used and what they changed."""
    decisions = document["decisions"]
    used = sum(each["is_applied"] for each in decisions)
    unused = len(decisions) - used
    return (
        f"{counted(used, 'decision')} of {document['file']}: "
        f"{counted(len(document['dropped']), 'image')} left out, "
        f"{counted(len(document['relabelled']), 'image')} with another mask"
        + (f"; {counted(unused, 'decision')} not applicable" if unused else "")
    )


def _told(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"review: {review_words(document)}"
    for each in document["decisions"]:
        if not each["is_applied"]:
            yield f"decision {each['number']} ({each['action']}) changes nothing: {each['reason']}"


def _document(review: Path, sha256: str, found: Reviewed) -> dict[str, Any]:
    return {
        "file": str(review),
        "sha256": sha256,
        "dropped": list(found.dropped),
        "relabelled": list(found.relabelled),
        "decisions": [each.to_document() for each in found.applied],
    }


def _relocated(dataset: Dataset, old: Path, new: Path) -> Dataset:
    """The dataset with the masks below one folder looked for below another."""

    def moved(path: Path) -> Path:
        return new / path.relative_to(old) if path.is_relative_to(old) else path

    samples = tuple(
        replace(s, masks={who: tuple(map(moved, files)) for who, files in s.masks.items()})
        for s in dataset.samples
    )
    own = {moved(path): encoding for path, encoding in dataset.file_encodings.items()}
    return replace(dataset, samples=samples, file_encodings=own)
