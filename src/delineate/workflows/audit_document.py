"""An audit as a document, and as a few lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from delineate.auditing.copies.records import FrameSequence, LookAlike, Pair
from delineate.auditing.findings.finding import AUDIT, ERROR, KINDS, Finding, kinds_of
from delineate.auditing.masks import agreement, mask_comparison
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.image_quality import summary_of_images
from delineate.auditing.pictures.orientation import UPRIGHT
from delineate.data.listing import counted
from delineate.workflows.audit_findings import Audited, own_groups

FAILED = ("unreadable_image", "unreadable_mask")
MOST_LOOK_ALIKES = 1000
MOST_PAIRS = 20_000  # the nearest; the rows by threshold count all of them


def audit_document(audited: Audited, *, thresholds: Sequence[float]) -> dict[str, Any]:
    """The body of `audit.json`, by plain JSON values."""
    gallery, copies, dataset = audited.gallery, audited.copies, audited.dataset
    findings = audited.findings
    return {
        "root": str(dataset.root),
        "layout": dataset.layout,
        "reason": dataset.reason,
        "images": len(dataset.samples),
        "images_against": len(gallery) - len(dataset.samples),
        "has_subjects": dataset.has_subjects,
        "pictures": summary_of_images(gallery.table[: len(dataset.samples)]),
        "encodings": {name: str(each) for name, each in dataset.encodings.items()},
        "distance": "sum of absolute grey-level differences over all pixels, at native size",
        "contradiction_rule": mask_comparison.RULE,
        "thresholds": threshold_rows(audited, thresholds),
        "pairs": [_pair(pair, gallery) for pair in copies.pairs[:MOST_PAIRS]],
        "pairs_left_out": max(0, len(copies.pairs) - MOST_PAIRS),
        "groups": len(own_groups(gallery, copies)),
        "contradictory_groups": sum(f.kind == "contradictory_twins" for f in findings),
        "reachable": None if audited.reachable is None else asdict(audited.reachable),
        "look_alikes": [
            _look_alike(each, gallery) for each in copies.search.look_alikes[:MOST_LOOK_ALIKES]
        ],
        "sequences": [_sequence(each, gallery) for each in copies.search.sequences],
        "human_agreement": [asdict(each) for each in audited.agreement],
        "human_agreement_rule": agreement.RULE if audited.agreement else None,
        "notes": list(audited.notes),
        "counts": {kind: count for kind, count in _counts(findings).items() if count},
        "findings": [finding.to_document() for finding in findings],
        "failures": [finding.text for finding in findings if finding.kind in FAILED],
    }


def threshold_rows(audited: Audited, thresholds: Sequence[float]) -> list[dict[str, Any]]:
    """For each threshold how many pairs of this data lie under it, and how many contradict.

    A pair that lies under it in several orientations counts once, by its masks in the upright
    one if that is among them, else in the nearest.
    """
    own = len(audited.dataset.samples)
    rows = []
    for threshold in sorted(thresholds):
        met: dict[tuple[int, int], tuple[Pair, mask_comparison.Comparison | None]] = {}
        for pair, found in zip(audited.copies.pairs, audited.pair_masks, strict=True):
            if pair.distance < threshold and pair.second < own:
                if pair.orientation == UPRIGHT:
                    met[pair.first, pair.second] = (pair, found)
                else:
                    met.setdefault((pair.first, pair.second), (pair, found))
        compared = [found for _, found in met.values() if found is not None]
        rows.append(
            {
                "threshold": threshold,
                "pairs": len(met),
                "upright": sum(pair.orientation == UPRIGHT for pair, _ in met.values()),
                "compared": len(compared),
                "contradictory": sum(found.is_contradictory for found in compared),
                "contradictory_as_the_nerve_tool_counted": sum(
                    found.is_nerve_contradiction for found in compared
                ),
            }
        )
    return rows


def table(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The document in short, as pairs of a word and what was found."""
    against = document["images_against"]
    rows = [
        ("images", f"{document['images']:,}" + (f" against {against:,}" if against else "")),
    ]
    for row in document["thresholds"]:
        rows.append((f"pairs under {row['threshold']:.10g}", _threshold_words(row)))
    rows.append(("copies", _copies_words(document)))
    if document["sequences"]:
        frames = sum(len(each["samples"]) for each in document["sequences"])
        sequences = counted(len(document["sequences"]), "sequence")
        rows.append(("in sequence", f"{counted(frames, 'image')} in {sequences}"))
    rows += [
        (f"observer {each['second']}", _agreement_words(each))
        for each in document["human_agreement"]
    ]
    rows.append(("", ""))
    for kind, count in document["counts"].items():
        mark = "!" if KINDS[kind].severity == ERROR else " "
        rows.append((f"{mark} {count:,}", KINDS[kind].title))
    return rows if document["counts"] else [*rows, ("  0", "nothing was found")]


def _threshold_words(row: Mapping[str, Any]) -> str:
    if not row["pairs"]:
        return "none"
    turned = row["pairs"] - row["upright"]
    said = f"{row['pairs']:,}" + (f" ({turned:,} of them flipped or turned)" if turned else "")
    if not row["compared"]:
        return said
    by_tool = row["contradictory_as_the_nerve_tool_counted"]
    return (
        f"{said}, of which {row['contradictory']:,} contradictory "
        f"({by_tool:,} as the nerve tool counted)"
    )


def _copies_words(document: Mapping[str, Any]) -> str:
    if not document["groups"]:
        return "none"
    groups = f"{counted(document['groups'], 'picture')} more than once"
    bad = document["contradictory_groups"]
    if not bad:
        return groups
    reach = document["reachable"]
    if reach is None:
        return f"{groups}, {bad:,} with contradictory masks"
    low, high = reach["by_image"]
    best = f"{high:.3f}" if high - low < 1e-9 else f"{low:.3f} to {high:.3f}"
    return (
        f"{groups}, {bad:,} with contradictory masks: no one mask for each of them scores more "
        f"than a mean Dice of {best} on their {reach['images']:,} images"
    )


def _agreement_words(agreed: Mapping[str, Any]) -> str:
    return (
        f"agrees with observer {agreed['first']} by a Dice of {agreed['mean_dice']:.3f} in the "
        f"mean per image, {agreed['pooled_dice']:.3f} pooled, on "
        f"{counted(agreed['images'], 'image')}"
    )


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counts = Counter(finding.kind for finding in findings)
    return {kind: counts[kind] for kind in kinds_of(AUDIT)}


def _pair(pair: Pair, gallery: Gallery) -> dict[str, Any]:
    return {
        "first": gallery.name(pair.first),
        "second": gallery.name(pair.second),
        "orientation": pair.orientation,
        "distance": pair.distance,
        "mean_distance": pair.mean_distance,
    }


def _look_alike(found: LookAlike, gallery: Gallery) -> dict[str, Any]:
    return {
        "first": gallery.name(found.first),
        "second": gallery.name(found.second),
        "similarity": found.similarity,
        "why": found.why,
    }


def _sequence(found: FrameSequence, gallery: Gallery) -> dict[str, Any]:
    return {
        "name": found.name,
        "samples": [gallery.name(position) for position in found.members],
        "neighbour_similarity": found.neighbour_similarity,
        "distant_similarity": found.distant_similarity,
    }
