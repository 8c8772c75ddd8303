"""Every pair of pictures nearer than a threshold, exactly as a loop over all pairs lists them.

Block sums rule nearly all pairs out (see `delineate.auditing.pictures.candidates`); what is left is
compared pixel by pixel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np

from delineate.auditing.copies.records import Pair
from delineate.auditing.pictures.candidates import Found, Search, Shelf, shelf
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import ORIENTATIONS, UPRIGHT, oriented
from delineate.core.errors import DelineateError, SettingsError, SizeMismatchError, unknown_name
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image, as_image
from delineate.data.parallel import in_threads

_WAITING = 200_000  # candidates that wait to be compared pixel by pixel
_PLACES = {name: place for place, name in enumerate(ORIENTATIONS)}

Kind = tuple[int, int, int]  # type, height, width


def find_pairs(
    gallery: Gallery,
    threshold: float,
    *,
    orientations: Sequence[str] = tuple(ORIENTATIONS),
    progress: Progress = SILENT,
) -> tuple[Pair, ...]:
    """All pairs of pictures whose distance is below the threshold, the nearest first.

    The distance is the sum of the absolute differences of the grey levels at native size. Only
    pictures of one type, and of one size once the second is oriented, are pairs. A pair is
    listed once for each of the `orientations` that brings it below the threshold. Equally near
    pairs are in the order of the gallery.

    Raises:
        SettingsError: for a threshold that is no number, or an unknown orientation.
        UnreadableFileError: a file has changed since the gallery looked at it.
    """
    if np.isnan(threshold):
        raise SettingsError("threshold: expected a number, found NaN; state a sum of grey levels")
    for name in orientations:
        if name not in ORIENTATIONS:
            raise unknown_name("orientation", name, ORIENTATIONS)
    search = Search(gallery.sums, threshold, frozenset(orientations))
    pairs: list[Pair] = []
    for waiting in _gathered(_candidates(gallery, search, progress)):
        pairs += _confirmed(gallery, waiting, threshold, progress)
    return tuple(
        sorted(pairs, key=lambda p: (p.distance, p.first, p.second, _PLACES[p.orientation]))
    )


def pair_distance(first_grey: Image, second_grey: Image, orientation: str) -> float:
    """Sum of |first - oriented second| over all pixels; exact for whole numbers.

    Raises:
        SizeMismatchError: the pictures have not one size, or not one type.
    """
    second = oriented(second_grey, orientation)
    if first_grey.shape != second.shape or first_grey.dtype != second.dtype:
        raise SizeMismatchError(
            f"pair: expected pictures of one size and type, found {first_grey.shape} "
            f"{first_grey.dtype} and {second.shape} {second.dtype}; compare pictures that fit"
        )
    if first_grey.dtype == np.float32:
        return float(np.abs(first_grey.astype(np.float64) - second).sum())
    # OpenCV counts in whole numbers and adds them up in float64, exact below 2^53.
    left = as_image(np.ascontiguousarray(first_grey))
    right = as_image(np.ascontiguousarray(second))
    return float(cv2.norm(left, right, cv2.NORM_L1))


def _candidates(gallery: Gallery, search: Search, progress: Progress) -> Iterator[Found]:
    shelves = _shelves(gallery)
    with progress.bar("comparing signatures", len(gallery)) as bar:
        done = 0
        for (dtype, height, width), own in shelves.items():
            yield from search.among(own, own, is_turned=False)
            if height == width:
                yield from search.among(own, own, is_turned=True)
            across = shelves.get((dtype, width, height))
            if height < width and across is not None:
                yield from search.among(own, across, is_turned=True)
            done += len(own.positions)
            bar.reach(done)


def _shelves(gallery: Gallery) -> Mapping[Kind, Shelf]:
    members: dict[Kind, list[int]] = defaultdict(list)
    kinds = gallery.table[["dtype", "height", "width"]].tolist()
    for position in np.flatnonzero(gallery.table["is_read"]).tolist():
        members[kinds[position]].append(position)
    return {
        kind: shelf(np.array(own, np.int64), gallery.sums, gallery.table)
        for kind, own in members.items()
    }


def _gathered(candidates: Iterator[Found]) -> Iterator[list[Found]]:
    """Many at a time, so that each picture is decoded seldom; never too many to be kept."""
    waiting: list[Found] = []
    count = 0
    for found in candidates:
        waiting.append(found)
        count += len(found.first)
        if count >= _WAITING:
            yield waiting
            waiting, count = [], 0
    if waiting:
        yield waiting


def _confirmed(
    gallery: Gallery, waiting: Sequence[Found], threshold: float, progress: Progress
) -> Iterator[Pair]:
    """The candidates that are below the threshold pixel by pixel."""
    by_first: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for found in waiting:
        for first, second in zip(found.first.tolist(), found.second.tolist(), strict=True):
            by_first[first].append((second, found.orientation))

    def compared(first: int) -> list[Pair]:
        near = (_pair(gallery, first, *other) for other in sorted(by_first[first]))
        return [pair for pair in near if pair.distance < threshold]

    for _, pairs in in_threads(
        compared, sorted(by_first), label="comparing pairs", progress=progress
    ):
        if isinstance(pairs, DelineateError):
            raise pairs
        yield from pairs


def _pair(gallery: Gallery, first: int, second: int, orientation: str) -> Pair:
    row = gallery.table[first]
    pixels = int(row["height"]) * int(row["width"])
    if orientation == UPRIGHT and gallery.digest(first) == gallery.digest(second):
        return Pair(first, second, orientation, 0.0, pixels)
    distance = pair_distance(gallery.grey(first), gallery.grey(second), orientation)
    return Pair(first, second, orientation, distance, pixels)
