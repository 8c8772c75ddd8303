"""Twins joined to groups, and the maps between their members."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import composed, inverted
from delineate.auditing.copies.comparison import EXACT, as_matrix
from delineate.auditing.copies.records import Matrix, Twin, TwinGroup
from delineate.auditing.pictures.gallery import Gallery

Map = NDArray[np.float64]


def groups_of(gallery: Gallery, twins: Iterable[Twin]) -> tuple[TwinGroup, ...]:
    """Twins that are connected, with the map from the first member to each.

    Maps are composed along the shortest way of twins, those that differ least first.
    """
    by_place: dict[int, list[Twin]] = defaultdict(list)
    for twin in sorted(twins, key=lambda t: (t.distance, t.first, t.second)):
        by_place[twin.first].append(twin)
        by_place[twin.second].append(twin)
    groups, done = [], set()
    for start in sorted(by_place):
        if start not in done:
            maps = _maps_from(start, by_place)
            done |= set(maps)
            groups.append(_group(maps, by_place))
    return tuple(groups)


def _maps_from(start: int, by_place: dict[int, list[Twin]]) -> dict[int, Map]:
    """From the starting picture to every picture that twins lead to; breadth first."""
    maps, waiting = {start: EXACT}, deque([start])
    while waiting:
        here = waiting.popleft()
        for twin in by_place[here]:
            there = twin.second if twin.first == here else twin.first
            if there not in maps:
                step = _array(twin.transform.matrix)
                step = step if twin.first == here else inverted(step)
                maps[there] = composed(step, maps[here])
                waiting.append(there)
    return maps


def _group(maps: dict[int, Map], by_place: dict[int, list[Twin]]) -> TwinGroup:
    members = tuple(sorted(maps))
    twins = sorted(
        (twin for member in members for twin in by_place[member] if twin.first == member),
        key=lambda twin: (twin.first, twin.second),
    )
    # The start is the smallest of its group: starts are taken in rising order.
    return TwinGroup(members, tuple(twins), tuple(as_matrix(maps[m]) for m in members))


def _array(matrix: Matrix) -> Map:
    return np.array(matrix, dtype=np.float64).reshape(2, 3)
