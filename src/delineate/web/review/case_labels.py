"""The labels of cases, as their files have them and as people have decided them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from uuid import uuid4

from delineate.auditing.review.applying import apply_decisions
from delineate.auditing.review.decisions import DROP, KEEP_ONE, MERGES, REPLACE, Decision
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.types import Labels
from delineate.data.layouts.found import REFERENCE
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset, Sample

CHANGING = (KEEP_ONE, DROP, REPLACE, *MERGES)


@dataclass(frozen=True)
class Change:
    """What decisions that speak of the same samples have made of them."""

    dropped: frozenset[str]
    mended: Mapping[str, Sample]
    dataset: Dataset = field(repr=False)  # without samples: it knows how their masks are read


class CaseLabels:
    """Labels of a data set under the decisions of a log, brought up to date when asked.

    Only what a new decision touches is done anew: decisions are carried out together with
    those that speak of the same samples, and apart from all others. Changed masks are written to
    `folder`.
    """

    def __init__(self, dataset: Dataset, log: ReviewLog, folder: Path) -> None:
        self._dataset, self._log, self.folder = dataset, log, folder
        self._observers = dataset.observers
        self.observer = next(iter(self._observers), REFERENCE)
        self._lock = Lock()
        self._changes: dict[tuple[int, ...], Change] = {}
        self._by_sample: dict[str, Change] = {}

    def bring_up_to(self, in_force: Sequence[Decision]) -> None:
        """Carry out these decisions, all that the log has in force.

        Raises:
            DelineateError: a changed mask that cannot be written.
        """
        groups = {
            tuple(each.number for each in group): group
            for group in _together(each for each in in_force if each.action in CHANGING)
        }
        with self._lock:
            new = {key: group for key, group in groups.items() if key not in self._changes}
            if not new and len(groups) == len(self._changes):
                return
            found = self._carried_out(new)
            self._changes = {key: found.get(key) or self._changes[key] for key in groups}
            self._by_sample = {
                sample: change
                for change in self._changes.values()
                for sample in (*change.dropped, *change.mended)
            }

    def is_dropped(self, sample: Sample) -> bool:
        """Whether a decision leaves it out."""
        change = self._by_sample.get(sample.id)
        return change is not None and sample.id in change.dropped

    def is_mended(self, sample: Sample) -> bool:
        """Whether a decision gave it another mask."""
        change = self._by_sample.get(sample.id)
        return change is not None and sample.id in change.mended

    def others(self, sample: Sample) -> tuple[str, ...]:
        """The further observers who drew it, in the order of the data."""
        return tuple(o for o in self._observers if o in sample.masks and o != self.observer)

    def filed(self, sample: Sample, observer: str | None = None) -> Labels | None:
        """(H, W) what the files say, those of the observer of reference if none is named.

        None where there is no mask.

        Raises:
            DelineateError: a mask that cannot be read, or is not of its image's size.
        """
        drawn_by = observer or self.observer
        return read_labels(self._dataset, sample, drawn_by) if drawn_by in sample.masks else None

    def decided(self, sample: Sample, observer: str | None = None) -> Labels | None:
        """(H, W) what the decisions say; of a sample that they leave out, what the files say.

        Raises:
            DelineateError: as `filed`.
        """
        drawn_by = observer or self.observer
        change = self._by_sample.get(sample.id)
        mended = None if change is None else change.mended.get(sample.id)
        if change is None or mended is None or drawn_by not in mended.masks:
            return self.filed(sample, drawn_by)
        return read_labels(change.dataset, mended, drawn_by)

    def _carried_out(
        self, groups: Mapping[tuple[int, ...], Sequence[Decision]]
    ) -> dict[tuple[int, ...], Change]:
        """What each group of decisions changes."""
        if not groups:
            return {}
        decisions = sorted((d for group in groups.values() for d in group), key=lambda d: d.number)
        folder = self.folder / uuid4().hex
        reviewed = apply_decisions(self._dataset, self._log, folder, decisions=decisions)
        dropped, mended = set(reviewed.dropped), set(reviewed.relabelled)
        samples = {each.id: each for each in reviewed.dataset.samples if each.id in mended}
        reader = replace(reviewed.dataset, samples=())
        changes = {}
        for key, group in groups.items():
            own = {sample for each in group for sample in each.samples}
            changes[key] = Change(
                frozenset(own & dropped), {id_: samples[id_] for id_ in own & mended}, reader
            )
        return changes


def _together(decisions: Iterable[Decision]) -> list[list[Decision]]:
    """The decisions in groups: two that speak of one sample are in one, in their order."""
    group_of: dict[str, list[Decision]] = {}
    for decision in decisions:
        there = {id(group_of[s]): group_of[s] for s in decision.samples if s in group_of}
        group = sorted([decision, *(d for g in there.values() for d in g)], key=lambda d: d.number)
        for sample in {s for each in group for s in each.samples}:
            group_of[sample] = group
    return list({id(group): group for group in group_of.values()}.values())
