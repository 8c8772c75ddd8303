"""Copies of one picture, told from look-alikes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.auditing.copies.alignment import Axes, oriented_box, with_orientation
from delineate.auditing.copies.comparison import (
    EXACT,
    Comparison,
    Picture,
    as_matrix,
    as_transform,
    compared,
    transform_of,
)
from delineate.auditing.copies.records import (
    FrameSequence,
    LookAlike,
    Matrix,
    Pair,
    Transform,
    Twin,
    TwinGroup,
)
from delineate.auditing.copies.sequences import find_sequences, mark_sequences
from delineate.auditing.copies.shapes import alike_in_shape
from delineate.auditing.copies.thumbnails import (
    Candidate,
    alike_on_thumbnails,
    native_axes,
    picture_box,
    picture_size,
)
from delineate.auditing.copies.transform_words import Parts
from delineate.auditing.copies.twin_groups import groups_of
from delineate.auditing.copies.windows import windows_alike
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import UPRIGHT, oriented_size
from delineate.auditing.pictures.signature import DTYPES
from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress
from delineate.data.parallel import in_threads

__all__ = ["TwinSearch", "find_twins", "groups_of"]

SURELY = 0.999  # pairs that correlate by no less are copies by that very fact
NEAR_LEVELS = 8.0  # pairs that differ by more a pixel are left to the search for likeness


@dataclass(frozen=True)
class TwinSearch:
    """What the search found.

    Of files that are equal byte for byte, each is listed as a twin of the first of them, and
    only that first one is compared with other pictures. `problems` says which candidates could
    not be compared, because a file could not be read any more.
    """

    twins: tuple[Twin, ...]
    look_alikes: tuple[LookAlike, ...]
    groups: tuple[TwinGroup, ...]
    problems: tuple[str, ...] = ()
    sequences: tuple[FrameSequence, ...] = ()


def find_twins(
    gallery: Gallery,
    pairs: Sequence[Pair] = (),
    *,
    crops_and_shifts: bool,
    progress: Progress = SILENT,
) -> TwinSearch:
    """All pairs of copies that the search can tell, the look-alikes among the candidates, groups.

    Found are copies under every flip and quarter turn, with another brightness, contrast or
    gamma, compressed again, resized, with bars added, and with `crops_and_shifts` those cropped
    to no less than 85 % of a side or shifted by up to 15 %. `pairs` are candidates that a search
    by distance found.
    """
    same, kept = _same_files(gallery)
    near = _near_pairs(gallery, pairs, kept)
    known = {(twin.first, twin.second) for twin in near}
    candidates = _candidates(gallery, pairs, kept, progress)
    rest = [each for each in candidates if (each.first, each.second) not in known]
    found = _Judged(near, [], []).joined(_judged(gallery, rest, progress))
    if crops_and_shifts:
        moved = list(_moved(gallery, sorted(kept), found, progress))
        found = found.joined(_judged(gallery, moved, progress))
    twins = [*same, *found.twins]
    sequences = find_sequences(gallery)
    return TwinSearch(
        tuple(sorted(twins, key=lambda twin: (twin.first, twin.second))),
        mark_sequences(_likest(found.look_alikes), sequences),
        groups_of(gallery, twins),
        tuple(found.problems),
        sequences,
    )


def _likest(look_alikes: Iterable[LookAlike]) -> list[LookAlike]:
    return sorted(look_alikes, key=lambda pair: -pair.similarity)


def _moved(
    gallery: Gallery, positions: Sequence[int], found: _Judged, progress: Progress
) -> Iterator[Candidate]:
    """Candidates for crops and shifts; of each group of twins only the first picture takes part."""
    others = {m for group in groups_of(gallery, found.twins) for m in group.members[1:]}
    kept = [position for position in positions if position not in others]
    return alike_on_thumbnails(gallery, windows_alike(gallery, kept, progress))


def _same_files(gallery: Gallery) -> tuple[list[Twin], set[int]]:
    """Twins that are equal byte for byte, and the first of each."""
    places: dict[bytes, list[int]] = defaultdict(list)
    for position in range(len(gallery)):
        if gallery.table["is_read"][position]:
            places[gallery.digest(position)].append(position)
    same = Transform(UPRIGHT, as_matrix(EXACT), 1.0, 0.0, (), "the same file")
    twins = [
        Twin(members[0], other, same, 0.0, 1.0, is_same_file=True)
        for members in places.values()
        for other in members[1:]
    ]
    return twins, {members[0] for members in places.values()}


def _near_pairs(gallery: Gallery, pairs: Sequence[Pair], kept: set[int]) -> list[Twin]:
    """Pairs that lie so near that they are copies wherever it is that they differ."""
    found: dict[tuple[int, int], Twin] = {}
    for pair in sorted(pairs, key=lambda each: each.distance):
        places = pair.first, pair.second
        if places not in found and kept.issuperset(places):
            least = _least_correlation(gallery, pair)
            if least >= SURELY:
                found[places] = _near_twin(gallery, pair, least)
    return list(found.values())


def _least_correlation(gallery: Gallery, pair: Pair) -> float:
    """What two pictures correlate by at least, by their distance; 0 for flat ones.

    For variances v and w and differences d, 2 cov = v + w + (difference of means)^2 - E(d^2) is
    at least 2 sqrt(v w) - E(d^2), and E(d^2) at most the largest difference times E|d|.
    """
    rows = gallery.table[[pair.first, pair.second]]
    largest = float(rows["maximum"].max()) - float(rows["minimum"].min())
    variance = float(rows["deviation"].min()) ** 2
    if pair.distance == 0:
        return float(variance > 0)
    return max(0.0, 1 - largest * pair.mean_distance / (2 * variance)) if variance > 0 else 0.0


def _near_twin(gallery: Gallery, pair: Pair, similarity: float) -> Twin:
    sizes = [picture_size(gallery, p) for p in (pair.first, pair.second)]
    boxes = [picture_box(gallery, p) for p in (pair.first, pair.second)]
    distance = pair.mean_distance * _levels_a_step(gallery, pair)
    parts = Parts(
        (sizes[0], oriented_size(sizes[1], pair.orientation)),
        (boxes[0], oriented_box(boxes[1], pair.orientation, sizes[1])),
        pair.orientation, EXACT, False, 1.0, 0.0, distance,
    )  # fmt: skip
    transform = as_transform(parts, sizes[1])
    return Twin(pair.first, pair.second, transform, distance, similarity, is_same_file=False)


def _levels_a_step(gallery: Gallery, pair: Pair) -> float:
    """Grey levels from 0 to 255 for a stored one: 8-bit as it is, others over their range."""
    row = gallery.table[pair.first]
    if DTYPES[row["dtype"]] == np.uint8:
        return 1.0
    return 255 / max(float(row["maximum"] - row["minimum"]), 1e-6)


def _candidates(
    gallery: Gallery, pairs: Sequence[Pair], kept: set[int], progress: Progress
) -> Iterator[Candidate]:
    by_distance = (
        Candidate(pair.first, pair.second, pair.orientation, 1.0)
        for pair in pairs
        if pair.mean_distance <= NEAR_LEVELS
    )
    by_likeness = alike_in_shape(gallery, sorted(kept), progress)
    yield from alike_on_thumbnails(gallery, _once([*by_distance, *by_likeness], kept))


def _once(candidates: Iterable[Candidate], kept: set[int]) -> Iterator[Candidate]:
    seen = set()
    for candidate in candidates:
        axes = None if candidate.axes is None else tuple(np.round(candidate.axes.ravel(), 1))
        key = (candidate.first, candidate.second, candidate.orientation, axes)
        if key not in seen and candidate.first in kept and candidate.second in kept:
            seen.add(key)
            yield candidate


@dataclass
class _Judged:
    twins: list[Twin]
    look_alikes: list[LookAlike]
    problems: list[str]

    def joined(self, later: _Judged) -> _Judged:
        """Both, where the later verdict counts for pairs that were look-alikes before."""
        judged = {(twin.first, twin.second) for twin in later.twins}
        judged |= {(pair.first, pair.second) for pair in later.look_alikes}
        kept = [pair for pair in self.look_alikes if (pair.first, pair.second) not in judged]
        return _Judged(
            [*self.twins, *later.twins],
            [*kept, *later.look_alikes],
            [*self.problems, *later.problems],
        )


def _judged(gallery: Gallery, candidates: Sequence[Candidate], progress: Progress) -> _Judged:
    """Every pair of pictures once, under the best of its orientations."""
    by_pair: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_pair[candidate.first, candidate.second].append(candidate)

    def judge(tried: list[Candidate]) -> Twin | LookAlike:
        return _verdict(gallery, sorted(tried, key=lambda c: -c.score))

    result = _Judged([], [], [])
    groups = [by_pair[pair] for pair in sorted(by_pair)]
    for _, found in in_threads(judge, groups, label="comparing candidates", progress=progress):
        if isinstance(found, DelineateError):
            result.problems.append(str(found))
        elif isinstance(found, Twin):
            result.twins.append(found)
        else:
            result.look_alikes.append(found)
    return result


def _verdict(gallery: Gallery, tried: Sequence[Candidate]) -> Twin | LookAlike:
    places = tried[0].first, tried[0].second
    best: Comparison | None = None
    if all(candidate.why for candidate in tried):
        likest = tried[0]
        axes = native_axes(gallery, likest)
        matrix = _matrix(gallery, places[1], axes, likest.orientation)
        return LookAlike(*places, likest.score, likest.why, matrix)
    first, second = (picture(gallery, place) for place in places)
    for candidate in tried:
        guess = native_axes(gallery, candidate) if candidate.axes is not None else None
        found = compared(first, second, candidate.orientation, guess)
        if best is None or found.verdict.similarity > best.verdict.similarity:
            best = found
        if best.verdict.is_copy:
            transform, distance = transform_of(first, second, best)
            return Twin(*places, transform, distance, best.verdict.similarity, is_same_file=False)
    if best is None:  # pragma: no cover - there is always a candidate
        raise RuntimeError("a pair without candidates")
    matrix = _matrix(gallery, places[1], best.axes, best.orientation)
    return LookAlike(*places, best.verdict.similarity, best.verdict.why, matrix)


def _matrix(gallery: Gallery, second: int, axes: Axes, orientation: str) -> Matrix:
    """From the first picture to the second as it is stored, of axes to the oriented second."""
    return as_matrix(with_orientation(axes, orientation, picture_size(gallery, second)))


def picture(gallery: Gallery, position: int) -> Picture:
    """The grey levels of a picture and its content box."""
    return Picture(gallery.grey(position), picture_box(gallery, position))
