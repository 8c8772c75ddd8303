"""From what was seen and measured to findings: copies, leaks, masks, pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.auditing.copies.records import (
    SAME_PLACE,
    FrameSequence,
    LookAlike,
    Pair,
    TwinGroup,
)
from delineate.auditing.copies.twins import TwinSearch, groups_of
from delineate.auditing.findings.copy_maps import CopyMaps
from delineate.auditing.findings.finding import Finding, ordered
from delineate.auditing.findings.leaks import FILE, SUBJECT, TWINS, find_leaks, leak_findings
from delineate.auditing.findings.nested_copies import nested_copies
from delineate.auditing.findings.twin_findings import contradiction_findings
from delineate.auditing.masks.agreement import Agreement, observer_agreement
from delineate.auditing.masks.contradictions import ReadLabels, compare_pairs, masks_of_groups
from delineate.auditing.masks.mask_comparison import Comparison
from delineate.auditing.masks.mask_facts import MaskFacts, mask_facts
from delineate.auditing.masks.mask_quality import findings_of_masks
from delineate.auditing.masks.reachable import DICE, MeanReachable, Reachable, mean_reachable
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.image_quality import findings_of_images
from delineate.core.geometry import Size
from delineate.core.progress import Progress
from delineate.core.types import Labels
from delineate.data.listing import counted, some
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset

MOST_LOOK_ALIKES = 50


@dataclass(frozen=True)
class Copies:
    """What the search for copies found among the pictures of a gallery.

    The first `own` pictures belong to the data set that is audited, the others to a second
    one that it is held against, whose name is `against`.
    """

    pairs: tuple[Pair, ...]
    search: TwinSearch
    own: int
    against: str | None = None


@dataclass(frozen=True)
class Audited:
    """Everything that an audit knows.

    `dataset` has the encodings that masks were looked at with, `pair_masks` has an entry for
    each of the pairs. `reachable` bounds the best mean Dice on the groups whose masks
    contradict each other, and on those alone.
    """

    dataset: Dataset
    gallery: Gallery
    copies: Copies
    masks: MaskFacts | None
    pair_masks: tuple[Comparison | None, ...]
    reachable: MeanReachable | None
    agreement: tuple[Agreement, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def sizes_px(self) -> dict[str, Size]:
        """The size of each of the data set's images that can be read, by sample."""
        return _sizes(self.dataset, self.gallery)


def weigh(
    source: Path, dataset: Dataset, gallery: Gallery, copies: Copies, progress: Progress
) -> Audited:
    """All findings on a data set, from its pictures, its masks and its copies.

    `source` is the folder or manifest that it was opened from.
    """
    sizes_px = _sizes(dataset, gallery)
    masks = None
    if dataset.observers:
        masks = mask_facts(dataset, sizes_px=sizes_px, progress=progress)
        dataset = dataset.decoded_by({**masks.encodings, **dataset.encodings})
    labelled = list(_copy_findings(dataset, gallery, copies, progress))
    mask_findings, notes = ((), ()) if masks is None else findings_of_masks(masks)
    findings = ordered(
        [
            *labelled,
            *_leak_findings(dataset, gallery, copies),
            *nested_copies(source, dataset, progress=progress),
            *mask_findings,
            *findings_of_images(_own_pictures(gallery, copies.own)),
            *_sequence_findings(dataset, gallery, copies.search.sequences),
            *_look_alike_findings(dataset, gallery, copies.search.look_alikes),
        ]
    )
    reference = dataset.observers[0] if dataset.observers else None
    return Audited(
        dataset=dataset,
        gallery=gallery,
        copies=copies,
        masks=masks,
        pair_masks=compare_pairs(
            copies.pairs,
            _reader(dataset, reference),
            is_overlapping=dataset.is_overlapping,
            progress=progress,
        ),
        reachable=_reachable(labelled),
        agreement=observer_agreement(dataset, progress=progress),
        findings=findings,
        notes=(*dataset.notes, *notes),
    )


def _sizes(dataset: Dataset, gallery: Gallery) -> dict[str, Size]:
    rows = gallery.table[: len(dataset.samples)]
    return {
        sample.id: (int(row["height"]), int(row["width"]))
        for sample, row in zip(dataset.samples, rows, strict=True)
        if row["is_read"]
    }


def _reader(dataset: Dataset, observer: str | None) -> ReadLabels:
    """The labels of one observer by position; None for samples without, or of other data."""

    def read(position: int) -> Labels | None:
        if observer is None or position >= len(dataset.samples):
            return None
        sample = dataset.samples[position]
        return read_labels(dataset, sample, observer) if observer in sample.masks else None

    return read


