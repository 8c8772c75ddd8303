"""Which pictures of a data set are copies of each other, kept for the next time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

from delineate.auditing.copies import twins
from delineate.auditing.copies.records import TwinGroup
from delineate.auditing.copies.twins import find_twins
from delineate.auditing.pictures.gallery import Gallery
from delineate.core.checks import sha256_of_file, sha256_of_text
from delineate.core.errors import CannotWriteError, UnreadableFileError
from delineate.core.progress import Progress
from delineate.files.writing import read_json, write_json

SCHEMA, FOLDER = "copies", "copies"

IsDenied = Callable[[str, str], bool]  # of two samples, by their ids


def groups_of_copies(
    gallery: Gallery, *, is_denied: IsDenied, cache: Path | None, progress: Progress
) -> tuple[TwinGroup, ...]:
    """Pictures that are copies of one, without how they lie on each other.

    Copies of which `is_denied` are none. Neither are pictures all of whose pixels are the same:
    even frames are all alike, and would tie together whoever has one.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for position in range(len(gallery)):
        if is_seen(gallery, position):
            places[gallery.digest(position).hex()].append(position)
    group_of = {position: {position} for same in places.values() for position in same}
    for first, second in _pairs(places, _known_pairs(gallery, cache, progress)):
        if not is_denied(gallery.name(first), gallery.name(second)):
            joined = group_of[first] | group_of[second]
            group_of |= dict.fromkeys(joined, joined)
    groups = {id(each): tuple(sorted(each)) for each in group_of.values() if len(each) > 1}
    return tuple(TwinGroup(members, (), ()) for members in sorted(groups.values()))


def is_seen(gallery: Gallery, position: int) -> bool:
    """Whether there is anything in a picture: it can be read, and its pixels differ."""
    row = gallery.table[position]
    return bool(row["is_read"]) and bool(row["minimum"] != row["maximum"])


def _pairs(
    places: dict[str, list[int]], known: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, int]]:
    """Equal files, and every two pictures whose contents are copies."""
    for same in places.values():
        yield from ((same[0], other) for other in same[1:])
    for first, second in known:
        yield from product(places.get(first, ()), places.get(second, ()))


def _known_pairs(gallery: Gallery, cache: Path | None, progress: Progress) -> list[tuple[str, str]]:
    """Digests of contents that are copies, from an earlier search of the same contents."""
    file = None if cache is None else cache / FOLDER / f"{_key(gallery)}.json"
    if file is not None:
        with suppress(UnreadableFileError):
            return [(one, other) for one, other in read_json(file, schema=SCHEMA)["pairs"]]
    found = find_twins(gallery, crops_and_shifts=False, progress=progress).twins
    pairs = {
        (gallery.digest(twin.first).hex(), gallery.digest(twin.second).hex())
        for twin in found
        if not twin.is_same_file
    }
    if file is not None:
        with suppress(CannotWriteError, OSError):  # a full disk costs time, not the result
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, {"pairs": sorted(pairs)}, schema=SCHEMA)
    return sorted(pairs)


def _key(gallery: Gallery) -> str:
    """What a search depends on: the contents of all pictures, and the rules of the search."""
    contents = sorted({gallery.digest(position).hex() for position in range(len(gallery))})
    sources = sorted(Path(twins.__file__).parents[1].rglob("*.py"))  # all that auditing is
    return sha256_of_text("\n".join([*contents, *map(sha256_of_file, sources)]))
