"""Groups of copies as findings: whether their masks agree, and what can be reached on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from delineate.auditing.copies.records import Twin
from delineate.auditing.findings.copy_maps import twin_document
from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks.contradictions import GroupMasks
from delineate.auditing.masks.mask_comparison import Comparison
from delineate.auditing.masks.reachable import DICE
from delineate.data.listing import counted, some
from delineate.data.sample import Sample

MOST_LISTED = 64  # comparisons in the evidence of one group, the worst first
CHOOSE_ONE = (
    "look which of them is right and keep one: a union takes the drawn mask, an intersection "
    "the empty one"
)


def contradiction_findings(
    masks: Iterable[GroupMasks], samples: Sequence[Sample], *, about: str = ""
) -> tuple[Finding, ...]:
    """One finding a group: copies with contradictory masks, or with agreeing ones.

    The samples of a finding stand as the members of its group do, so that row k of
    `evidence["matrices"]` takes pixel centres of the first one to those of sample k. `about`
    names the observer whose masks these are, where there are several. Groups are taken one at
    a time: no label map is kept.
    """
    return tuple(_finding(each, samples, about) for each in masks)


def _finding(masks: GroupMasks, samples: Sequence[Sample], about: str) -> Finding:
    ids = tuple(samples[position].id for position in masks.group.members)
    worst = next((masks.comparisons[pair] for pair in masks.worst_first), None)
    is_bad = masks.is_contradictory
    has_empty = any(each.is_one_empty for each in masks.comparisons.values())
    return Finding(
        kind="contradictory_twins" if is_bad else "twins",
        samples=ids,
        text=f"{_who(masks, ids)}; {_agreement(masks, ids)}{_reach(masks)}",
        evidence=_evidence(masks, samples, ids),
        badness=_badness(worst, has_empty) if is_bad else float(len(ids)),
        suggestion=CHOOSE_ONE if is_bad and has_empty and len(masks.labelled) == 2 else "",
        about=about,
    )


def _badness(worst: Comparison | None, has_empty: bool) -> float:
    return has_empty + 1.0 - (worst.least_dice if worst is not None else 1.0)


def _who(masks: GroupMasks, ids: Sequence[str]) -> str:
    twins = masks.group.twins
    if len(ids) == 2 and len(twins) == 1:
        return f"{ids[0]} and {ids[1]} are one picture ({_how(twins[0])})"
    same = sum(twin.is_same_file for twin in twins)
    files = f", {counted(same, 'pair')} byte for byte" if same else ""
    return f"{len(ids)} copies of one picture ({some(ids)}{files})"


def _how(twin: Twin) -> str:
    return "the same file twice" if twin.is_same_file else twin.transform.words


def _agreement(masks: GroupMasks, ids: Sequence[str]) -> str:
    """How the masks agree, without a full stop."""
    if not masks.comparisons:
        without = [ids[k] for k in range(len(ids)) if k not in masks.labelled]
        return (
            f"no masks to compare: none for {some(without)}"
            if without
            else ("their masks know no pixel in common")
        )
    first, second = masks.worst_first[0]
    worst = masks.comparisons[first, second]
    pair = f"{ids[first]} and {ids[second]}"
    where = "" if len(masks.comparisons) == 1 else f", at worst those of {pair}"
    rest = f"; {masks.left_out} further masks were not compared" if masks.left_out else ""
    if not masks.is_contradictory:
        empty = "" if any(c.foreground_px for c in masks.comparisons.values()) else ", all empty"
        return f"their masks agree{empty}{_explained(worst)}{rest}"
    if worst.is_one_empty:
        return f"their masks contradict each other{where}: one is empty, the other holds " + (
            f"{worst.foreground_px:,} px{rest}"
        )
    minor = " (minor)" if masks.is_minor else ""
    return (
        f"their masks contradict each other{minor}{where}: {_dice_words(worst)}, "
        f"{worst.differing_px:,} px differ{rest}"
    )


def _dice_words(found: Comparison) -> str:
    if len(found.dice) < 2:
        return f"Dice {found.foreground_dice:.3f}"
    mean = f"{found.mean_dice:.3f} in the mean over classes"
    return f"Dice {found.foreground_dice:.3f} of all foreground, {mean}"


def _explained(worst: Comparison) -> str:
    if not worst.differing_px:
        return ""
    return f" but for {worst.differing_px:,} px that resampling explains"


def _reach(masks: GroupMasks) -> str:
    """What can be reached at most, as a sentence; nothing where the masks agree."""
    best = masks.reachable.get(DICE) if masks.is_contradictory else None
    if best is None:
        return ""
    return f". No one mask scores more than a mean Dice of {best.upper:.3f} on them"


def _evidence(masks: GroupMasks, samples: Sequence[Sample], ids: Sequence[str]) -> dict[str, Any]:
    order = masks.worst_first
    worst = masks.comparisons[order[0]] if order else None
    evidence: dict[str, Any] = {
        "size_px": list(masks.size_px),
        "matrices": [list(map(float, matrix)) for matrix in masks.group.matrices],
        "splits": [samples[position].split for position in masks.group.members],
        "twins": [twin_document(twin, samples) for twin in masks.group.twins],
        "labelled": [ids[place] for place in masks.labelled],
        "is_minor": masks.is_minor,
        "comparisons": [
            {"first": ids[first], "second": ids[second], **_comparison(masks, (first, second))}
            for first, second in order[:MOST_LISTED]
        ],
    }
    if worst is not None:
        evidence |= {
            "dice": worst.foreground_dice,
            "mean_dice": worst.mean_dice,
            "differing_px": worst.differing_px,
        }
    if masks.left_out:
        evidence["not_compared"] = masks.left_out
    if masks.is_contradictory:
        evidence["reachable"] = {
            score: {
                "lower": best.lower,
                "upper": best.upper,
                "is_exact": best.is_exact,
                "reached_by": best.reached_by,
            }
            for score, best in masks.reachable.items()
        }
    return evidence


def _comparison(masks: GroupMasks, pair: tuple[int, int]) -> dict[str, Any]:
    found = masks.comparisons[pair]
    return {
        "dice": found.foreground_dice,
        "mean_dice": found.mean_dice,
        "dice_by_class": {str(index): value for index, value in found.dice.items()},
        "compared_px": found.compared_px,
        "differing_px": found.differing_px,
        "unexplained_px": found.unexplained_px,
        "is_one_empty": found.is_one_empty,
        "is_contradictory": found.is_contradictory,
        "is_minor": found.is_minor,
        "nerve_tool_difference": found.nerve_difference,
    }
