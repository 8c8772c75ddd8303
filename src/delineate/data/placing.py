"""Groups of samples into parts of given shares, as even as whole groups allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SettingsError
from delineate.data.listing import counted
from delineate.data.sample import Sample

AREA_GROUPS = 3
TRIES = 32
MANY_GROUPS = 1000  # one try is even enough when no group weighs much


def whole_groups(
    samples: Iterable[Sample], together: Iterable[Collection[str]] = ()
) -> dict[str, str]:
    """Sample id -> the name of those with whom it must stay on one side.

    That is its subject, or the sample itself where that is unknown; `together` holds ids of
    samples that must not be parted either, and joins all who belong to any of them. Ids that
    are not among the samples join nobody.

    Examples:
        >>> from pathlib import Path
        >>> few = [Sample(id, Path(id), who) for id, who in [("a", "X"), ("b", "Y"), ("c", None)]]
        >>> whole_groups(few, [("b", "c")])
        {'a': 'X', 'b': 'Y', 'c': 'Y'}
    """
    own = {sample.id: sample.group for sample in samples}
    above = {name: name for name in own.values()}

    def first(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for ids in together:
        names = [first(own[id_]) for id_ in ids if id_ in own]
        for name in names[1:]:
            above[first(name)] = first(names[0])
    return {id_: first(name) for id_, name in own.items()}


def placed(
    samples: Sequence[Sample],
    parts: Mapping[str, float],
    *,
    shares: Mapping[str, float],
    together: Iterable[Collection[str]] = (),
    rng: np.random.Generator,
) -> dict[str, str]:
    """Sample id -> part, each group whole.

    Groups are placed one at a time, those with most images first, where their kinds of images
    (empty, small, middling and large foreground, by `shares`) are missed most; the evenest of
    several orders counts.

    Raises:
        SettingsError: fewer groups than parts.
    """
    groups = _groups(samples, whole_groups(samples, together), shares)
    if len(groups) < len(parts):
        apart = len({sample.group for sample in samples})
        joined = (
            f" ({apart} but for copies of one picture, which stay together)"
            if apart > len(groups)
            else ""
        )
        raise SettingsError(
            f"{counted(len(groups), 'subject')}{joined} cannot be parted into "
            f"{', '.join(parts)}; each part needs one at least. Ask for fewer parts, give a split "
            "of your own, or say with --subjects who is who"
        )
    fractions = np.array(list(parts.values()))
    totals = np.sum([group.weights for group in groups], axis=0)
    targets = fractions[:, None] * totals
    scale = 1 / np.maximum(totals, 1)
    best: NDArray[np.int64] | None = None
    best_unevenness = np.inf
    for _ in range(1 if len(groups) > MANY_GROUPS else TRIES):
        places = _place(groups, targets, scale, rng)
        unevenness = _unevenness(groups, places, targets, scale)
        if unevenness < best_unevenness - 1e-12:
            best, best_unevenness = places, unevenness
    if best is None:  # pragma: no cover - TRIES is at least one
        raise RuntimeError("no order of subjects was tried")
    names = list(parts)
    part_of = {
        id_: names[int(place)]
        for group, place in zip(groups, best, strict=True)
        for id_ in group.ids
    }
    return {sample.id: part_of[sample.id] for sample in samples}


@dataclass(frozen=True)
class _Group:
    ids: tuple[str, ...]
    weights: NDArray[np.float64]  # how many of its images are of each kind, then 1 for itself


def _groups(
    samples: Sequence[Sample], names: Mapping[str, str], shares: Mapping[str, float]
) -> list[_Group]:
    """Who stays together, with how many of their images are empty, small, middling and large."""
    areas = np.array([shares[sample.id] for sample in samples], dtype=np.float64)
    filled = areas[areas > 0]
    edges = (
        np.quantile(filled, [k / AREA_GROUPS for k in range(1, AREA_GROUPS)]) if len(filled) else ()
    )
    kinds = np.where(areas > 0, 1 + np.searchsorted(edges, areas, side="right"), 0)
    members: dict[str, list[int]] = defaultdict(list)
    for position, sample in enumerate(samples):
        members[names[sample.id]].append(position)
    groups = []
    for positions in members.values():
        counts = np.bincount(kinds[positions], minlength=AREA_GROUPS + 1).astype(np.float64)
        weights = np.concatenate([counts, [len(positions), 1.0]])
        groups.append(_Group(tuple(samples[p].id for p in positions), weights))
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
