"""Who is trained on, validated on and tested on: whole subjects, never single images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LayoutError, LeakageError, SettingsError
from delineate.core.seeds import stream
from delineate.data.listing import counted, some
from delineate.data.opening import require_masks
from delineate.data.sample import SPLITS, TEST, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.writing import write_csv

FRACTIONS: Mapping[str, float] = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}
AREA_GROUPS = 3
TRIES = 32
MANY_SUBJECTS = 1000  # one try is even enough when no subject weighs much
HEADER = ("id", "subject", "split")

Assignment = dict[str, str]  # sample id -> split


def split_by_subject(
    dataset: Dataset,
    *,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int,
    facts: Mapping[str, float],
) -> Assignment:
    """A split for each sample, but for those without a mask in a folder of their own.

    Images without masks that the folder itself calls validation or test are left out; any
    other is an error.

    Subjects stay whole. The parts are alike in their share of images, of empty masks and of
    small, middling and large foregrounds: subjects are placed one at a time, those with most
    images first, where their kinds of images are missed most; of several seeded orders the
    evenest result counts. `facts` goes from sample id to its share of foreground, 0 where
    the mask is empty.

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
    samples = [s for s in dataset.samples if s.masks or s.split in (None, TRAIN)]
    require_masks(samples)
    return _assign(samples, parts, stream(seed, "split"), facts)


def hold_out(
    dataset: Dataset, *, fraction: float = 0.15, seed: int, facts: Mapping[str, float]
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
    require_masks(samples)
    parts = {TRAIN: 1 - fraction, VALIDATION: fraction}
    return assignment | _assign(samples, parts, stream(seed, "hold out"), facts)


def require_no_leakage(samples: Iterable[Sample]) -> None:
    """Nothing, where no subject stands in two splits.

    Raises:
        LeakageError: naming the subjects and their splits.
    """
    shared = shared_subjects(samples)
    if shared:
        named = some(f"{who} (in {' and '.join(where)})" for who, where in shared.items())
        raise LeakageError(
            f"{counted(len(shared), 'subject')} on both sides of the split: {named}; "
            "scores would be too good. Make a split that keeps subjects whole with "
            "`delineate split DATA --fresh` and give it with --split-file"
        )


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


@dataclass(frozen=True)
class _Group:
    name: str
    ids: tuple[str, ...]
    weights: NDArray[np.float64]  # how many of its images are of each kind, then 1 for itself


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


def _assign(
    samples: Sequence[Sample],
    parts: Mapping[str, float],
    rng: np.random.Generator,
    facts: Mapping[str, float],
) -> Assignment:
    groups = _groups(samples, facts)
    if len(groups) < len(parts):
        raise SettingsError(
            f"{counted(len(groups), 'subject')} cannot be parted into {', '.join(parts)}; each "
            "part needs one at least. Ask for fewer parts, or say with --subjects who is who"
        )
    fractions = np.array(list(parts.values()))
    totals = np.sum([group.weights for group in groups], axis=0)
    targets = fractions[:, None] * totals
    scale = 1 / np.maximum(totals, 1)
    best: NDArray[np.int64] | None = None
    best_unevenness = np.inf
    for _ in range(1 if len(groups) > MANY_SUBJECTS else TRIES):
        places = _place(groups, targets, scale, rng)
        unevenness = _unevenness(groups, places, targets, scale)
        if unevenness < best_unevenness - 1e-12:
            best, best_unevenness = places, unevenness
    if best is None:  # pragma: no cover - TRIES is at least one
        raise RuntimeError("no order of subjects was tried")
    names = list(parts)
    placed = {
        id_: names[int(place)]
        for group, place in zip(groups, best, strict=True)
        for id_ in group.ids
    }
    return {sample.id: placed[sample.id] for sample in samples}


def _groups(samples: Sequence[Sample], facts: Mapping[str, float]) -> list[_Group]:
    """Subjects with how many of their images are empty, small, middling and large."""
    areas = np.array([facts[sample.id] for sample in samples], dtype=np.float64)
    filled = areas[areas > 0]
    edges = (
        np.quantile(filled, [k / AREA_GROUPS for k in range(1, AREA_GROUPS)]) if len(filled) else ()
    )
    kinds = np.where(areas > 0, 1 + np.searchsorted(edges, areas, side="right"), 0)
    members: dict[str, list[int]] = defaultdict(list)
    for position, sample in enumerate(samples):
        members[sample.group].append(position)
    groups = []
    for name, positions in members.items():
        counts = np.bincount(kinds[positions], minlength=AREA_GROUPS + 1).astype(np.float64)
        weights = np.concatenate([counts, [len(positions), 1.0]])
        groups.append(_Group(name, tuple(samples[p].id for p in positions), weights))
    return groups


def _place(
    groups: Sequence[_Group],
    targets: NDArray[np.float64],
    scale: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """The part of each group, by one greedy pass in a random order, large groups first."""
    order = rng.permutation(len(groups))
    order = order[np.argsort([-len(groups[i].ids) for i in order], kind="stable")]
    have = np.zeros_like(targets)
    places = np.zeros(len(groups), dtype=np.int64)
    for turn, position in enumerate(order):
        weights = groups[position].weights
        # Placing w adds sum of scale (2 w (have - target) + w^2): only the first term differs.
        cost = (have - targets) @ (scale * weights)
        empty = np.flatnonzero(have[:, -1] == 0)
        if len(order) - turn <= len(empty):  # the last ones go where nobody is yet
            cost[have[:, -1] > 0] = np.inf
        place = int(np.argmin(cost))
        places[position] = place
        have[place] += weights
    return places


def _unevenness(
    groups: Sequence[_Group],
    places: NDArray[np.int64],
    targets: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> float:
    have = np.zeros_like(targets)
    for group, place in zip(groups, places, strict=True):
        have[place] += group.weights
    return float((scale * (have - targets) ** 2 / np.maximum(targets, 1e-12)).sum())


def split_counts(samples: Iterable[Sample]) -> dict[str, int]:
    """How many samples each split has, those without one under the empty name."""
    counts = Counter(sample.split or "" for sample in samples)
    return {name: counts[name] for name in (*SPLITS, "") if counts[name]}
