"""Candidates for crops and shifts: the middle of one picture looked for in the others.

Whatever was cropped by no more than 15 % of a side or shifted by as much still shows the middle
of the picture. The middle of each, 8 x 8 values in a middling band of detail, is compared with
the same values of every window of every other picture: a few scales and places along each axis,
as far apart as the band can bear. What all pictures of a data set have in common is weighed
down first, so that mere likeness counts little. All comparisons are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from delineate.auditing.copies.alignment import (
    Axes,
    composed,
    even_contrast,
    inverted,
)
from delineate.auditing.copies.batch_alignment import (
    coarse_bands,
    fine_correlations,
    laid_together,
)
from delineate.auditing.copies.thumbnails import Candidate
from delineate.auditing.copies.window_middles import (
    FULL_MIDDLE,
    GRID,
    TRIED,
    WINDOWS,
    Array,
    Common,
    band,
    inner_to_outer,
)
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import orientation_matrix, oriented
from delineate.auditing.pictures.signature import THUMB_SIDE_PX
from delineate.core.errors import DelineateError
from delineate.core.progress import Progress
from delineate.data.parallel import in_threads

AT_LEAST = 0.5
# Candidates that a picture may have: a copy is among its likest. More where there is time.
MOST, MOST_OF_ALL = (4, 16), 20_000
ROWS, COLUMNS = 256, 512  # pictures at a time
HITS = 1024
ALIKE, ALIKE_IN_DETAIL = 0.4, 0.3  # once coarse detail lies on each other
# Of those the likest are looked at closely, and all that are as alike as few look-alikes are.
FEW, SURE = 1500, 0.8
# Wholes that lie on wholes were judged before: a crop or shift of 2 % moves an end by more.
LEAST_MOVED_PX = 0.75


@dataclass
class Likest:
    """For each picture the few others in whose windows its middle is seen best."""

    count: int
    least: Array = field(init=False)
    hits: list[tuple[NDArray[np.intp], NDArray[np.intp], Array]] = field(default_factory=list)
    waiting: int = 0
    most: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the least score that counts at all."""
        self.most = min(max(MOST_OF_ALL // max(self.count, 1), MOST[0]), MOST[1])
        self.least = np.full(self.count, AT_LEAST, np.float32)

    def add(self, start: int, begin: int, scores: Array) -> None:
        """Scores (rows, columns) of a block of middles against a block of pictures."""
        rows, columns = np.nonzero(scores > self.least[start : start + len(scores), None])
        if rows.size:
            self.hits.append((rows + start, columns + begin, scores[rows, columns]))
            self.waiting += rows.size
        if self.waiting > 4 * self.most * self.count + 100_000:
            self.settle()

    def settle(self) -> None:
        """Keep the best of each picture, and raise what others must reach."""
        if not self.hits:
            return
        rows, columns, scores = (np.concatenate(part) for part in zip(*self.hits, strict=True))
        order = np.lexsort((-scores, rows))
        rows = rows[order]
        rank = np.arange(rows.size) - np.searchsorted(rows, rows)
        kept = order[rank < self.most]
        self.hits = [(rows[rank < self.most], columns[kept], scores[kept])]
        last = order[rank == self.most - 1]
        self.least[rows[rank == self.most - 1]] = scores[last]
        self.waiting = 0


def windows_alike(
    gallery: Gallery, positions: Sequence[int], progress: Progress
) -> Iterator[Candidate]:
    """Pairs of these pictures of which one may be a crop or a shift of the other, or flipped too.

    Memory grows by some 150 bytes a picture; thumbnails are read in blocks.
    """
    if len(positions) < 2:
        return
    middles = np.zeros((len(positions), GRID, GRID), np.float16)
    for begin in range(0, len(positions), ROWS):
        bands = _bands(gallery, positions[begin : begin + ROWS])
        middles[begin : begin + ROWS] = FULL_MIDDLE @ bands @ FULL_MIDDLE.T
    common = Common.of(middles)
    likest = Likest(len(positions))
    # Products of small matrices on threads of our own: those of the library wait for each other.
    with (
        threadpool_limits(1, user_api="blas"),
        progress.bar("looking for crops and shifts", len(positions)) as bar,
    ):
        for begin in range(0, len(positions), COLUMNS):
            seen = common.windows(_bands(gallery, positions[begin : begin + COLUMNS]))
            _compare(likest, begin, middles, common, seen)
            bar.reach(min(begin + COLUMNS, len(positions)))
        likest.settle()
        found = list(_placed(gallery, positions, middles, common, likest))
    yield from found


def _bands(gallery: Gallery, positions: Sequence[int]) -> Array:
    """(n, 64, 64): the thumbnails' middling detail, of even contrast."""
    return np.stack([band(thumb) for thumb in gallery.thumbs(positions)])


def _compare(
    likest: Likest, begin: int, middles: NDArray[np.float16], common: Common, seen: Array
) -> None:
    count = seen.shape[1]
    windows = [tuple(np.ascontiguousarray(x.T) for x in _halves(one, 1)) for one in seen]

    def compared(start: int) -> Array:
        upright = common.middles(middles[start : start + ROWS], TRIED[0])
        scores = np.full((len(upright), count), -1, np.float32)
        for turn in (1, -1):
            even, odd = _halves(upright, turn)
            for window in windows:
                # The better of two orientations, as one is the other's mirror image.
                mirrored = odd @ window[1]
                found = even @ window[0]
                found += np.abs(mirrored, out=mirrored)
                np.maximum(scores, found, out=scores)
        here = np.arange(max(start, begin), min(start + len(upright), begin + count))
        scores[here - start, here - begin] = -1  # a picture is no copy of itself
        return scores

    for start, scores in in_threads(compared, range(0, len(middles), ROWS), label=""):
        if isinstance(scores, DelineateError):  # pragma: no cover - nothing is read here
            raise scores
        likest.add(start, begin, scores)


def _halves(values: Array, turn: int) -> tuple[Array, Array]:
    """(n, 32) and (n, 32): what a flip left to right leaves, and what it turns round.

    With `turn` -1 that of the values flipped top to bottom. The products of both halves of two
    pictures, added, are the product of the pictures; subtracted, that with one of them flipped
    left to right. What all pictures have in common was learnt from all four orientations, so
    that flipping and making even can change places.
    """
    grids = values.reshape(-1, GRID, GRID)[:, ::turn]
    left, right = grids[:, :, : GRID // 2], grids[:, :, : GRID // 2 - 1 : -1]
    half = np.float32(np.sqrt(0.5))
    return tuple(
        np.ascontiguousarray(half * part, np.float32).reshape(len(grids), -1)
        for part in (left + right, left - right)
    )  # type: ignore[return-value]


def _placed(
    gallery: Gallery,
    positions: Sequence[int],
    middles: NDArray[np.float16],
    common: Common,
    likest: Likest,
) -> Iterator[Candidate]:
    """The hits that still look alike once they are laid on the window that shows them best."""
    if not likest.hits:
        return
    rows, columns, scores = (np.concatenate(part) for part in zip(*likest.hits, strict=True))
    order = np.argsort(columns, kind="stable")

    def placed(begin: int) -> list[tuple[float, Candidate]]:
        hits = order[begin : begin + HITS]
        inner, outer = rows[hits], columns[hits]
        windows, turns = _best_windows(gallery, positions, common, middles[inner], outer)
        starts = np.array([inner_to_outer(WINDOWS[place]) for place in windows], np.float32)
        maps, alike = laid_together(
            _turned(_of(gallery, positions, inner, coarse_bands), turns),
            _of(gallery, positions, outer, coarse_bands),
            starts,
        )
        found, fine = _alike_in_detail(gallery, positions, (inner, outer, turns), maps, alike)
        return [
            (float(score), _candidate(
                positions[inner[k]], positions[outer[k]], TRIED[turns[k]],
                float(scores[hits[k]]), inverted(_as_axes(maps[k])),
            ))
            for k, score in zip(found, fine, strict=True)
        ]  # fmt: skip

    kept: list[tuple[float, Candidate]] = []
    for _, candidates in in_threads(placed, range(0, len(order), HITS), label=""):
        if isinstance(candidates, DelineateError):
            raise candidates
        kept += candidates
    kept.sort(key=lambda each: -each[0])
    yield from (each for place, (fine, each) in enumerate(kept) if place < FEW or fine > SURE)


def _as_axes(scales_and_shifts: Array) -> Axes:
    a, b, c, d = scales_and_shifts.astype(np.float64)
    return np.array([[a, 0, b], [0, c, d]])


def _best_windows(
    gallery: Gallery,
    positions: Sequence[int],
    common: Common,
    middles: NDArray[np.float16],
    outer: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(n,) and (n,): in which window of its outer picture, and how turned, a middle fits best."""
    wanted, places = np.unique(outer, return_inverse=True)
    seen = common.windows(_bands(gallery, [positions[p] for p in wanted]))
    even = np.stack([common.middles(middles, name) for name in TRIED], axis=1)  # (n, 4, 64)
    scores = np.stack([(even @ window[places][:, :, None])[:, :, 0] for window in seen], axis=1)
    best = scores.reshape(len(middles), -1).argmax(axis=1)
    return best // len(TRIED), best % len(TRIED)


def _alike_in_detail(
    gallery: Gallery,
    positions: Sequence[int],
    hits: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    maps: Array,
    alike: Array,
) -> tuple[NDArray[np.intp], Array]:
    """Places of the hits whose fine detail is alike as well as the coarse one, and how alike."""
    places = np.flatnonzero((alike >= ALIKE) & (_moved_px(maps) >= LEAST_MOVED_PX))
    if not places.size:
        return places, np.zeros(0, np.float32)
    inner, outer, turns = (each[places] for each in hits)
    first = _turned(_of(gallery, positions, inner, _even), turns)
    fine = fine_correlations(first, _of(gallery, positions, outer, _even), maps[places])
    return places[fine >= ALIKE_IN_DETAIL], fine[fine >= ALIKE_IN_DETAIL]


def _moved_px(maps: Array) -> Array:
    """(n,): how far the farther end of either axis is moved, in pixels of the thumbnail."""
    ends = np.array([-0.5, THUMB_SIDE_PX - 0.5], np.float32)
    moved = [maps[:, [k]] * ends + maps[:, [k + 1]] - ends for k in (0, 2)]
    return np.asarray(np.abs(np.concatenate(moved, axis=1)).max(axis=1), np.float32)


def _of(
    gallery: Gallery,
    positions: Sequence[int],
    places: NDArray[np.intp],
    seen: Callable[[NDArray[np.uint8]], Array],
) -> Array:
    """What is seen of thumbnails, each of them once."""
    wanted, back = np.unique(places, return_inverse=True)
    return seen(gallery.thumbs([positions[p] for p in wanted]))[back]


def _even(thumbs: NDArray[np.uint8]) -> Array:
    return np.stack([even_contrast(thumb.astype(np.float32)) for thumb in thumbs])


def _turned(bands: Array, turns: NDArray[np.intp]) -> Array:
    result = bands.copy()
    for place, name in enumerate(TRIED):
        some = turns == place
        result[some] = oriented(bands[some].transpose(1, 2, 0), name).transpose(2, 0, 1)
    return result


def _candidate(inner: int, outer: int, orientation: str, score: float, axes: Axes) -> Candidate:
    """`axes` takes the outer picture to the inner one once that is oriented."""
    if outer < inner:
        return Candidate(outer, inner, orientation, score, axes)
    # The orientations that are tried are their own inverses: turn both pictures round.
    turn = orientation_matrix(orientation, (THUMB_SIDE_PX, THUMB_SIDE_PX))
    back = np.linalg.inv(np.vstack([axes, [0, 0, 1]]))[:2]
    turned = composed(turn, composed(back, turn))
    return Candidate(inner, outer, orientation, score, turned)
