"""What stands on both sides of a split, or in two data sets: files, copies, subjects, frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from delineate.auditing.copies.records import FrameSequence, TwinGroup
from delineate.auditing.findings.finding import Finding
from delineate.data.listing import counted, some
from delineate.data.sample import SPLITS, Sample

FILE, TWINS, SUBJECT, SEQUENCE = "leaked_file", "leaked_twins", "leaked_subject", "leaked_sequence"
LEAKS = (FILE, TWINS, SUBJECT, SEQUENCE)
THIS_DATA = "this data"

Digests = Mapping[int, bytes] | Callable[[int], bytes | None]


@dataclass(frozen=True)
class Leak:
    """Samples that belong together and do not stand on one side.

    `kind` is one of `LEAKS`. `splits` has one entry a sample: its split, or, between two data
    sets, `THIS_DATA` or the name of the other. `who` is the subject or the sequence, or empty.
    """

    kind: str
    samples: tuple[str, ...]
    splits: tuple[str, ...]
    who: str
    words: str
    is_between_data: bool = False

    @property
    def sides(self) -> tuple[str, ...]:
        """The splits or data sets concerned, each once, train before validation and test."""
        return _in_order(self.splits)


def find_leaks(
    samples: Sequence[Sample],
    *,
    groups: Sequence[TwinGroup] = (),
    sequences: Sequence[FrameSequence] = (),
    digests: Digests | None = None,
    against: str | None = None,
) -> tuple[Leak, ...]:
    """Everything that stands on several sides, once each, by kind.

    `groups`, `sequences` and `digests` speak of places in `samples`; a digest that is absent
    or None says nothing. Samples without a split stand on no side. `against` names the other
    data set whose samples are among these under ids `NAME:id`: it is held against the rest,
    whatever the splits, and its own splits against each other are left alone. Byte-identical
    files are told once, as such and not as copies too.
    """
    known = dict(_digests(samples, digests))
    is_other = [against is not None and s.id.startswith(f"{against}:") for s in samples]
    splits = [None if other else s.split for s, other in zip(samples, is_other, strict=True)]
    found = _leaks(_View(samples, splits, known, ""), groups, sequences)
    if against is not None:
        sides = [against if other else THIS_DATA for other in is_other]
        found += _leaks(_View(samples, sides, known, against), groups, sequences)
    return tuple(sorted(found, key=lambda leak: LEAKS.index(leak.kind)))


def leaked_ids(leaks: Iterable[Leak], scored_split: str) -> set[str]:
    """The samples of one split that have something in common with another split."""
    return {
        id_
        for leak in leaks
        if not leak.is_between_data
        for id_, split in zip(leak.samples, leak.splits, strict=True)
        if split == scored_split
    }


def leak_findings(leaks: Iterable[Leak]) -> tuple[Finding, ...]:
    """A finding for each leak; those of most samples are the worst."""
    return tuple(
        Finding(
            kind=leak.kind,
            samples=leak.samples,
            text=leak.words,
            evidence={
                "splits": list(leak.splits),
                "counts": {side: leak.splits.count(side) for side in leak.sides},
                "who": leak.who,
                "is_between_data": leak.is_between_data,
            },
            badness=float(len(leak.samples)),
            suggestion=_suggestion(leak),
            about=" and ".join(leak.sides) if leak.is_between_data else "",
        )
        for leak in leaks
    )


@dataclass(frozen=True)
class _View:
    """The samples seen as standing on sides; `other` names the second data set, if any."""

    samples: Sequence[Sample]
    sides: Sequence[str | None]
    digests: Mapping[int, bytes]
    other: str

    def is_parted(self, positions: Iterable[int]) -> bool:
        return len({self.sides[p] for p in positions} - {None}) > 1

    def leak(self, kind: str, positions: Iterable[int], who: str, words: str) -> Leak:
        own = [p for p in sorted(positions) if self.sides[p] is not None]
        ids = tuple(self.samples[p].id for p in own)
        splits = tuple(side for p in own if (side := self.sides[p]) is not None)
        text = f"{words} {_where(ids, splits)}"
        return Leak(kind, ids, splits, who, text, bool(self.other))


def _leaks(
    view: _View, groups: Sequence[TwinGroup], sequences: Sequence[FrameSequence]
) -> list[Leak]:
    return [
        *_files(view),
        *_copies(view, groups),
        *_subjects(view),
        *_frames(view, sequences),
    ]


def _files(view: _View) -> Iterator[Leak]:
    by_digest = _gathered((digest, p) for p, digest in view.digests.items())
    for positions in by_digest.values():
        if view.is_parted(positions):
            yield view.leak(FILE, positions, "", "One file, byte for byte, stands")


def _copies(view: _View, groups: Sequence[TwinGroup]) -> Iterator[Leak]:
    for group in groups:
        placed = [p for p in group.members if view.sides[p] is not None]
        files = {view.digests.get(p, p) for p in placed}
        # Where all are one file, that is told already.
        if len(files) > 1 and view.is_parted(placed):
            yield view.leak(TWINS, group.members, "", "Copies of one picture stand")


def _subjects(view: _View) -> Iterator[Leak]:
    named = _gathered((s.subject, p) for p, s in enumerate(view.samples) if s.subject is not None)
    for subject, positions in named.items():
        if view.is_parted(positions):
            words = f"Subject {subject} stands"
            if view.other:  # two sets may number different people alike
                words = f"A subject of the name {subject}, if that means one person, stands"
            yield view.leak(SUBJECT, positions, str(subject), words)


def _frames(view: _View, sequences: Sequence[FrameSequence]) -> Iterator[Leak]:
    runs = _gathered((each.name, p) for each in sequences for p in each.members)
    for name, positions in runs.items():
        if view.is_parted(positions):
            yield view.leak(SEQUENCE, positions, str(name), f"Frames of the sequence {name} stand")


def _gathered(pairs: Iterable[tuple[Hashable, int]]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for key, position in pairs:
        found[key].append(position)
    return found


def _digests(samples: Sequence[Sample], digests: Digests | None) -> Iterator[tuple[int, bytes]]:
    if digests is None:
        return
    get = digests if callable(digests) else digests.get
    for position in range(len(samples)):
        digest = get(position)
        if digest is not None:
            yield position, digest


def _in_order(splits: Iterable[str]) -> tuple[str, ...]:
    first = (THIS_DATA, *SPLITS)
    seen = set(splits)
    return (*(s for s in first if s in seen), *sorted(seen - set(first)))


def _where(ids: Sequence[str], splits: Sequence[str]) -> str:
    """On which sides and with which samples, in words."""
    parts = []
    for side in _in_order(splits):
        own = [id_ for id_, split in zip(ids, splits, strict=True) if split == side]
        few = some(own) if len(own) < 5 else f"{counted(len(own), 'image')}, {own[0]} the first"
        parts.append(f"in {side} ({few})")
    return " and ".join(parts)


def _suggestion(leak: Leak) -> str:
    if not leak.is_between_data:
        return ""
    return "leave these samples out of one of the two data sets before one is tested on the other"
