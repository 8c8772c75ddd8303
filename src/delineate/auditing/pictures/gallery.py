"""All pictures of a data set as an audit sees them: each file read once, little kept of it."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.signature import FACTS, SIDE, Look, grey_levels, look
from delineate.auditing.pictures.signature_cache import Known, SignatureCache
from delineate.core.errors import DelineateError, UnreadableFileError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image, as_image
from delineate.data.sample import Sample
from delineate.files.formats import read_content
from delineate.files.image_files import image_from, read_image

_BATCH = 16  # files a task: what a task costs is shared, and its pictures still fit in memory
_WAITING = 3  # tasks a thread
_GREY_BYTES = 256 << 20
_KEPT_AT_ONCE = 256  # looks a transaction


class GreyPictures:
    """The grey levels of pictures, decoded again when asked for; the latest ones are kept."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Decode nothing yet."""
        self._samples = samples
        self._lock = Lock()
        self._latest: OrderedDict[int, Image] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, position: int) -> Image:
        """(H, W), read-only.

        Raises:
            UnreadableFileError: the file cannot be read, or not any more.
        """
        with self._lock:
            if position in self._latest:
                self._latest.move_to_end(position)
                return self._latest[position]
        grey = as_image(grey_levels(read_image(self._samples[position].image)).copy())
        grey.flags.writeable = False
        with self._lock:
            if position not in self._latest:
                self._latest[position] = grey
                self._bytes += grey.nbytes
            while self._bytes > _GREY_BYTES and len(self._latest) > 1:
                self._bytes -= self._latest.popitem(last=False)[1].nbytes
        return grey


@dataclass(frozen=True)
class Gallery:
    """Pictures by position, in the order of their samples.

    `table` has a row of `signature.FACTS` for each, `sums` (N, 121) float32 the block sums,
    `shapes` (N, 121) float16 the normalised block means of the content box. `problems` says
    why a picture cannot be read; its row in `table` is zero.
    """

    samples: tuple[Sample, ...]
    table: NDArray[np.void]
    sums: NDArray[np.float32]
    shapes: NDArray[np.float16]
    problems: Mapping[int, str]
    _cache: SignatureCache = field(repr=False, compare=False)
    _greys: GreyPictures = field(repr=False, compare=False)

    def __len__(self) -> int:
        """How many pictures there are, readable or not."""
        return len(self.samples)

    def name(self, position: int) -> str:
        """The id of the sample."""
        return self.samples[position].id

    def digest(self, position: int) -> bytes:
        """The SHA-256 of the file; zeros where it could not be read."""
        return bytes(self.table["digest"][position].tobytes())

    def grey(self, position: int) -> Image:
        """(H, W) grey levels of the type of the file, decoded again; read-only.

        Raises:
            UnreadableFileError: the file cannot be read, or is another one by now.
        """
        grey = self._greys[position]
        row = self.table[position]
        if row["is_read"] and grey.shape != (row["height"], row["width"]):
            raise UnreadableFileError(
                f"{self.samples[position].image}: expected {row['height']} x {row['width']} px "
                f"(height x width) as a moment ago, found {grey.shape[0]} x {grey.shape[1]}; "
                "leave the files alone while they are audited"
            )
        return grey

    def thumb(self, position: int) -> NDArray[np.uint8]:
        """(64, 64) uint8: the content box made small, zeros where it could not be read."""
        return np.asarray(self.thumbs([position])[0])

    def thumbs(self, positions: Sequence[int]) -> NDArray[np.uint8]:
        """(n, 64, 64) uint8: thumbnails from the disk."""
        digests = [self.digest(position) for position in positions]
        kept = self._cache.thumbs(list(dict.fromkeys(digests)))
        thumbs = np.zeros((len(positions), 64, 64), np.uint8)
        for place, (position, digest) in enumerate(zip(positions, digests, strict=True)):
            if digest in kept:
                thumbs[place] = kept[digest]
            elif self.table["is_read"][position]:
                # The cache was full or went away.
                thumbs[place] = look(self.grey(position)[..., np.newaxis]).thumb
        return thumbs


def look_at(
    samples: Sequence[Sample],
    *,
    cache: Path | None,
    progress: Progress = SILENT,
    threads: int | None = None,
) -> Gallery:
    """The pictures of all samples, each file read once, on all cores.

    What is seen is kept in the folder `cache` by the digest of the file, so that a second look
    decodes nothing; without a folder in a temporary one that goes with the gallery. Files that
    cannot be read become `problems`. `threads` is as many as there are cores unless given.
    """
    samples = tuple(samples)
    count = len(samples)
    kept = SignatureCache(cache, progress.say)
    gallery = Gallery(
        samples,
        table=np.zeros(count, FACTS),
        sums=np.zeros((count, SIDE**2), np.float32),
        shapes=np.zeros((count, SIDE**2), np.float16),
        problems={},
        _cache=kept,
        _greys=GreyPictures(samples),
    )
    problems: dict[int, str] = {}
    fresh: dict[bytes, Look] = {}
    with progress.bar("reading images", count) as bar:
        for seen in _in_batches(samples, kept, threads or cores()):
            for one in seen:
                if isinstance(one.found, str):
                    problems[one.position] = one.found
                    continue
                _enter(gallery, one.position, one.digest, one.found)
                if isinstance(one.found, Look):
                    fresh[one.digest] = one.found
            if len(fresh) >= _KEPT_AT_ONCE:
                kept.keep(fresh)
                fresh = {}
            bar.reach(seen[-1].position + 1)
    kept.keep(fresh)
    return replace(gallery, problems=problems)


def _enter(gallery: Gallery, position: int, digest: bytes, found: Look | Known) -> None:
    gallery.table[position] = found.facts
    gallery.table["digest"][position] = np.frombuffer(digest, np.uint8)
    gallery.sums[position] = found.sums
    gallery.shapes[position] = found.shape


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class _Seen:
    """One file: what was found in it, or in words why nothing was."""

    position: int
    digest: bytes
    found: Look | Known | str


def _in_batches(
    samples: Sequence[Sample], cache: SignatureCache, threads: int
) -> Iterator[list[_Seen]]:
    """Batches in order; never more than a few wait, so that results do not pile up."""
    starts = iter(range(0, len(samples), _BATCH))

    def task(start: int) -> list[_Seen]:
        return _seen(samples[start : start + _BATCH], start, cache)

    pool = ThreadPoolExecutor(threads)
    try:
        waiting = [pool.submit(task, start) for start in islice(starts, threads * _WAITING)]
        while waiting:
            seen = waiting.pop(0).result()
            waiting.extend(pool.submit(task, start) for start in islice(starts, 1))
            yield seen
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _seen(samples: Sequence[Sample], start: int, cache: SignatureCache) -> list[_Seen]:
    contents = [_content(sample.image) for sample in samples]
    digests = [
        hashlib.sha256(each).digest() if isinstance(each, bytes) else b"" for each in contents
    ]
    known = cache.known([digest for digest in set(digests) if digest])
    seen = []
    for place, (sample, content, digest) in enumerate(zip(samples, contents, digests, strict=True)):
        found = known.get(digest) or _look(sample.image, content)
        seen.append(_Seen(start + place, digest, found))
    return seen


def _content(path: Path) -> bytes | str:
    try:
        return read_content(path)
    except DelineateError as problem:
        return str(problem)


def _look(path: Path, content: bytes | str) -> Look | str:
    if isinstance(content, str):
        return content
    try:
        return look(image_from(path, content))
    except DelineateError as problem:
        return str(problem)
