"""What the masks of one observer probably mean, how sure that is, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.files.class_tables import TABLE_HEADER
from delineate.files.encoding_text import MaskEncoding
from delineate.files.mask_decoding import WHITES, say_values
from delineate.files.mask_findings import Colour, MaskFinding
from delineate.files.writing import write_csv

LARGEST_CLASS = 63
MOST_GREY_LEVELS = 32
SOFT_SHARE = 0.35
COLOUR_TABLE = "colours.csv"


@dataclass(frozen=True)
class Proposal:
    """How the masks should be decoded.

    Only a certain proposal may be used without confirmation. `reason` is one sentence
    without a full stop. `colours` are the rows of the table that `colours:FILE` would need,
    in order of class; see `write_colour_table`. `notes` never block.
    """

    encoding: MaskEncoding
    is_certain: bool
    reason: str
    palette: NDArray[np.uint8] | None
    class_count: int
    notes: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()


def propose(findings: Sequence[MaskFinding]) -> Proposal:
    """The encoding that fits all masks of one observer.

    Certain are palette indices; 0 and 1; 0 and 255; small whole numbers as classes, with 255
    as unknown beside them; and masks that are all empty. Everything else is only proposed.

    Raises:
        ValueError: without any finding.
    """
    if not findings:
        raise ValueError("expected at least one finding, got none")
    palette = next((f.palette for f in findings if f.palette is not None), None)
    proposal = replace(_proposal(findings), palette=palette)
    return replace(proposal, notes=(*proposal.notes, *_notes(findings, proposal)))


def write_colour_table(path: Path, proposal: Proposal) -> None:
    """Write the proposed colours as a table for `colours:FILE`, to be named by a person."""
    names = ("background", *(f"class {n}" for n in range(1, len(proposal.colours))))
    rows = [(name, *colour) for name, colour in zip(names, proposal.colours, strict=True)]
    write_csv(path, TABLE_HEADER, rows)


def _proposal(findings: Sequence[MaskFinding]) -> Proposal:
    if any(f.colours and not f.is_nearly_grey for f in findings):
        return _of_colours(findings)
    counts: Counter[int] = Counter()
    for finding in findings:
        counts.update(finding.counts)
    distinct = max(len(counts), *(f.distinct for f in findings))
    if any(_is_palette_of_shades(f) for f in findings) or _has_palettes_that_disagree(findings):
        return _soft(findings, counts, distinct)
    if any(f.palette is not None for f in findings):
        return _of_numbers(findings, counts) or _indices(counts, is_certain=True, palette=True)
    certain = _of_numbers(findings, counts)
    if certain is not None:
        return certain
    return _of_greys(findings, counts, distinct)


def _of_numbers(findings: Sequence[MaskFinding], counts: Counter[int]) -> Proposal | None:
    """Two values at most, or 0, 1 and 255."""
    lit = {value for value in counts if value}
    if any(f.colours for f in findings):
        return None
    if not lit:
        return _binary("every mask is empty (all values are 0)")
    if len(lit) == 1 and lit <= set(WHITES):
        return _binary(f"the masks hold {_say(counts)}")
    if lit != {1, 255}:
        return None
    if any({1, 255} <= set(f.counts) for f in findings):
        return Proposal(
            MaskEncoding("index", ignore=255),
            is_certain=False,
            reason="the masks hold 0, 1 and 255, where 255 may mean foreground or unknown",
            palette=None,
            class_count=2,
        )
    ones = sum(1 for f in findings if 1 in f.counts)
    whites = sum(1 for f in findings if 255 in f.counts)
    note = f"{ones} masks hold 0 and 1, and {whites} hold 0 and 255; both count as foreground"
    return replace(_binary("each mask holds 0 and 1, or 0 and 255"), notes=(note,))


def _of_greys(findings: Sequence[MaskFinding], counts: Counter[int], distinct: int) -> Proposal:
    is_lossy = any(f.is_lossy for f in findings)
    small = [value for value in counts if value != 255]
    high = max(counts)
    if max(small, default=0) <= LARGEST_CLASS and distinct <= LARGEST_CLASS + 2:
        if is_lossy:
            if high <= LARGEST_CLASS:
                reason = f"the masks hold {_say(counts)} in JPEG files, which change class numbers"
                return replace(_indices(counts, is_certain=False), reason=reason)
        elif 255 not in counts or _is_dense(small):
            return _indices(counts, is_certain=True)
    lit = [value for value in counts if value]
    if len(lit) == 1 and not is_lossy:
        half = (lit[0] + 1) // 2
        return _threshold(half, f"the masks hold {_say(counts)}; expected 0 and 1, or 0 and 255")
    soft = _soft_share(findings)
    if is_lossy or soft < SOFT_SHARE:
        return _soft(findings, counts, distinct)
    if high > 255:
        reason = f"the masks hold {_say(counts)}, which look like numbers of single objects"
        return _threshold(1, reason)
    if distinct <= MOST_GREY_LEVELS:
        levels = sorted(counts)
        return Proposal(
            MaskEncoding("colours", colours_file=Path(COLOUR_TABLE)),
            is_certain=False,
            reason=f"the masks hold the grey levels {_say(counts)}, which look like classes",
            palette=None,
            class_count=len(levels),
            colours=tuple((level, level, level) for level in levels),
        )
    if high < 255:
        reason = f"the masks hold {_say(counts)}, which may be classes, objects or shades"
        return replace(_indices(counts, is_certain=False), reason=reason)
    reason = f"the masks hold {distinct} grey values without two clear groups, like a photograph"
    return _threshold(128, f"{reason} or a probability map")


def _of_colours(findings: Sequence[MaskFinding]) -> Proposal:
    totals: Counter[Colour] = Counter()
    for finding in findings:
        if finding.colours:
            totals.update(finding.colours)
        else:
            totals.update({(v, v, v): n for v, n in finding.counts.items() if v <= 255})
    distinct = max(len(totals), *(f.distinct for f in findings))
    ordered = sorted(totals, key=lambda colour: (colour != (0, 0, 0), -totals[colour], colour))
    notes: tuple[str, ...] = ()
    reason = f"the masks hold {distinct} RGB colours, and nothing says which class each one is"
    if distinct > MOST_GREY_LEVELS:
        notes = (
            "so many colours come from JPEG or smoothing; re-export as PNG without "
            "smoothing, for each colour must match the table exactly",
        )
        ordered = ordered[:MOST_GREY_LEVELS]
    return Proposal(
        MaskEncoding("colours", colours_file=Path(COLOUR_TABLE)),
        is_certain=False,
        reason=reason,
        palette=None,
        class_count=len(ordered),
        notes=notes,
        colours=tuple(ordered),
    )


def _soft(findings: Sequence[MaskFinding], counts: Counter[int], distinct: int) -> Proposal:
    """Two groups of greys with an edge between them, and the proof that 128 parts them."""
    histogram = sum((f.histogram for f in findings), np.zeros(256, np.int64))
    middle = int(histogram[128:].sum())
    moved = int(histogram[96:160].sum())
    cause = (
        "JPEG changes values near edges"
        if any(f.is_lossy for f in findings)
        else "soft edges often come from a bilinear resize"
    )
    proof = (
        f"between thresholds 96 and 160 the foreground changes by {moved / middle:.1%}"
        if middle
        else "no value reaches 128"
    )
    found = _say(counts) if distinct <= 8 else f"{distinct} grey values"
    half = 32768 if max(counts) > 255 else 128
    return _threshold(half, f"the masks hold {found}; {cause}; {proof}")


def _binary(reason: str) -> Proposal:
    return Proposal(MaskEncoding("binary"), True, reason, palette=None, class_count=2)


def _threshold(threshold: int, reason: str) -> Proposal:
    encoding = MaskEncoding("threshold", max(1, threshold))
    return Proposal(encoding, False, reason, palette=None, class_count=2)


def _indices(counts: Counter[int], *, is_certain: bool, palette: bool = False) -> Proposal:
    high = max((value for value in counts if value < 255), default=0)
    has_unknown = 255 in counts
    what = "palette indices" if palette else "class indices"
    reason = f"the masks hold {what}: {_say(counts)}"
    return Proposal(
        MaskEncoding("index", ignore=255 if has_unknown else None),
        is_certain,
        f"{reason}, with 255 as unknown" if has_unknown else reason,
        palette=None,
        class_count=max(2, high + 1),
    )


def _is_palette_of_shades(finding: MaskFinding) -> bool:
    """Whether a palette holds shades of grey, as a converter makes it, not colours of classes."""
    if finding.palette is None or finding.distinct <= 2:
        return False
    used = finding.palette[[value for value in finding.counts if value <= 255]]
    return bool((np.ptp(used.astype(np.int64), axis=1) <= 4).all())


def _has_palettes_that_disagree(findings: Sequence[MaskFinding]) -> bool:
    """Whether one index is shown black in one mask and white in another.

    Programs that number colours anew for each file do this: index 0 of an all-white mask.
    """
    shown: dict[int, set[bool]] = {}
    for finding in findings:
        if finding.palette is None or finding.distinct > 2:
            continue
        for value in finding.counts:
            grey = finding.palette[min(value, 255)].astype(int)
            if np.ptp(grey) <= 4:
                shown.setdefault(value, set()).add(bool(grey[0] >= 128))
    return any(len(sides) > 1 for sides in shown.values())


def _is_dense(values: Sequence[int]) -> bool:
    """Whether small numbers follow each other as classes do, so that 255 beside is unknown."""
    lit = [value for value in values if value]
    return bool(lit) and 1 in lit and max(lit) > 1 and 2 * len(lit) >= max(lit)


def _soft_share(findings: Sequence[MaskFinding]) -> float:
    """The share of in-between greys among all that are not nearly black."""
    histogram = sum((f.histogram for f in findings), np.zeros(256, np.int64))
    return float(histogram[32:224].sum() / max(1, histogram[32:].sum()))


def _notes(findings: Sequence[MaskFinding], proposal: Proposal) -> tuple[str, ...]:
    if proposal.encoding.kind not in ("binary", "threshold") or proposal.encoding.threshold == 1:
        return ()
    notes: list[str] = []
    lit = [f for f in findings if f.foreground_share > 0]
    full = [f for f in lit if f.foreground_share > 0.5 and f.border_share > 0.5]
    if lit and 2 * len(full) > len(lit):
        share = float(np.mean([f.foreground_share for f in lit]))
        inverted = replace(proposal.encoding, is_inverted=True)
        notes.append(
            f"foreground covers {share:.0%} on average and most of the border in {len(full)} of "
            f"{len(findings)} masks; if the dark part is what you look for, "
            f"say --masks {str(inverted).removeprefix('binary,')}"
        )
    palettes = [f.palette for f in findings if f.palette is not None]
    if (
        palettes
        and all(int(p[0].sum()) > int(p[1].sum()) for p in palettes)
        and any(1 in f.counts for f in findings)
    ):
        notes.append("the palette shows index 1 darker than index 0; look whether it is foreground")
    return tuple(notes)


def _say(counts: Counter[int]) -> str:
    return say_values(np.array(sorted(counts)))
