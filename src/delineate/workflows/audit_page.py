"""What the page of an audit shows, gathered from everything that the audit knows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import join
from typing import Any

import numpy as np

from delineate.auditing.findings.copy_maps import has_maps
from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks import mask_comparison
from delineate.auditing.masks.balance import empty_shares
from delineate.auditing.pictures.differences import differences
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import DelineateError
from delineate.core.overlapping import topmost
from delineate.core.progress import Progress
from delineate.core.types import LabelClass, default_classes
from delineate.data.listing import some
from delineate.data.reading import read_labels
from delineate.data.sample import Sample
from delineate.files.image_files import read_image
from delineate.report.audit_content import (
    AuditFigures,
    Comparison,
    CopyView,
    DifferenceHistogram,
    HeatMap,
    Look,
    SubjectShare,
    ThresholdRow,
)
from delineate.report.audit_page import write_audit_page
from delineate.workflows.audit_document import table
from delineate.workflows.audit_findings import Audited

CONTRADICTION_RULE = (
    f"{mask_comparison.RULE} The nerve tool held masks as 0 and 255 in three channels of 8 bits, "
    "subtracted them without widening, so that 0 - 255 wrapped around to 1, and called a pair "
    f"contradictory from a sum above {mask_comparison.NERVE_TOOL_LIMIT} on; its count stands "
    "beside ours for comparison alone."
)


def write_page_of(
    path: Path,
    document: Mapping[str, Any],
    audited: Audited,
    log: ReviewLog,
    *,
    seed: int,
    progress: Progress,
) -> Path:
    """Write audit.html, with every decision that the log has in force."""
    dataset = audited.dataset
    facts = [(name, value) for name, value in _facts(document, audited) if name]
    return write_audit_page(
        path,
        title=f"Audit of {dataset.root.resolve().name}",
        facts=facts,
        notes=[*audited.notes, *_overlap_notes(audited)],
        findings=audited.findings,
        samples={sample.id: sample for sample in audited.gallery.samples},
        look=_looker(audited),
        comparisons={each.id: copies_of(each) for each in audited.findings if has_maps(each)},
        figures=_figures(document, audited, seed, progress),
        classes=_classes(audited),
        decided=_decided(log),
        review=join(["delineate", "review", str(path.parent)]),
        progress=progress,
    )


def _overlap_notes(audited: Audited) -> Iterator[str]:
    if audited.dataset.is_overlapping:
        yield "where classes overlap, the pictures show the last of them"


def _facts(document: Mapping[str, Any], audited: Audited) -> Iterator[tuple[str, str]]:
    yield "layout", f"{document['layout']}: {document['reason']}"
    known = [name for name, _ in document["encodings"].items()]
    for name in known:
        yield f"masks of {name}", f"read as {document['encodings'][name]}"
    if document["against"]:
        yield "held against", str(document["against"])
    yield (
        "search",
        ("thorough: crops and shifts too" if document["search"] == "thorough" else "quick"),
    )
    for name, value in table(document):
        if not name.strip():
            break
        yield name, value


def _looker(audited: Audited) -> Any:
    dataset = audited.dataset
    own = {sample.id for sample in dataset.samples}

    def look(sample: Sample) -> Look:
        image = read_image(sample.image)
        observer = next(iter(sample.masks), None)
        if observer is None or sample.id not in own:
            return Look(image)
        try:
            labels = read_labels(dataset, sample, observer)
            return Look(image, topmost(labels) if dataset.is_overlapping else labels)
        except DelineateError as problem:
            return Look(image, None, str(problem))

    return look


def copies_of(finding: Finding) -> Comparison:
    """The comparison of samples that lie on each other, from the evidence of their finding.

    The finding must say how they do, see `has_maps`.
    """
    evidence = finding.evidence
    tones = _tones(finding)
    views = []
    for name, matrix in zip(finding.samples, evidence["matrices"], strict=True):
        gain, offset, words = tones.get(name, (1.0, 0.0, ""))
        views.append(CopyView(name, tuple(matrix), gain, offset, words))
    dice = f"{evidence['dice']:.3f}" if "dice" in evidence else ""
    best = evidence.get("reachable", {}).get("dice")
    reachable = "" if best is None else f"{best['upper']:.3f} for any one mask"
    if best is not None and not best["is_exact"]:
        reachable = f"{best['lower']:.3f} to {best['upper']:.3f} for any one mask"
    facts = []
    if evidence.get("differing_px"):
        facts.append(("pixels that differ", f"{evidence['differing_px']:,}"))
    return Comparison(tuple(views), dice, reachable, tuple(facts))


Tone = tuple[float, float, str]  # gain, offset, and how the picture was made, in words


def _tones(finding: Finding) -> dict[str, Tone]:
    """The tone of each sample against the first one, along the twins that lead there."""
    steps: dict[str, list[tuple[str, Tone]]] = {}
    for twin in finding.evidence.get("twins", ()):
        first, second, words = twin["first"], twin["second"], twin["words"]
        gain, offset = twin["gain"], twin["offset"]
        steps.setdefault(first, []).append((second, (gain, offset, words)))
        if gain:
            steps.setdefault(second, []).append((first, (1 / gain, -offset / gain, words)))
    start = finding.samples[0]
    found: dict[str, Tone] = {start: (1.0, 0.0, "")}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        gain, offset, _ = found[here]
        for other, (more, shift, words) in steps.get(here, []):
            if other not in found:
                said = words if here == start else f"{words}, of {here}"
                found[other] = (more * gain, more * offset + shift, said)
                queue.append(other)
    return found


def _figures(
    document: Mapping[str, Any], audited: Audited, seed: int, progress: Progress
) -> AuditFigures:
    rows = [
        ThresholdRow(
            threshold=row["threshold"],
            pairs=row["pairs"],
            contradictory=row["contradictory"],
            by_nerve_tool=row["contradictory_as_the_nerve_tool_counted"],
            upright=row["upright"],
        )
        for row in document["thresholds"]
    ]
    return AuditFigures(
        thresholds=rows,
        contradiction_rule=CONTRADICTION_RULE,
        histogram=_histogram(document, audited, seed, progress),
        subjects=tuple(_subjects(audited)),
        heats=tuple(_heats(audited)),
    )


def _histogram(
    document: Mapping[str, Any], audited: Audited, seed: int, progress: Progress
) -> DifferenceHistogram | None:
    largest = max(row["threshold"] for row in document["thresholds"])
    try:
        found = differences(
            audited.gallery, audited.copies.pairs, exact_under=largest, seed=seed, progress=progress
        )
    except DelineateError as problem:  # a file that went away since it was read
        progress.say(f"no histogram of differences: {problem}")
        return None
    if found is None:
        return None
    return DifferenceHistogram(
        edges=tuple(found.edges.tolist()),
        counts=tuple(found.counts.tolist()),
        identical=found.identical,
        words=found.words,
        exact_below=found.exact_under,
    )


def _subjects(audited: Audited) -> Iterator[SubjectShare]:
    """Empty masks by subject; nothing where subjects are unknown."""
    if audited.masks is not None and audited.dataset.has_subjects:
        for each in empty_shares(audited.masks):
            yield SubjectShare(each.name, each.empty, each.masks)


def _heats(audited: Audited) -> Iterator[HeatMap]:
    if audited.masks is None:
        return
    facts = audited.masks
    classes = {each.index: each.name for each in _classes(audited)}
    sizes = facts.masks
    aspect = float(np.median(sizes["width"] / sizes["height"])) if len(sizes) else 1.0
    is_first = facts.masks["is_first"][facts.shapes["mask"]]
    for label, shares in facts.heat.items():
        masks = int((facts.shapes["label"][is_first] == label).sum())
        yield HeatMap(classes.get(label, f"class {label}"), shares, masks, aspect)


def _classes(audited: Audited) -> tuple[LabelClass, ...]:
    """Background and as many classes as any mask was seen to hold."""
    if audited.masks is None or not len(audited.masks.shapes):
        return audited.dataset.classes or default_classes(2)
    count = max(2, int(audited.masks.shapes["label"].max()) + 1)
    if count <= len(audited.dataset.classes):
        return audited.dataset.classes
    return (*audited.dataset.classes, *default_classes(count)[len(audited.dataset.classes) :])


def _decided(log: ReviewLog) -> dict[str, str]:
    """Finding -> the decisions in force on it, in words."""
    found: dict[str, list[str]] = {}
    for each in log.in_force():
        said = each.action.replace("_", " ")
        found.setdefault(each.finding, []).append(f"{said} {each.argument or ''}".strip())
    return {finding: some(words) for finding, words in found.items()}
