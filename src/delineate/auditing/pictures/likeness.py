"""All pairs of pictures that look alike at a glance, whatever their size, contrast or turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import ORIENTATIONS
from delineate.auditing.pictures.square import ORBITS, Parts, coordinates, parts
from delineate.core.progress import SILENT, Progress

_ROWS, _COLUMNS = 512, 2048  # of a block: its products fit into the processor's cache
_PLACES = {name: place for place, name in enumerate(ORIENTATIONS)}


@dataclass(frozen=True)
class Candidates:
    """n pairs, the most alike first: arrays of length n.

    `orientation` is the place in `ORIENTATIONS` of how the second lies when it is most like the
    first, `correlation` that of their block means then.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    orientation: NDArray[np.int8]
    correlation: NDArray[np.float32]

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.first)


def alike(gallery: Gallery, *, at_least: float, progress: Progress = SILENT) -> Candidates:
    """All pairs whose shapes correlate at least so well in the best of the eight orientations.

    The first comes before the second in the gallery. Shapes are kept in float16, so that
    correlations are right to about 0.001; flat pictures have none and are like no other.
    """
    count = len(gallery)
    found: list[Candidates] = []
    with progress.bar("comparing shapes", count) as bar:
        for begin in range(0, count, _COLUMNS):
            end = min(begin + _COLUMNS, count)
            there = coordinates(gallery.shapes[begin:end])
            right = [parts(there, orbit) for orbit in ORBITS]
            for start in range(0, end, _ROWS):
                rows = slice(start, min(start + _ROWS, end))
                left = parts(coordinates(gallery.shapes[rows]))
                found.append(_block(left, right, (start, begin), at_least))
            bar.reach(end)
    return _sorted(found)


def _block(left: Parts, right: list[Parts], starts: tuple[int, int], at_least: float) -> Candidates:
    scores = np.full((len(left.even), len(right[0].even)), -np.inf, np.float32)
    for orbit in right:
        np.maximum(scores, _best(left, orbit), out=scores)
    first, second = np.nonzero(scores >= at_least)
    is_pair = first + starts[0] < second + starts[1]
    first, second = first[is_pair], second[is_pair]
    return Candidates(
        first + starts[0],
        second + starts[1],
        _orientations(left, right, first, second),
        scores[first, second],
    )


def _best(left: Parts, right: Parts) -> NDArray[np.float32]:
    # The better of an orbit's two orientations: even + |odd|.
    even, odd = left.even @ right.even.T, left.odd @ right.odd.T
    even += np.abs(odd, out=odd)
    return np.asarray(even)


def _orientations(
    left: Parts, right: list[Parts], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int8]:
    # Asked only for the few pairs that matter. Ties go to the first, as "as it is" is.
    places = [_PLACES[name] for orbit in ORBITS for name in (orbit.plus, orbit.minus)]
    scores = np.empty((len(first), len(places)))
    for number, orbit in enumerate(right):
        even = np.einsum("nk,nk->n", left.even[first], orbit.even[second])
        odd = np.einsum("nk,nk->n", left.odd[first], orbit.odd[second])
        scores[:, 2 * number], scores[:, 2 * number + 1] = even + odd, even - odd
    return np.asarray(np.array(places, np.int8)[scores.argmax(axis=1)])


def _sorted(found: list[Candidates]) -> Candidates:
    if not found:
        none = np.zeros(0, np.int64)
        return Candidates(none, none, none.astype(np.int8), none.astype(np.float32))
    first, second = (np.concatenate([getattr(c, n) for c in found]) for n in ("first", "second"))
    correlation = np.concatenate([one.correlation for one in found])
    orientation = np.concatenate([one.orientation for one in found])
    order = np.lexsort((second, first, -correlation))
    return Candidates(first[order], second[order], orientation[order], correlation[order])
