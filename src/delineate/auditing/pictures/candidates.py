"""Pairs of pictures that block sums cannot rule out: few, and none below the limit missing.

Three bounds from below, each costlier and sharper than the one before. With d the distance of
two pictures, S their block sums and g an orientation,

    |sum S(a) - sum S(b)|  <=  sum |S(a) - g S(b)|  <=  d       by the triangle inequality,
    ||S(a) - g S(b)||_2    <=  sum |S(a) - g S(b)|               as of any vector.

Sorted by their totals, only pictures in a window need to be compared; the Euclidean distances of
all of them from each other are matrix products; then comes the sum itself, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.orientation import inverse
from delineate.auditing.pictures.square import (
    ORBITS,
    Orbit,
    coordinates,
    grid_order,
    parts,
    symmetric_mean,
)

Positions = NDArray[np.int64]

_ROWS, _COLUMNS = 512, 2048  # of a block: its products fit into the processor's cache
_AT_ONCE = 8192  # pictures, or pairs, whose block sums are laid side by side

# Rounding of a product <a, gb>, as a share of |a|^2 + |b|^2. Coordinates and products are
# float32, of unit u = 2^-24. A sum of n products is off by at most n u / (1 - n u) |a| |b|
# whatever the order of the terms (Higham 2002, section 3.1): 62 u for the even part, the odd
# part and their sum. Rounding the coordinates moves each vector by u of its length, hence the
# product by 2 u; rounding what it is compared with costs at most 6 u more. Together below
# 70 u |a| |b| <= 35 u (|a|^2 + |b|^2), which is 2.1e-6. Taken nearly five times as large.
_ROUNDING = 1e-5
_TINY = 1e-30  # where float32 products underflow; centred sums are scaled to lie within 1
_FAR = 100.0  # farther than two grids within 1 can lie apart


@dataclass(frozen=True)
class Shelf:
    """Pictures of one size and type, by ascending sum of their grey levels.

    `margin` is what rounding may have moved the block sums of one of them by, all blocks
    together; infinite where they do not fit into float32.
    """

    positions: Positions
    totals: NDArray[np.float64]
    margin: float


@dataclass(frozen=True)
class Found:
    """n candidates: places in the gallery, and the orientation of the second of each."""

    first: Positions
    second: Positions
    orientation: str

    def in_order(self) -> tuple[Found, Found]:
        """The same with the smaller place first: those that were so, and those turned round."""
        is_so = self.first < self.second
        kept = Found(self.first[is_so], self.second[is_so], self.orientation)
        swapped = Found(self.second[~is_so], self.first[~is_so], inverse(self.orientation))
        return kept, swapped


@dataclass(frozen=True)
class Search:
    """Block sums (N, 121) float32, of which pairs nearer than `threshold` are wanted."""

    sums: NDArray[np.float32]
    threshold: float
    orientations: frozenset[str]

    def among(self, rows: Shelf, columns: Shelf, *, is_turned: bool) -> Iterator[Found]:
        """Candidates of one picture on each shelf, or both on one shelf: each pair once.

        `is_turned` asks for the orientations that swap the sides, else for the others.
        """
        # A turn and its inverse are of one orbit, so pairs may be turned round later.
        orbits = [
            orbit
            for orbit in ORBITS
            if orbit.is_transposed == is_turned and {orbit.plus, orbit.minus} & self.orientations
        ]
        # Distances of floats are added up with a rounding of their own, far below 1e-9.
        limit = self.threshold * (1 + 1e-9) + rows.margin + columns.margin
        if not orbits or not limit > 0:
            return
        centre = _centre(self.sums, rows, columns) if np.isfinite(limit) else None
        for own, others in _blocks(rows, columns, limit):
            first, second = rows.positions[own], columns.positions[others]
            for orbit in orbits:
                if centre is None:
                    is_near = np.ones((len(first), len(second)), np.bool_)
                else:
                    is_near = centre.near(self.sums[first], self.sums[second], orbit, limit)
                if rows is columns:
                    is_near &= np.arange(own.start, own.stop)[:, np.newaxis] < np.arange(
                        others.start, others.stop
                    )
                left, right = np.nonzero(is_near)
                yield from self._sharper(first[left], second[right], orbit, limit)

    def _sharper(
        self, first: Positions, second: Positions, orbit: Orbit, limit: float
    ) -> Iterator[Found]:
        for start in range(0, len(first), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            for orientation in (orbit.plus, orbit.minus):
                found = Found(first[some], second[some], orientation)
                if np.isfinite(limit):
                    found = self._below(found, limit)
                yield from (
                    one
                    for one in found.in_order()
                    if len(one.first) and one.orientation in self.orientations
                )

    def _below(self, found: Found, limit: float) -> Found:
        there = self.sums[found.second][:, grid_order(found.orientation)].astype(np.float64)
        is_below = np.abs(self.sums[found.first] - there).sum(axis=1) <= limit
        return Found(found.first[is_below], found.second[is_below], found.orientation)


def shelf(positions: Positions, sums: NDArray[np.float32], table: NDArray[np.void]) -> Shelf:
    """These pictures of one size and type; `table` and `sums` as of the gallery."""
    totals = np.empty(len(positions))
    margin = 0.0
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        exact = sums[some].astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinite sums of either sign; the margin tells
            totals[start : start + _AT_ONCE] = exact.sum(axis=1)
        margin = max(margin, float(_margins(exact, table[some]).max()))
    order = np.argsort(totals, kind="stable")
    return Shelf(positions[order], totals[order], margin)


def _margins(sums: NDArray[np.float64], rows: NDArray[np.void]) -> NDArray[np.float64]:
    # Rounding to float32 moves each block sum by 2^-24 of it at most. Before that the sums are
    # exact for whole numbers; for floats, H rows of W numbers added up in float64 are off by
    # less than (H + W) 2^-52 of the sum of all sizes, at each of the four corners of a block.
    height, width = rows["height"].astype(np.float64), rows["width"].astype(np.float64)
    largest = np.maximum(np.abs(rows["minimum"]), np.abs(rows["maximum"])).astype(np.float64)
    adding = 4 * sums.shape[1] * (height + width) * 2.0**-52 * height * width * largest
    return np.asarray(np.abs(sums).sum(axis=1) * 2.0**-24 + adding)


def _blocks(rows: Shelf, columns: Shelf, limit: float) -> Iterator[tuple[slice, slice]]:
    """Parts of both shelves whose totals lie near enough; on one shelf each pair once."""
    for start in range(0, len(rows.positions), _ROWS):
        own = slice(start, min(start + _ROWS, len(rows.positions)))
        first, last = (start if rows is columns else 0), len(columns.positions)
        if np.isfinite(limit):
            lowest, highest = rows.totals[own.start], rows.totals[own.stop - 1]
            first = max(first, int(np.searchsorted(columns.totals, lowest - limit)))
            last = int(np.searchsorted(columns.totals, highest + limit, side="right"))
        for begin in range(first, last, _COLUMNS):
            yield own, slice(begin, min(begin + _COLUMNS, last))


@dataclass(frozen=True)
class _Centre:
    """What is taken off block sums before they are multiplied, and their largest size then.

    Any grid that no orientation changes would do. The mean makes the vectors short, and with
    them the rounding.
    """

    grid: NDArray[np.float64]
    largest: float

    def near(
        self,
        first: NDArray[np.float32],
        second: NDArray[np.float32],
        orbit: Orbit,
        limit: float,
    ) -> NDArray[np.bool_]:
        """(n, m): where the Euclidean distance may be within the limit in either orientation."""
        left = parts(coordinates((first - self.grid) / self.largest))
        right = parts(coordinates((second - self.grid) / self.largest), orbit)
        # |a - gb|^2 = |a|^2 + |b|^2 - 2 <a, gb> <= limit^2, solved for the product.
        reach = min(limit / self.largest, _FAR) ** 2 / 2 + _TINY
        own, others = ((0.5 - _ROUNDING) * each.squares() for each in (left, right))
        products = left.even @ right.even.T
        odd = left.odd @ right.odd.T
        products += np.abs(odd, out=odd)
        products -= others.astype(np.float32)
        return np.asarray(products >= (own - reach).astype(np.float32)[:, np.newaxis])


def _centre(sums: NDArray[np.float32], rows: Shelf, columns: Shelf) -> _Centre:
    shelves = (rows,) if rows is columns else (rows, columns)
    chosen = np.concatenate([one.positions for one in shelves])
    chunks = [chosen[start : start + _AT_ONCE] for start in range(0, len(chosen), _AT_ONCE)]
    total = np.zeros(sums.shape[1])
    for some in chunks:
        total += sums[some].sum(axis=0, dtype=np.float64)
    grid = symmetric_mean(total / len(chosen))
    largest = max(float(np.abs(sums[some] - grid).max()) for some in chunks)
    return _Centre(grid, max(largest, 1e-30))
