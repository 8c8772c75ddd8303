"""How many masks are empty, overall, by subject and by split, and how common each class is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks.mask_facts import MaskFacts
from delineate.data.sample import Sample

MOST_NAMED = 4


@dataclass(frozen=True)
class EmptyShare:
    """How many of the masks of one subject, split or data set hold no foreground."""

    name: str
    masks: int
    empty: int

    @property
    def share(self) -> float:
        """Empty masks through masks."""
        return self.empty / self.masks


@dataclass(frozen=True)
class ClassShare:
    """How many masks hold a class, and what share of all known pixels it has."""

    label: int
    name: str
    masks: int
    pixel_share: float


def empty_shares(facts: MaskFacts, by: str = "subject") -> tuple[EmptyShare, ...]:
    """The share of empty masks of each `subject` or `split` of the samples, in their order.

    Counted are the masks of each sample's first observer. Samples of no subject or split are
    left out.
    """
    counts: dict[str, list[int]] = {}
    for sample, is_empty in _first_masks(facts):
        name = getattr(sample, by)
        if name is not None:
            entry = counts.setdefault(name, [0, 0])
            entry[0] += 1
            entry[1] += is_empty
    return tuple(EmptyShare(name, masks, empty) for name, (masks, empty) in counts.items())


def class_shares(facts: MaskFacts) -> tuple[ClassShare, ...]:
    """How common each class is among the masks of the samples' first observers."""
    is_first = facts.masks["is_first"]
    known = int(facts.masks["known_px"][is_first].sum(dtype=np.int64))
    shapes = facts.shapes[is_first[facts.shapes["mask"]]]
    names = {each.index: each.name for each in facts.dataset.classes}
    labels, counts = np.unique(shapes["label"], return_counts=True)
    return tuple(
        ClassShare(
            label,
            names.get(label, "foreground" if labels.tolist() == [1] else f"class {label}"),
            count,
            float(shapes["area_px"][shapes["label"] == label].sum(dtype=np.int64) / known),
        )
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
    )


def balance_findings(facts: MaskFacts) -> tuple[Finding, ...]:
    """One finding on empty masks, and with several classes one on how common each is."""
    masks = [is_empty for _, is_empty in _first_masks(facts)]
    if not masks:
        return ()
    findings = [_emptiness(facts, EmptyShare("all", len(masks), sum(masks)))]
    classes = class_shares(facts)
    if len(classes) > 1:
        findings.append(_classes(classes, len(masks)))
    return tuple(findings)


def _first_masks(facts: MaskFacts) -> Iterable[tuple[Sample, bool]]:
    rows = facts.masks[facts.masks["is_first"]]
    for place, lit in zip(rows["sample"].tolist(), rows["foreground_px"].tolist(), strict=True):
        yield facts.dataset.samples[place], lit == 0


def _emptiness(facts: MaskFacts, every: EmptyShare) -> Finding:
    subjects, splits = empty_shares(facts), empty_shares(facts, by="split")
    rows = facts.masks[facts.masks["is_first"]]
    lit = float(rows["foreground_px"].sum(dtype=np.int64)) / max(1, int(rows["known_px"].sum()))
    text = (
        f"{every.empty} of {every.masks} masks are empty ({every.share:.1%})"
        if every.empty
        else f"none of {every.masks} masks is empty"
    )
    if every.empty and len(subjects) > 1:
        least, most = (choose(subjects, key=lambda s: s.share) for choose in (min, max))
        if most.share > least.share:
            text += f"; by subject from {least.share:.0%} ({least.name}) "
            text += f"to {most.share:.0%} ({most.name})"
    if every.empty and len(splits) > 1:
        text += f"; {', '.join(f'{each.name} {each.share:.0%}' for each in splits)}"
    evidence: dict[str, Any] = {
        **_numbers(every),
        "foreground_share_of_pixels": lit,
        "by_subject": {each.name: _numbers(each) for each in subjects},
        "by_split": {each.name: _numbers(each) for each in splits},
    }
    return Finding(
        "class_balance",
        (),
        f"{text}; foreground has {lit:.2%} of all pixels",
        evidence,
        every.share,
        about="empty masks",
    )


def _classes(classes: tuple[ClassShare, ...], masks: int) -> Finding:
    rarest = sorted(classes, key=lambda each: (each.masks, each.pixel_share))[:MOST_NAMED]
    said = ", ".join(
        f"{each.name} in {each.masks} of {masks} masks ({each.pixel_share:.2%} of all pixels)"
        for each in rarest
    )
    which = ", the rarest" if len(classes) > MOST_NAMED else ""
    text = f"{len(classes)} classes beside the background{which}: {said}"
    evidence = {
        each.name: {"masks": each.masks, "share_of_pixels": each.pixel_share} for each in classes
    }
    return Finding("class_balance", (), text, evidence, about="classes")


def _numbers(share: EmptyShare) -> dict[str, Any]:
    return {"masks": share.masks, "empty": share.empty, "share": share.share}
