"""The model card that people read, of several models in one."""

from __future__ import annotations

from collections.abc import Mapping

from delineate.inference.model_card import GateKind, ModelCard, OperatingPoint
from delineate.workflows.model_page import classes_of, cut_of, page_head, score_table, size_of

_GATES: dict[GateKind | None, str] = {
    "classifier": "the classifier",
    "head": "the segmenter's own head",
    None: "none: every image is segmented",
}
_TASKS = {"segment": "segmentation model", "classify": "classifier"}


def composed_page(card: ModelCard, parts: Mapping[str, ModelCard]) -> str:
    """`README.md` of a model folder that holds others, in Markdown.

    `parts` goes from the folders that the card names to the cards of what stands there.
    """
    return f"""{page_head(card, _kind(card))}
| | |
|---|---|
| classes | {classes_of(card)} |
| threshold | {cut_of(card)} |{_rows_of_masks(card)}
| parameters | {card.parameters:,} in all |

## What is inside

Each folder is a whole model, which can be used by itself.

| folder | what it is | parameters | images are | threshold by itself |
|---|---|---|---|---|
{_rows(card, parts)}
{_chosen(card)}
{score_table(card, "Scores")}
## Use

```
delineate predict {{this folder}} IMAGES --out DIR{_more_uses(card)}
```
"""


def _kind(card: ModelCard) -> str:
    count = len(card.members)
    if count > 1:
        what = f"The mean probability of {count} {_TASKS[card.task]}s"
    elif count:
        what = f"A {_TASKS[card.task]}"
    else:
        what = f"A {_TASKS[card.task]} ({card.architecture})"
    if card.gate is None:
        return f"{what}, trained with Delineate."
    if card.gate.kind == "head":
        return (
            f"{what}, which says itself whether there is anything to find; trained with Delineate."
        )
    return (
        f"{what} behind a gate, trained with Delineate. The gate, a classifier, looks at an image\n"
        "first; only where it finds something is the image segmented."
    )


def _rows_of_masks(card: ModelCard) -> str:
    """What decides beside the threshold whether there is a mask; nothing of a classifier."""
    if card.task == "classify":
        return ""
    gate = _GATES[None]
    if card.gate is not None:
        is_together = card.gate.rule == card.threshold.rule
        rule = "chosen together with that threshold" if is_together else card.gate.rule
        gate = f"{_GATES[card.gate.kind]}, from {card.gate.threshold:.4f} on: {rule}"
    return f"\n| smallest object | {card.predict.minimum_area_px} px |\n| gate | {gate} |"


def _rows(card: ModelCard, parts: Mapping[str, ModelCard]) -> str:
    gate = None if card.gate is None else card.gate.folder
    named = [("gate: ", gate)] if gate is not None else []
    named += [("", each) for each in card.members]
    return "\n".join(_row(name, role, parts[name]) for role, name in named)


def _row(name: str, role: str, part: ModelCard) -> str:
    if part.members:
        what = f"the mean of {len(part.members)} {_TASKS[part.task]}s"
        images = "as each of them takes them"
    else:
        what = f"{_TASKS[part.task]} {part.architecture}"
        images = f"{part.preparation.channels} channel(s), {size_of(part)}"
    return f"| `{name}` | {role}{what} | {part.parameters:,} | {images} | {cut_of(part)} |"


def _chosen(card: ModelCard) -> str:
    """A table of what was chosen for each gate, where several were held against each other."""
    if not card.operating_points:
        return ""
    rows = "\n".join(_row_of(each) for each in card.operating_points)
    objectives = "; ".join(dict.fromkeys(each.objective for each in card.operating_points))
    title, how = "What was chosen", f"The score is that of {objectives}."
    if any(each.gate == "classifier" for each in card.operating_points):
        title += " together"
        how = (
            "Thresholds and smallest object were chosen together for each kind of gate, by "
            f"{objectives}."
        )
    return f"""
## {title}

{how}
The score without the fold is that of each fold at what was chosen on the others.

| which gate | its threshold | mask threshold | smallest object | score | score without the fold |
|---|---|---|---|---|---|
{rows}
"""


def _row_of(point: OperatingPoint) -> str:
    gate = "none" if point.gate_threshold is None else f"{point.gate_threshold:.4f}"
    return (
        f"| {_GATES[point.gate]} | {gate} | {point.threshold:.4f} | {point.minimum_area_px} px | "
        f"{_score(point.score)} | {_score(point.cross_fitted_score)} |"
    )


def _score(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _more_uses(card: ModelCard) -> str:
    """How every image is segmented, and how the gate is asked alone."""
    if card.gate is None or card.gate.folder is None:
        return ""
    return f"""
delineate predict {{this folder}} IMAGES --out DIR --no-gate
delineate predict {{this folder}}/{card.gate.folder} IMAGES --out DIR"""