def _copy_findings(
    dataset: Dataset, gallery: Gallery, copies: Copies, progress: Progress
) -> Iterator[Finding]:
    """A finding for each group of this data's own copies, and observer who drew any of it."""
    groups = own_groups(gallery, copies)

    def size_of(position: int) -> Size:
        row = gallery.table[position]
        return int(row["height"]), int(row["width"])

    observers = dataset.observers or (None,)
    for observer in observers:
        drawn = [group for group in groups if _is_drawn(group, dataset, observer, observers)]
        found = masks_of_groups(
            drawn,
            _reader(dataset, observer),
            size_of=size_of,
            is_overlapping=dataset.is_overlapping,
            progress=progress,
        )
        about = observer if observer is not None and len(observers) > 1 else ""
        yield from contradiction_findings(found, dataset.samples, about=about)


def own_groups(gallery: Gallery, copies: Copies) -> tuple[TwinGroup, ...]:
    """Groups of copies within the audited data alone."""
    if copies.own == len(gallery):
        return copies.search.groups
    return groups_of(gallery, [twin for twin in copies.search.twins if twin.second < copies.own])


def _is_drawn(
    group: TwinGroup, dataset: Dataset, observer: str | None, observers: Sequence[str | None]
) -> bool:
    """Whether a group is told under this observer: the first, or one who drew two of it."""
    own = [observer in dataset.samples[position].masks for position in group.members]
    return observer == observers[0] or sum(own) > 1


def _leak_findings(dataset: Dataset, gallery: Gallery, copies: Copies) -> tuple[Finding, ...]:
    def digest(position: int) -> bytes | None:
        return None if position in gallery.problems else gallery.digest(position)

    leaks = find_leaks(
        gallery.samples,
        groups=copies.search.groups,
        sequences=() if dataset.has_subjects else copies.search.sequences,
        digests=digest,
        against=copies.against,
    )
    # Layouts that number their subjects from 1 would share them all with any other such set.
    is_numbered = all((s.subject or "0").isdecimal() for s in dataset.samples)
    found = leak_findings(
        leak
        for leak in leaks
        if not (leak.is_between_data and leak.kind == SUBJECT and is_numbered)
    )
    maps = CopyMaps(copies.search.groups, gallery.samples)
    return tuple(
        replace(each, evidence={**each.evidence, **maps.evidence(each.samples)})
        if each.kind in (FILE, TWINS)
        else each
        for each in found
    )


def _own_pictures(gallery: Gallery, own: int) -> Gallery:
    """The gallery of the audited data alone."""
    return replace(
        gallery,
        samples=gallery.samples[:own],
        table=gallery.table[:own],
        sums=gallery.sums[:own],
        shapes=gallery.shapes[:own],
        problems={place: why for place, why in gallery.problems.items() if place < own},
    )


def _sequence_findings(
    dataset: Dataset, gallery: Gallery, sequences: Iterable[FrameSequence]
) -> Iterator[Finding]:
    for each in sequences:
        own = tuple(gallery.name(p) for p in each.members if p < len(dataset.samples))
        if len(own) < 2:
            continue
        named = f"sequence {each.name}" if each.name else "sequence"
        yield Finding(
            "sequence",
            own,
            f"{named}: {counted(len(own), 'image')} numbered in a row ({some(own)}), of which "
            f"neighbours are alike by {each.neighbour_similarity:.2f}, others by "
            f"{each.distant_similarity:.2f}; none of them counts as a copy for that",
            {
                "name": each.name,
                "neighbour_similarity": each.neighbour_similarity,
                "distant_similarity": each.distant_similarity,
            },
            badness=float(len(own)),
            about=each.name,
        )


def _look_alike_findings(
    dataset: Dataset, gallery: Gallery, look_alikes: Iterable[LookAlike]
) -> Iterator[Finding]:
    """The likest of the look-alikes; all of them stand in the document."""
    own = [each for each in look_alikes if each.second < len(dataset.samples)]
    for each in sorted(own, key=lambda found: -found.similarity)[:MOST_LOOK_ALIKES]:
        first, second = gallery.name(each.first), gallery.name(each.second)
        yield Finding(
            "look_alikes",
            (first, second),
            f"{first} and {second} look alike and are no copies: {each.why}",
            {"similarity": each.similarity, "matrices": [list(SAME_PLACE), list(each.matrix)]},
            badness=each.similarity,
        )


def _reachable(findings: Sequence[Finding]) -> MeanReachable | None:
    """What can be reached on the groups whose masks contradict each other."""
    return mean_reachable(
        (
            Reachable(DICE, best["lower"], best["upper"], best["reached_by"]),
            len(finding.evidence["labelled"]),
        )
        for finding in findings
        if finding.kind == "contradictory_twins"
        and (best := finding.evidence["reachable"].get(DICE)) is not None
    )
