"""Who is trained on, validated on and tested on: whole subjects, never single images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.core.errors import LayoutError, SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream
from delineate.data.listing import counted, some
from delineate.data.masks import foreground_shares, settle_encodings
from delineate.data.opening import require_labels
from delineate.data.placing import placed
from delineate.data.sample import SPLITS, TEST, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.writing import write_csv

FRACTIONS: Mapping[str, float] = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}
HEADER = ("id", "subject", "split")
AS_STATED, MADE_ANEW = "as the data states it", "made anew"

Assignment = dict[str, str]  # sample id -> split
Ids = Collection[str]


def nobody(samples: Sequence[Sample]) -> Iterable[Ids]:
    """Of these samples none must stay together but those of one subject."""
    return ()


@dataclass(frozen=True)
class CompleteSplit:
    """A data set all of whose parts are there, and how they came about.

    `is_as_stated` where nothing had to be placed. `shares` holds the foreground of the samples
    that were placed, `together` those that stay on one side beside their subjects, such as
    copies of one picture.
    """

    dataset: Dataset
    origin: str
    is_as_stated: bool
    shares: Mapping[str, float]
    together: tuple[Ids, ...] = ()


def complete_split(
    dataset: Dataset,
    *,
    fractions: Mapping[str, float] = FRACTIONS,
    held_out: float | None = None,
    seed: int,
    trusts_lone_train: bool = True,
    together: Callable[[Sequence[Sample]], Iterable[Ids]] = nobody,
    progress: Progress = SILENT,
) -> CompleteSplit:
    """The dataset with train and validation: as it states them, completed, or made anew.

    Where it states no split for any labelled sample, everything is split by `fractions`; where
    it states train but no validation, whole subjects of train move there: `held_out` of them,
    else as many as the fractions say. `together` is asked, only where something is placed, which
    of the samples to be placed must not be parted. Without `trusts_lone_train` a data set whose
    only part is train states nothing.

    Raises:
        SettingsError: fractions that cannot be followed, or fewer subjects than parts.
        LayoutError: labelled samples are stated for other parts and none for train, or images
            without masks are to be placed.
        DelineateError: masks that cannot be read or are uncertain.
    """
    stated = {sample.split for sample in dataset.samples if dataset.is_labelled(sample)} - {None}
    if not trusts_lone_train and {sample.split for sample in dataset.samples} == {TRAIN}:
        stated = set()
    if stated and TRAIN not in stated:
        raise LayoutError(
            f"{dataset.root}: expected images with masks for train, found them only for "
            f"{' and '.join(sorted(map(str, stated)))}; split everything anew with "
            "`delineate split DATA --fresh`, and train on that with --split-file"
        )
    fraction = _held_out(fractions) if held_out is None else held_out
    if VALIDATION in stated or (stated and not fraction):
        return CompleteSplit(dataset, AS_STATED, True, {})
    places = {TRAIN} if stated else {None, TRAIN}
    samples = tuple(
        s for s in dataset.samples if s.split in places or (dataset.is_labelled(s) and not stated)
    )
    require_labels(dataset, samples)
    shares = _shares(replace(dataset, samples=samples), progress)
    joined = tuple(together(samples))
    if stated:
        assignment = hold_out(dataset, fraction=fraction, seed=seed, facts=shares, together=joined)
        parts = "train and test" if TEST in stated else "train"
        origin = f"{parts} as the data states, with validation taken from train"
    else:
        assignment = split_by_subject(
            dataset, fractions=fractions, seed=seed, facts=shares, together=joined
        )
        origin = MADE_ANEW
    return CompleteSplit(apply_split(dataset, assignment), origin, False, shares, joined)


def _shares(dataset: Dataset, progress: Progress) -> dict[str, float]:
    """Foreground of each sample as a share; of an image label, all or nothing."""
    if dataset.image_labels:
        return {s.id: float(dataset.image_labels[s.id]) for s in dataset.samples}
    return foreground_shares(settle_encodings(dataset, progress=progress), progress=progress)


def split_by_subject(
    dataset: Dataset,
    *,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int,
    facts: Mapping[str, float],
    together: Iterable[Ids] = (),
) -> Assignment:
    """A split for each sample, but for those without a mask in a folder of their own.

    Images without masks that the folder itself calls validation or test are left out; any
    other is an error.

    Subjects stay whole, and so do those whose samples `together` names. The parts are alike in
    their share of images, of empty masks and of small, middling and large foregrounds: subjects
    are placed one at a time, those with most images first, where their kinds of images are
    missed most; of several seeded orders the evenest result counts. `facts` goes from sample id
    to its share of foreground, 0 where the mask is empty.

    Raises:
        SettingsError: fractions that are negative, of an unknown split, or do not add to 1;
            fewer subjects than asked parts.
        LayoutError: images without masks.

    Source:
        The greedy rule of scikit-learn's StratifiedGroupKFold, for parts of unequal size; the
        idea of following the largest lack is from Sechidis, Tsoumakas and Vlahavas (2011), "On
        the stratification of multi-label data". Here area counts too, and orders are retried.
    """
    parts = _checked(fractions)
    samples = [s for s in dataset.samples if dataset.is_labelled(s) or s.split in (None, TRAIN)]
    require_labels(dataset, samples)
    rng = stream(seed, "split")
    return placed(samples, parts, shares=facts, together=together, rng=rng)


def hold_out(
    dataset: Dataset,
    *,
    fraction: float = 0.15,
    seed: int,
    facts: Mapping[str, float],
    together: Iterable[Ids] = (),
) -> Assignment:
    """The dataset's own splits, with whole subjects of train moved to validation.

    Every sample that states a split keeps it, but for those moved, which are chosen as in
    `split_by_subject`.

    Raises:
        SettingsError: a fraction outside 0 to 1, or fewer than two subjects in train.
        LayoutError: images without masks in train.
    """
    if not 0 < fraction < 1:
        raise SettingsError(f"fraction: expected a number between 0 and 1, found {fraction:g}")
    assignment = {s.id: s.split for s in dataset.samples if s.split is not None}
    samples = [s for s in dataset.samples if s.split == TRAIN]
    require_labels(dataset, samples)
    parts = {TRAIN: 1 - fraction, VALIDATION: fraction}
    rng = stream(seed, "hold out")
    return assignment | placed(samples, parts, shares=facts, together=together, rng=rng)


def shared_subjects(samples: Iterable[Sample]) -> dict[str, tuple[str, ...]]:
    """Subject -> its splits, for those that stand in more than one."""
    places: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.split is not None and sample.subject is not None:
            places[sample.subject].add(sample.split)
    order = [*SPLITS, *sorted({s for p in places.values() for s in p} - set(SPLITS))]
    return {
        who: tuple(split for split in order if split in where)
        for who, where in places.items()
        if len(where) > 1
    }


def apply_split(dataset: Dataset, assignment: Mapping[str, str]) -> Dataset:
    """The dataset with these splits; samples that the assignment leaves out have none.

    Raises:
        LayoutError: the assignment names samples that the dataset has not.
    """
    known = {sample.id for sample in dataset.samples}
    strange = [id_ for id_ in assignment if id_ not in known]
    if strange:
        raise LayoutError(
            f"{dataset.root}: the split names {counted(len(strange), 'sample')} not in the data "
            f"({some(strange)}); give the data that the split was made for"
        )
    samples = tuple(replace(s, split=assignment.get(s.id)) for s in dataset.samples)
    return replace(dataset, samples=samples)


def write_split(path: Path, assignment: Mapping[str, str], dataset: Dataset) -> None:
    """A CSV with a row of id, subject and split for each assigned sample."""
    rows = [
        (sample.id, sample.subject or "", assignment[sample.id])
        for sample in dataset.samples
        if sample.id in assignment
    ]
    write_csv(path, HEADER, rows)


def read_split(path: Path) -> Assignment:
    """Sample id -> split, from a CSV that `write_split` or a person wrote.

    Raises:
        LayoutError: columns missing, an id twice, or a split that is none of the known.
    """
    assignment: Assignment = {}
    for number, row in read_table(path, required=("id", "split")):
        id_, split = row["id"], row["split"]
        if id_ in assignment:
            raise LayoutError(f"{path}, row {number}: id {id_} stands there twice; remove one")
        if split not in SPLITS:
            raise LayoutError(
                f"{path}, row {number}: expected the split train, validation or test, "
                f"found '{split}'; correct it"
            )
        assignment[id_] = split
    return assignment


def _checked(fractions: Mapping[str, float]) -> dict[str, float]:
    unknown = [name for name in fractions if name not in SPLITS]
    if unknown:
        raise SettingsError(f"fractions: expected {', '.join(SPLITS)}, found {some(unknown)}")
    said = ", ".join(f"{name} {value:g}" for name, value in fractions.items())
    if any(not 0 <= value <= 1 for value in fractions.values()):
        raise SettingsError(f"fractions: expected numbers from 0 to 1, found {said}")
    if abs(sum(fractions.values()) - 1) > 1e-6:
        raise SettingsError(f"fractions: expected a sum of 1, found {said}; correct them")
    return {name: fractions[name] for name in SPLITS if fractions.get(name, 0) > 0}


def _held_out(fractions: Mapping[str, float]) -> float:
    """The share of train that goes to validation for both to keep their proportion."""
    parts = _checked(fractions)
    train, validation = parts.get(TRAIN, 0.0), parts.get(VALIDATION, 0.0)
    return validation / (train + validation) if validation else 0.0
