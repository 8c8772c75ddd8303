"""Folds: every subject is left out once, and predicted by those who never saw it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from delineate.core.errors import LayoutError, SettingsError
from delineate.core.seeds import stream
from delineate.data.listing import counted, some
from delineate.data.placing import placed, whole_groups
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.writing import write_csv

MOST_FOLDS = 20
HEADER = ("id", "subject", "fold")

Folds = dict[str, int]  # sample id -> fold, counted from 1


def require_count(count: int) -> None:
    """Refuse a number of folds that leaves nothing to learn from, or takes for ever.

    Raises:
        SettingsError: fewer than 2, or more than 20.
    """
    if not 2 <= count <= MOST_FOLDS:
        raise SettingsError(f"--folds {count}: expected 2 to {MOST_FOLDS}; choose one of these")


def folds_by_subject(
    samples: Sequence[Sample],
    count: int,
    *,
    seed: int,
    shares: Mapping[str, float],
    together: Iterable[Collection[str]] = (),
) -> Folds:
    """A fold for each sample, from 1 on, each subject whole.

    Subjects whose samples `together` names, such as copies of one picture, stay whole too. Folds
    are alike in their share of images, of empty masks and of small, middling and large
    foregrounds; `shares` goes from sample id to its share of foreground, 0 where there is none.

    Raises:
        SettingsError: a number outside 2 to 20, or fewer subjects than folds.
    """
    require_count(count)
    together = tuple(together)
    subjects = len(set(whole_groups(samples, together).values()))
    if subjects < count:
        raise SettingsError(
            f"--folds {count}: expected a subject at least for each fold, found "
            f"{counted(subjects, 'subject')} to part; ask for fewer, or say with --subjects who "
            "is who"
        )
    parts = {str(fold): 1 / count for fold in range(1, count + 1)}
    rng = stream(seed, "folds")
    found = placed(samples, parts, shares=shares, together=together, rng=rng)
    return {id_: int(name) for id_, name in found.items()}


def fold_of(dataset: Dataset, folds: Mapping[str, int], fold: int) -> dict[str, str]:
    """A split for one fold: it is the validation part, the others are trained on.

    Samples that are in no fold keep their split.
    """
    split = {s.id: s.split for s in dataset.samples if s.split is not None}
    return split | {id_: VALIDATION if own == fold else TRAIN for id_, own in folds.items()}


def write_folds(path: Path, folds: Mapping[str, int], dataset: Dataset) -> None:
    """A CSV with a row of id, subject and fold for each sample that is in one."""
    rows = [(s.id, s.subject or "", folds[s.id]) for s in dataset.samples if s.id in folds]
    write_csv(path, HEADER, rows)


def read_folds(path: Path) -> Folds:
    """Sample id -> fold, of a table that `write_folds` wrote.

    Raises:
        LayoutError: columns missing, an id twice, or a fold that is no number from 1 to 20.
    """
    folds: Folds = {}
    for number, row in read_table(path, required=("id", "fold")):
        id_, text = row["id"], row["fold"]
        if id_ in folds:
            raise LayoutError(f"{path}, row {number}: id {id_} stands there twice; remove one")
        if not text.isdecimal() or not 1 <= int(text) <= MOST_FOLDS:
            raise LayoutError(
                f"{path}, row {number}: expected a fold from 1 to {MOST_FOLDS}, found '{text}'; "
                "correct it"
            )
        folds[id_] = int(text)
    return folds


def require_same_samples(folds: Mapping[str, int], samples: Sequence[Sample]) -> None:
    """Refuse folds of other samples than these.

    Raises:
        LayoutError: naming what is missing, or what is too much.
    """
    ids = {sample.id for sample in samples}
    missing, strange = sorted(ids - folds.keys()), sorted(folds.keys() - ids)
    if missing or strange:
        what = f"lack {some(missing)}" if missing else f"name {some(strange)}, which is not there"
        raise LayoutError(
            f"the folds {what}; expected a fold for each image that is trained on, and no other; "
            "give the folds of this data, or leave them out"
        )
