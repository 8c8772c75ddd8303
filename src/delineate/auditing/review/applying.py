"""Decisions carried out on a data set, in memory and in a folder beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.changed_masks import write_changed
from delineate.auditing.review.decisions import (
    DROP,
    KEEP_ONE,
    MERGES,
    NOT_A_TWIN,
    REPLACE,
    Decision,
)
from delineate.auditing.review.merging import merged, on_grid_of
from delineate.auditing.review.replacing_mask import as_png, holds_codes
from delineate.auditing.review.review_log import ReviewLog
from delineate.auditing.review.twin_subjects import not_twins, with_twin_subjects
from delineate.core.errors import DelineateError
from delineate.core.overlapping import codes_of
from delineate.core.types import Labels
from delineate.data.layouts.found import REFERENCE
from delineate.data.listing import some
from delineate.data.masks import survey_masks, uncertain
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset, Sample
from delineate.files.image_files import image_size
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import labels_of_palette_png

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class AppliedDecision:
    """A decision in force and what became of it.

    `effect` says in words what it changed, `reason` why it changed nothing; one of them is
    empty. `dropped` and `relabelled` are the samples that it left out or gave another mask.
    """

    decision: Decision
    effect: str = ""
    reason: str = ""
    dropped: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()

    @property
    def is_applied(self) -> bool:
        """Whether it could be carried out."""
        return not self.reason

    def to_document(self) -> dict[str, Any]:
        """The decision and what became of it, in plain JSON values."""
        return {
            **self.decision.to_document(),
            "is_applied": self.is_applied,
            "effect": self.effect,
            "reason": self.reason,
            "dropped": list(self.dropped),
            "relabelled": list(self.relabelled),
        }


@dataclass(frozen=True)
class Reviewed:
    """A data set after a review.

    `dropped` and `relabelled` are the samples that all decisions together left out or gave
    another mask. `not_twins` are groups of samples that a person has called different
    pictures.
    """

    dataset: Dataset
    applied: tuple[AppliedDecision, ...]
    dropped: tuple[str, ...]
    relabelled: tuple[str, ...]
    not_twins: tuple[frozenset[str], ...]


def apply_decisions(
    dataset: Dataset,
    log: ReviewLog,
    folder: Path | str,
    *,
    decisions: Sequence[Decision] | None = None,
) -> Reviewed:
    """The data set with every decision in force carried out, in the order they were taken.

    Of `decisions`, only these are; what they change depends on others that speak of the same
    samples, which must be among them.

    Originals are never touched: masks that change are written to `folder` as PNG of class
    indices, when all has gone well. Copies of which nobody says whose they are get one
    common subject. A decision that cannot be carried out is listed with its reason.

    Raises:
        UncertainMaskError: masks are to be merged, and their encoding is neither certain nor
            confirmed.
        UnreadableFileError: the log cannot be read, or masks that stay in the data set cannot.
        CannotWriteError: if a changed mask cannot be written.
    """
    decisions = log.in_force() if decisions is None else decisions
    findings = {each.id: each for each in log.findings(with_past=True)}
    work = _Work(dataset, log, decisions)
    applied = tuple(work.carry_out(each, findings[each.finding]) for each in decisions)
    different = not_twins(decisions)
    result = with_twin_subjects(work.written(Path(folder)), log.findings(), different)
    relabelled = tuple(i for i in dict.fromkeys(i for i, _ in work.changed) if i in work.samples)
    dropped = tuple(s.id for s in dataset.samples if s.id not in work.samples)
    return Reviewed(result, applied, dropped, relabelled, different)


class _CannotApply(Exception):  # noqa: N818 - it says why, and never leaves this module
    """Why a decision changes nothing."""


@dataclass
class _Work:
    """The samples that are left, and the masks that changed, while decisions are carried out."""

    dataset: Dataset
    log: ReviewLog
    decisions: Sequence[Decision]
    samples: dict[str, Sample] = field(init=False)
    dropped_by: dict[str, int] = field(default_factory=dict)
    changed: dict[tuple[str, str], bytes] = field(default_factory=dict)
    encodings: dict[str, MaskEncoding] = field(init=False)

    def __post_init__(self) -> None:
        self.samples = {each.id: each for each in self.dataset.samples}
        self.encodings = dict(self.dataset.encodings)

    def carry_out(self, decision: Decision, finding: Finding) -> AppliedDecision:
        """What became of one decision."""
        try:
            if decision.action == KEEP_ONE:
                self._one(decision.argument)
                others = [each for each in decision.samples if each != decision.argument]
                return self._drop(decision, others)
            if decision.action == DROP:
                return self._drop(decision, decision.samples)
            if decision.action == REPLACE:
                return self._replace(decision, finding)
            if decision.action in MERGES:
                return self._merge(decision, finding)
        except _CannotApply as problem:
            return AppliedDecision(decision, reason=str(problem))
        if decision.action == NOT_A_TWIN:
            return AppliedDecision(decision, effect="treated as different pictures")
        return AppliedDecision(decision, effect="left as it is")

    def written(self, folder: Path) -> Dataset:
        """The data set without what was dropped, with the changed masks in the folder."""
        own = dict(self.dataset.file_encodings)
        for (sample, observer), png in self.changed.items():
            if sample in self.samples:
                old = self.samples[sample]
                overlaps = self.dataset.is_overlapping
                files = write_changed(folder, sample, observer, png=png, is_overlapping=overlaps)
                masks = self._in_order(old, observer, tuple(files))
                self.samples[sample] = replace(old, masks=masks)
                own |= files
        return replace(self.dataset, samples=tuple(self.samples.values()), file_encodings=own)

    def _in_order(
        self, sample: Sample, observer: str, files: tuple[Path, ...]
    ) -> dict[str, tuple[Path, ...]]:
        """The sample's masks with this one; the observer of reference stays the first."""
        masks = {**sample.masks, observer: files}
        known = (*self.dataset.observers, observer)
        return {name: masks[name] for name in known if name in masks}

    def _drop(self, decision: Decision, ids: Iterable[str]) -> AppliedDecision:
        there = [each for each in ids if each in self.samples]
        if not there:
            raise _CannotApply("none of the samples to drop is in the data any more")
        for each in there:
            del self.samples[each]
            self.dropped_by[each] = decision.number
        return AppliedDecision(decision, effect=f"dropped {some(there)}", dropped=tuple(there))

    def _replace(self, decision: Decision, finding: Finding) -> AppliedDecision:
        sample = self._one(decision.samples[0])
        png = self.log.mask(decision.mask or "")
        labels = labels_of_palette_png(png)
        size = _or_reason(image_size, sample.image)
        if labels.shape != size:
            raise _CannotApply(
                f"{sample.id}: expected a mask of {size[0]}x{size[1]} px (height x width) like "
                f"its image, found {labels.shape[0]}x{labels.shape[1]} in {decision.argument}"
            )
        if not holds_codes(png):
            png = as_png(codes_of(labels)) if self.dataset.is_overlapping else png
        elif not self.dataset.is_overlapping:
            raise _CannotApply(
                f"{sample.id}: the mask was painted with classes that overlap, and this data is "
                "read without; say --overlapping"
            )
        self.changed[sample.id, self._observer(finding)] = png
        return AppliedDecision(
            decision,
            effect=f"{sample.id} has the mask {decision.argument}",
            relabelled=(sample.id,),
        )

    def _merge(self, decision: Decision, finding: Finding) -> AppliedDecision:
        observer = self._observer(finding)
        matrices, labels = [], []
        ids: list[str] = []
        self._settle(observer)
        for sample, matrix in zip(finding.samples, finding.evidence["matrices"], strict=True):
            own = self._labels(sample, observer)
            if own is not None:
                ids.append(sample)
                matrices.append(matrix)
                labels.append(own)
        if len(ids) < 2:
            raise _CannotApply(f"fewer than two of {some(finding.samples)} have a mask any more")
        _require_size(finding, ids[0], labels[0])
        relabelled = []
        for place, sample in enumerate(ids):
            laid = on_grid_of(place, labels, matrices)
            is_overlapping = self.dataset.is_overlapping
            result = merged(laid, decision.action, is_overlapping=is_overlapping)
            if not np.array_equal(result, labels[place]):
                self.changed[sample, observer] = as_png(result)
                relabelled.append(sample)
        effect = f"the masks of {some(ids)} are alike already"
        if relabelled:
            verb = "has" if len(relabelled) == 1 else "have"
            effect = f"{some(relabelled)} {verb} the {decision.action} of the masks of {some(ids)}"
        return AppliedDecision(decision, effect=effect, relabelled=tuple(relabelled))

    def _one(self, sample: str) -> Sample:
        if sample in self.samples:
            return self.samples[sample]
        if sample in self.dropped_by:
            raise _CannotApply(f"{sample} is dropped by decision {self.dropped_by[sample]}")
        raise _CannotApply(f"{sample} is not in the data any more")

    def _observer(self, finding: Finding) -> str:
        """Whose masks the finding is about: the one it names, else the one of reference."""
        known = self.dataset.observers
        return finding.about if finding.about in known else next(iter(known), REFERENCE)

    def _labels(self, sample: str, observer: str) -> Labels | None:
        """The sample's mask as earlier decisions left it; None where there is none."""
        if (sample, observer) in self.changed and sample in self.samples:
            return labels_of_palette_png(self.changed[sample, observer])
        known = self.samples.get(sample)
        if known is None or observer not in known.masks:
            return None
        used = self.dataset.decoded_by(self.encodings)
        return _or_reason(read_labels, used, known, observer)

    def _settle(self, observer: str) -> None:
        """Find out how the observer's masks are encoded, where nobody has confirmed it.

        Masks that the review takes out say nothing: they may be what had to be mended.
        """
        if observer in self.encodings:
            return
        out: set[str] = set()
        for each in self.decisions:
            if each.action in (DROP, REPLACE, KEEP_ONE):
                out |= set(each.samples) - {each.argument}
        with_mask = [s for s in self.dataset.samples if observer in s.masks]
        staying = tuple(s for s in with_mask if s.id not in out) or tuple(with_mask)
        part = replace(self.dataset, samples=staying)
        proposal = survey_masks(part, observers=(observer,)).proposals.get(observer)
        if proposal is None:
            raise _CannotApply(f"no mask of observer {observer} can be read")
        if not proposal.is_certain:
            raise uncertain(part, observer, proposal)
        self.encodings[observer] = proposal.encoding


def _require_size(finding: Finding, first: str, labels: Labels) -> None:
    height, width = finding.evidence["size_px"]
    if first == finding.samples[0] and labels.shape != (height, width):
        raise _CannotApply(
            f"{first} was {height}x{width} px (height x width) when it was audited and is "
            f"{labels.shape[0]}x{labels.shape[1]} now; audit anew"
        )


def _or_reason(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What is read; a file that cannot be is the reason why nothing changes."""
    try:
        return read(*arguments, **named)
    except DelineateError as problem:
        raise _CannotApply(str(problem)) from problem
