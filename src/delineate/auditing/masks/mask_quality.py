"""Findings on masks: missing, unusable, oddly encoded, at the border, outside of the region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks.balance import balance_findings
from delineate.auditing.masks.mask_encodings import EncodingFacts
from delineate.auditing.masks.mask_facts import MaskFacts
from delineate.auditing.masks.mask_looking import SIDES
from delineate.auditing.masks.outliers import unusual_masks
from delineate.data.listing import counted, some

FEW_AT_BORDER = 0.2
MOST_AT_BORDER = 0.8
OUTSIDE_SHARE = 0.01
OUTSIDE_PX = 20
MOST_SINGLE = 200
"""More masks of odd encoding than this are told of in one finding."""


def findings_of_masks(facts: MaskFacts) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """All findings on the masks of a data set, and sentences on what could not be judged."""
    unusual, notes = unusual_masks(facts)
    findings = [
        *_missing(facts),
        *_unreadable(facts),
        *_encodings(facts),
        *unusual,
        *_at_border(facts),
        *_outside(facts),
        *balance_findings(facts),
    ]
    return tuple(findings), notes


def _missing(facts: MaskFacts) -> Iterator[Finding]:
    """One finding a split, for a whole split without masks is one fact."""
    samples = facts.dataset.samples
    without: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        if not any(sample.masks.values()):
            without[sample.split or ""].append(sample.id)
    for split, names in without.items():
        total = sum(1 for sample in samples if (sample.split or "") == split)
        where = f" of {split}" if split else ""
        text = f"{len(names)} of {counted(total, 'image')}{where} have no mask: {some(names)}"
        evidence = {"images": total, "without_mask": len(names)}
        badness = len(names) / total
        yield Finding("missing_mask", tuple(names), text, evidence, badness, about=split)


def _unreadable(facts: MaskFacts) -> Iterator[Finding]:
    for problem in facts.problems:
        sample = facts.dataset.samples[problem.sample].id
        about = f"observer {problem.observer}"
        yield Finding("unreadable_mask", (sample,), problem.text, badness=1.0, about=about)


def _encodings(facts: MaskFacts) -> Iterator[Finding]:
    for observer, found in facts.by_observer.items():
        if observer not in facts.dataset.encodings:
            yield from _odd(facts, observer, found)
            yield from _uncertain(facts, observer, found)
        yield from _inverted(facts, observer, found)
        for place in found.white:
            text = (
                f"0 and 255 alone, where other masks hold classes: as {found.proposal.encoding} "
                "this object would be unknown, or of class 255"
            )
            yield _encoding(facts, observer, [place], text, {"aspect": "white"})


def _odd(facts: MaskFacts, observer: str, found: EncodingFacts) -> Iterator[Finding]:
    """Masks that are encoded otherwise than the others: one by one unless there are many."""
    rest = f"; the other masks of {found.files} are certain: {found.proposal.reason}"
    places = list(dict.fromkeys(odd.sample for odd in found.odd))
    if len(places) > MOST_SINGLE:
        text = f"{len(places)} masks, as the first: {found.odd[0].reason}{rest}"
        evidence = {"aspect": "odd", "proposed": found.odd[0].encoding}
        yield _encoding(facts, observer, places, text, evidence)
        return
    for odd in {odd.sample: odd for odd in reversed(found.odd)}.values():
        evidence = {"aspect": "odd", "proposed": odd.encoding}
        yield _encoding(facts, observer, [odd.sample], odd.reason + rest, evidence)


def _uncertain(facts: MaskFacts, observer: str, found: EncodingFacts) -> Iterator[Finding]:
    proposal = found.proposal
    if proposal.is_certain:
        return
    own = f"{observer}=" if len(facts.dataset.observers) > 1 else ""
    text = f"{counted(found.files, 'mask file')}: {proposal.reason}"
    evidence = {"aspect": "all", "proposed": str(proposal.encoding), "files": found.files}
    remedy = f"look at the masks, then confirm with --masks {own}{proposal.encoding}"
    places = [p for p, s in enumerate(facts.dataset.samples) if observer in s.masks]
    yield _encoding(facts, observer, places, text, evidence, remedy)


def _inverted(facts: MaskFacts, observer: str, found: EncodingFacts) -> Iterator[Finding]:
    own = f"{observer}=" if len(facts.dataset.observers) > 1 else ""
    if found.is_mostly_full and observer not in facts.dataset.encodings:
        text = (
            f"foreground covers {found.mean_share:.0%} on average and most of the border; "
            "perhaps the dark part is what is looked for"
        )
        inverted = str(replace(found.proposal.encoding, is_inverted=True)).removeprefix("binary,")
        remedy = f"if it is the dark part, say --masks {own}{inverted}"
        evidence = {"aspect": "all inverted", "foreground_share": found.mean_share}
        places = [p for p, s in enumerate(facts.dataset.samples) if observer in s.masks]
        yield _encoding(facts, observer, places, text, evidence, remedy)
    for place, share in found.inverted:
        text = (
            f"foreground covers {share:.0%} and nearly all of the border, where it covers "
            f"{found.mean_share:.0%} in the other masks on average: it may be inverted"
        )
        evidence = {"aspect": "inverted", "foreground_share": share}
        remedy = "look at it; export the mask anew with foreground and background exchanged"
        yield _encoding(facts, observer, [place], text, evidence, remedy)


def _inverted_places(facts: MaskFacts, observer: str) -> list[int]:
    found = facts.by_observer.get(observer)
    return [place for place, _ in found.inverted] if found else []


def _encoding(
    facts: MaskFacts,
    observer: str,
    places: Iterable[int],
    text: str,
    evidence: dict[str, Any],
    suggestion: str = "",
) -> Finding:
    names = tuple(facts.dataset.samples[place].id for place in places)
    return Finding(
        "mask_encoding",
        names,
        text,
        {"observer": observer, **evidence},
        float(len(names)),
        suggestion,
        about=f"observer {observer}, {evidence['aspect']}",
    )


def _at_border(facts: MaskFacts) -> Iterator[Finding]:
    """Masks along the border: single ones where that is rare, one finding where it is not."""
    masks = facts.masks
    for place, observer in enumerate(facts.dataset.observers):
        is_own = (masks["observer"] == place) & (masks["foreground_px"] > 0)
        lit = np.flatnonzero(is_own & ~np.isin(masks["sample"], _inverted_places(facts, observer)))
        rows = lit[masks["border_px"][lit].any(axis=1)]
        names = [facts.dataset.samples[p].id for p in masks["sample"][rows].tolist()]
        # Scenes and tissues go on beyond every picture; that is no news.
        if not len(rows) or len(rows) > max(1, MOST_AT_BORDER * len(lit)):
            continue
        evidence: dict[str, Any] = {"observer": observer}
        if len(rows) > max(1, FEW_AT_BORDER * len(lit)):
            text = f"{len(rows)} of {counted(len(lit), 'mask')} touch the border of their image"
            about = f"observer {observer}, many"
            yield Finding("mask_at_border", tuple(names), text, evidence, about=about)
            continue
        for name, row in zip(names, masks[rows], strict=True):
            sides = dict(zip(SIDES, row["border_px"].tolist(), strict=True))
            words = ", ".join(f"{n} px along the {side}" for side, n in sides.items() if n)
            badness = sum(sides.values()) / float(row["foreground_px"]) ** 0.5
            about = f"observer {observer}"
            border = {**evidence, "border_px": sides}
            yield Finding("mask_at_border", (name,), words, border, badness, about=about)


def _outside(facts: MaskFacts) -> Iterator[Finding]:
    masks = facts.masks
    shares = masks["outside_px"] / np.maximum(1, masks["foreground_px"])
    is_clear = (masks["outside_px"] >= OUTSIDE_PX) & (shares >= OUTSIDE_SHARE)
    for row, share in zip(masks[is_clear], shares[is_clear].tolist(), strict=True):
        outside, lit = int(row["outside_px"]), int(row["foreground_px"])
        text = f"{outside} of {lit} foreground pixels ({share:.1%}) lie outside of the region"
        observer = facts.dataset.observers[row["observer"]]
        evidence = {"observer": observer, "outside_px": outside, "foreground_px": lit}
        sample = facts.dataset.samples[row["sample"]].id
        about = f"observer {observer}"
        yield Finding("mask_outside_region", (sample,), text, evidence, share, about=about)
