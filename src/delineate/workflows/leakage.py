"""The gate of every verb that relies on a split: nothing may stand on both of its sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from delineate.auditing.copies.records import TwinGroup
from delineate.auditing.findings.leaks import (
    FILE,
    SEQUENCE,
    SUBJECT,
    THIS_DATA,
    TWINS,
    Leak,
    find_leaks,
    leaked_ids,
)
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.auditing.pictures.signature_cache import default_cache
from delineate.core.errors import LeakageError
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import some
from delineate.data.sample import Dataset, Sample
from delineate.workflows.copies import groups_of_copies, is_seen

REMEDY = (
    "Make a split that keeps subjects and copies whole with `delineate split DATA --fresh` and "
    "give it with --split-file, or go on with --allow-leakage: scores are then given with and "
    "without the leaked cases"
)
# Singular and plural of what leaks.
KINDS = {
    SUBJECT: ("subject on both sides of the split", "subjects on both sides of the split"),
    FILE: ("image file on both sides", "image files on both sides"),
    TWINS: ("picture with copies on both sides", "pictures with copies on both sides"),
    SEQUENCE: ("sequence on both sides", "sequences on both sides"),
}


@dataclass(frozen=True)
class Gate:
    """Looks for copies; what was seen of an image, and which are copies, is kept in a cache.

    Found are byte-identical files and copies that were flipped, turned, recompressed, resized,
    letterboxed or changed in tone; crops and shifts are left to `audit`. `not_twins` are ids of
    samples that somebody has declared to be no copies of each other.
    """

    not_twins: Collection[frozenset[str]] = ()
    cache: Path | None = field(default_factory=default_cache)
    threads: int | None = None
    progress: Progress = SILENT
    _groups: list[tuple[set[str], list[set[str]]]] = field(
        default_factory=list, repr=False, compare=False
    )

    def copies(self, samples: Sequence[Sample]) -> tuple[Gallery, tuple[TwinGroup, ...]]:
        """The groups of copies among the samples, by their places."""
        gallery = look_at(samples, cache=self.cache, threads=self.threads, progress=self.progress)
        groups = groups_of_copies(
            gallery, is_denied=self._is_denied, cache=self.cache, progress=self.progress
        )
        ids = [{gallery.name(member) for member in group.members} for group in groups]
        self._groups.append(({sample.id for sample in samples}, ids))
        return gallery, groups

    def together(self, samples: Sequence[Sample]) -> list[tuple[str, ...]]:
        """Ids of copies, which must not be parted: for `complete_split`.

        Samples among which copies were looked for already are not compared again.
        """
        ids = {sample.id for sample in samples}
        if len(ids) < 2:
            return []
        if not any(ids <= known for known, _ in self._groups):
            self.copies(samples)
        groups = next(groups for known, groups in self._groups if ids <= known)
        return [tuple(sorted(group & ids)) for group in groups if len(group & ids) > 1]

    def leaks(self, dataset: Dataset, splits: Collection[str]) -> tuple[Leak, ...]:
        """What stands in more than one of these splits; images of no other are opened.

        Images without a label are neither trained on nor scored, and are left out.
        """
        used = tuple(s for s in dataset.samples if s.split in splits and dataset.is_labelled(s))
        if len({sample.split for sample in used}) < 2:
            return ()
        gallery, groups = self.copies(used)

        found = find_leaks(used, groups=groups, digests=_digests(gallery))
        return _told_once(found)

    def leaks_from(
        self, name: str, seen: Sequence[Sample], cases: Sequence[Sample]
    ) -> tuple[Leak, ...]:
        """Images among the cases that another data set holds too, or copies of them.

        `seen` are the samples of that data set, which `name` stands for. Its subjects say
        nothing here: two sets may number different people alike.
        """
        if not seen or not cases:
            return ()
        others = [replace(s, id=f"{name}:{s.id}", subject=None, split=None) for s in seen]
        own = [replace(s, subject=None, split=None) for s in cases]
        gallery, groups = self.copies((*own, *others))
        return find_leaks(gallery.samples, groups=groups, digests=_digests(gallery), against=name)

    def _is_denied(self, first: str, second: str) -> bool:
        return any({first, second} <= ids for ids in self.not_twins)


def leaked_cases(leaks: Iterable[Leak], split: str) -> frozenset[str]:
    """The ids of the cases of a split that leak into it, from other splits or other data."""
    leaks = tuple(leaks)
    between = (
        id_
        for leak in leaks
        if leak.is_between_data
        for id_, side in zip(leak.samples, leak.splits, strict=True)
        if side == THIS_DATA
    )
    return frozenset(leaked_ids(leaks, split)).union(between)


def _digests(gallery: Gallery) -> Callable[[int], bytes | None]:
    """The digest of each picture in which something is seen."""

    def digest(position: int) -> bytes | None:
        return gallery.digest(position) if is_seen(gallery, position) else None

    return digest


def _told_once(leaks: Sequence[Leak]) -> tuple[Leak, ...]:
    """The leaks without subjects all of whose images are told as copies of one picture.

    A review gives copies a subject in common.
    """
    copies = [set(leak.samples) for leak in leaks if leak.kind in (FILE, TWINS)]
    return tuple(
        leak
        for leak in leaks
        if leak.kind != SUBJECT or not any(set(leak.samples) <= ids for ids in copies)
    )


def find_split_leaks(
    dataset: Dataset,
    splits: Collection[str],
    *,
    gate: Gate,
    into: str | None = None,
    is_allowed: bool = False,
    remedy: str = REMEDY,
) -> tuple[Leak, ...]:
    """Subjects that stand in several of these splits, byte-identical images, and copies.

    With `into` only what concerns this one of the splits. Subjects are looked at first: where
    they leak and that is not allowed, no image is opened.

    Raises:
        LeakageError: as `require_no_leaks`.
    """

    def checked(leaks: Iterable[Leak]) -> tuple[Leak, ...]:
        found = tuple(leak for leak in leaks if into is None or into in leak.sides)
        require_no_leaks(found, is_allowed=is_allowed, remedy=remedy)
        return found

    checked(find_leaks([s for s in dataset.samples if s.split in splits]))
    return checked(gate.leaks(dataset, splits))


def require_no_leaks(
    leaks: Sequence[Leak], *, is_allowed: bool = False, remedy: str = REMEDY
) -> None:
    """Nothing, where there are no leaks or they are allowed.

    Raises:
        LeakageError: how many of each kind, the first few by name, and what to do.
    """
    if leaks and not is_allowed:
        raise LeakageError(f"{in_words(leaks)}; scores would be too good. {remedy}")


def in_words(leaks: Iterable[Leak]) -> str:
    """How many of each kind, with the first few of them.

    Examples:
        >>> in_words([Leak("leaked_subject", ("a", "b"), ("train", "test"), "P7", "")])
        '1 subject on both sides of the split: P7 (in train and test)'
        >>> in_words([Leak("leaked_file", ("a", "b"), ("test", "train"), "", "")])
        '1 image file on both sides: b (train) and a (test)'
    """
    by_kind: dict[str, list[Leak]] = {}
    for leak in leaks:
        by_kind.setdefault(leak.kind, []).append(leak)
    return "; ".join(
        f"{len(found)} {KINDS[kind][len(found) > 1]}: {some(map(_named, found))}"
        for kind, found in by_kind.items()
    )


def leak_document(leaks: Sequence[Leak]) -> dict[str, Any]:
    """What a JSON file says of leaks that were allowed."""
    counts = Counter(leak.kind for leak in leaks)
    return {
        "counts": dict(counts),
        "found": [
            {
                "kind": leak.kind,
                "who": leak.who,
                "samples": dict(zip(leak.samples, leak.splits, strict=True)),
                "text": leak.words,
            }
            for leak in leaks
        ],
    }


def _named(leak: Leak) -> str:
    """A leak by its subject, or by one sample of each side."""
    if leak.who:
        return f"{leak.who} (in {' and '.join(leak.sides)})"
    firsts = {split: id_ for id_, split in reversed([*zip(leak.samples, leak.splits, strict=True)])}
    return " and ".join(f"{firsts[side]} ({side})" for side in leak.sides)
