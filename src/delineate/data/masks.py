"""How the masks of a data set are encoded, which classes they hold, how full they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from delineate.core.errors import (
    DelineateError,
    LayoutError,
    UncertainMaskError,
    UnreadableFileError,
)
from delineate.core.overlapping import require_codes
from delineate.core.progress import SILENT, Progress
from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.data.listing import some
from delineate.data.parallel import in_threads
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset, Sample
from delineate.files.class_tables import read_class_table, read_colour_table, with_palette
from delineate.files.mask_encoding import (
    MaskEncoding,
    MaskFinding,
    Proposal,
    describe,
    propose,
    read_mask,
    read_raw_mask,
)


@dataclass(frozen=True)
class Survey:
    """What the mask files hold: by observer what is proposed, by file what was seen."""

    proposals: Mapping[str, Proposal]
    findings: Mapping[Path, MaskFinding]
    unreadable: Mapping[Path, str]


def survey_masks(
    dataset: Dataset, *, observers: Sequence[str] | None = None, progress: Progress = SILENT
) -> Survey:
    """What every mask holds and how each observer's are to be decoded.

    Never raises for a mask: those that cannot be read are listed. An observer none of whose
    masks can be read has no proposal. Files with an encoding of their own speak for no other,
    and what is drawn as objects has no values to look at.
    """
    names = dataset.observers if observers is None else tuple(observers)
    files = {name: mask_files(dataset, name) for name in names}
    every = list(
        dict.fromkeys(
            file
            for name, own in files.items()
            for file in own
            if not _is_drawn(dataset, file, name)
        )
    )
    findings: dict[Path, MaskFinding] = {}
    unreadable: dict[Path, str] = {}
    for file, found in in_threads(_describe, every, label="reading masks", progress=progress):
        if isinstance(found, DelineateError):
            unreadable[file] = str(found)
        else:
            findings[file] = found
    speaking = {file for file in findings if dataset.speaks_for_all(file)}
    readable = {name: [findings[f] for f in own if f in speaking] for name, own in files.items()}
    proposals = {name: propose(own) for name, own in readable.items() if own}
    return Survey(proposals, findings, unreadable)


def settle_encodings(
    dataset: Dataset, *, observers: Sequence[str] | None = None, progress: Progress = SILENT
) -> Dataset:
    """The dataset with an encoding for each of these observers, and its classes.

    Confirmed encodings stay; others are taken only where they are certain.

    Raises:
        UncertainMaskError: with the proposal, where masks are neither certain nor confirmed.
        UnreadableFileError: a mask that cannot be read.
        LayoutError: no masks at all.
    """
    names = dataset.observers if observers is None else tuple(observers)
    if not names or not any(mask_files(dataset, name) for name in names):
        who = f" of observer {some(names)}" if names else ""
        raise LayoutError(f"{dataset.root}: expected masks{who}, found none among its samples")
    survey = survey_masks(dataset, observers=names, progress=progress)
    if survey.unreadable:
        count = len(survey.unreadable)
        first = next(iter(survey.unreadable.values()))
        more = f" ({count - 1} more masks cannot be read either)" if count > 1 else ""
        raise UnreadableFileError(first + more)
    settled = dict(dataset.encodings)
    for name, proposal in survey.proposals.items():
        if name not in settled and not proposal.is_certain:
            raise uncertain(dataset, name, proposal)
        settled.setdefault(name, proposal.encoding)
    require_two_values(dataset, settled)
    dataset = dataset.decoded_by(settled)
    dataset = replace(dataset, classes=classes_of(dataset, survey))
    if dataset.is_overlapping:
        require_codes(dataset.classes, dataset.root)
    return dataset


def require_two_values(dataset: Dataset, encodings: Mapping[str, MaskEncoding]) -> None:
    """Nothing, where files that draw one class each are to be read as two values.

    Raises:
        UncertainMaskError: naming such a file and the encoding.
    """
    for observer, encoding in encodings.items():
        file = dataset.single_class_file(observer)
        if file is not None and encoding.kind not in ("binary", "threshold"):
            raise UncertainMaskError(
                f"{file}: expected a mask of two values, for it draws one class alone, found the "
                f"encoding {encoding}; re-export such masks as 0 and 255, confirm a threshold with "
                "--masks threshold:128, or name another layout with --layout"
            )


def uncertain(dataset: Dataset, observer: str, proposal: Proposal) -> UncertainMaskError:
    """The error that says how masks seem to be encoded and how to confirm it."""
    own = f"{observer}=" if len(dataset.observers) > 1 else ""
    return UncertainMaskError(
        f"{mask_files(dataset, observer)[0]}: {proposal.reason}; "
        f"confirm with --masks {own}{proposal.encoding} after a look at `delineate inspect`"
    )


def classes_of(dataset: Dataset, survey: Survey) -> tuple[LabelClass, ...]:
    """Background and every class that any observer with a settled encoding drew.

    Classes that the layout named stay as they are; masks that a review has put in the place of
    others may add to them.
    """
    if dataset.classes:
        return _with_own_files(dataset.classes, dataset, survey)
    best: tuple[LabelClass, ...] = ()
    for name, proposal in survey.proposals.items():
        encoding = dataset.encodings.get(name)
        if encoding is not None:
            own = _classes(dataset, name, encoding, proposal)
            best = own if len(own) > len(best) else best
    return _with_own_files(best, dataset, survey)


def mask_files(dataset: Dataset, observer: str) -> list[Path]:
    """Every mask file of one observer."""
    return [file for sample in dataset.samples for file in sample.masks.get(observer, ())]


def foreground_shares(
    dataset: Dataset, *, observer: str | None = None, progress: Progress = SILENT
) -> dict[str, float]:
    """Sample id -> share of its pixels that are foreground, 0 where the mask is empty.

    Of the observer asked for, else of the first one who drew the sample; samples without a
    mask are absent. Pixels of the ignore label are no foreground.

    Raises:
        DelineateError: a mask that cannot be read, decoded, or has another size than its image.
    """
    samples = [s for s in dataset.samples if (s.masks.get(observer) if observer else s.masks)]

    def share(sample: Sample) -> float:
        labels = read_labels(dataset, sample, observer or next(iter(sample.masks)))
        return float(np.count_nonzero((labels != 0) & (labels != IGNORE)) / labels.size)

    shares: dict[str, float] = {}
    for sample, found in in_threads(share, samples, label="measuring masks", progress=progress):
        if isinstance(found, DelineateError):
            raise found
        shares[sample.id] = found
    return shares


def _is_drawn(dataset: Dataset, file: Path, observer: str) -> bool:
    encoding = dataset.encoding_of(file, observer)
    return encoding is not None and encoding.is_drawn


def _describe(file: Path) -> MaskFinding:
    return describe(read_raw_mask(file))


def _classes(
    dataset: Dataset, observer: str, encoding: MaskEncoding, proposal: Proposal
) -> tuple[LabelClass, ...]:
    if encoding.kind in ("binary", "threshold"):
        return default_classes(1 + (encoding.label or 1))
    if encoding.colours_file is not None:
        return read_colour_table(encoding.colours_file).classes
    if encoding.table is not None:
        return read_class_table(encoding.table).classes
    if encoding == proposal.encoding:
        count = proposal.class_count
    else:
        files = [f for f in mask_files(dataset, observer) if f not in dataset.file_encodings]
        count = 1 + max(_largest(file, encoding) for file in files)
    return with_palette(default_classes(max(2, count)), proposal.palette)


def _with_own_files(
    classes: tuple[LabelClass, ...], dataset: Dataset, survey: Survey
) -> tuple[LabelClass, ...]:
    """The classes, and those that only files with an encoding of their own hold."""
    own = [
        (file, encoding)
        for file, encoding in dataset.file_encodings.items()
        if file in survey.findings and encoding.kind == "index"
    ]
    if not own:
        return classes
    count = 1 + max(_largest(file, encoding) for file, encoding in own)
    if count <= len(classes):
        return classes
    return (*classes, *default_classes(max(2, count))[len(classes) :])


def _largest(file: Path, encoding: MaskEncoding) -> int:
    labels = read_mask(file, encoding)
    return int(labels[labels != IGNORE].max(initial=0))
