"""The model card that people read."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from delineate.inference.model_card import ModelCard

MUST_NOT = (
    "This model has seen one data set.",
    "It has not been shown to work on images of another device, population or preparation, and it "
    "is no medical device: no decision about a person may rest on it.",
)
_WIDTH = 99
_KINDS = {"segment": "A segmentation model", "classify": "A classifier"}


def model_page(card: ModelCard) -> str:
    """`README.md` of a model folder, in Markdown."""
    outside = "background" if card.has_dark_surround else "not treated apart"
    return f"""{page_head(card, _kind(card))}
| | |
|---|---|
| classes | {classes_of(card)} |
| input | {card.preparation.channels} channel(s), {size_of(card)} |
| threshold | {cut_of(card)} |{_own_gate(card)}
| outside the field of view | {outside} |{_rows_of_kind(card)}
| machine | {card.training["machine"]["processor"]} |
{_search(card)}
{score_table(card, "Scores on the validation split")}
## Use

```
delineate predict {{this folder}} IMAGES --out DIR
```
"""


def page_head(card: ModelCard, kind: str) -> str:
    """What the model is called, what it is for and not for, and in words what kind it is."""
    named = "" if card.title == card.name else f"{card.name}. "
    purpose = "" if card.about.purpose is None else f"{fill(card.about.purpose, _WIDTH)}\n\n"
    limits = "\n".join(
        fill(f"- {each}", _WIDTH, subsequent_indent="  ") for each in limits_of(card)
    )
    return f"""# {card.title}

{purpose}{named}{kind}

## What it must not be used for

{limits}

## What it is
"""


def limits_of(card: ModelCard) -> list[str]:
    """What the model must not be used for: in its own words, then what holds of every one."""
    return [*card.about.limits, *MUST_NOT]


def classes_of(card: ModelCard) -> str:
    """Index and name of each class."""
    return ", ".join(f"{each.index} {each.name}" for each in card.classes)


def cut_of(card: ModelCard) -> str:
    """Where probability becomes foreground, and how that was chosen."""
    threshold = card.threshold
    if threshold.cut is None:
        return f"none: {threshold.rule}"
    return f"{_where_cut(card)}, {threshold.origin}"


def score_table(card: ModelCard, heading: str) -> str:
    """A section with the scores of the card, and the rule by which they were taken."""
    scores = "\n".join(
        f"| {name.replace('_', ' ')} | {'undefined' if value is None else f'{value:.4f}'} |"
        for name, value in card.validation["scores"].items()
    )
    return f"""## {heading}

| score | value |
|---|---|
{scores}

Rule: {card.validation["rule"]}. For figures on images that the model has not seen, run
`delineate evaluate`.
"""


def _where_cut(card: ModelCard) -> str:
    """The threshold, or that of each class where they overlap."""
    if card.threshold.values is None:
        return f"{card.threshold.value:.4f}"
    each = zip(card.classes[1:], card.threshold.values, strict=True)
    return ", ".join(f"{one.name} {value:.4f}" for one, value in each)


def _kind(card: ModelCard) -> str:
    if card.classical is not None:
        return (
            f"A segmentation method without a network ({card.architecture}), whose parameters were "
            "chosen\nwith Delineate."
        )
    return (
        f"{_KINDS[card.task]} of {card.parameters:,} parameters ({card.architecture}),\n"
        "trained with Delineate."
    )


def _own_gate(card: ModelCard) -> str:
    """A row on the head that decides whether there is anything to find, where it does."""
    if card.gate is None:
        return ""
    return f"\n| gate | its own head, from {card.gate.threshold:.4f} on: {card.gate.rule} |"


def _rows_of_kind(card: ModelCard) -> str:
    """What it learnt from, and how."""
    training, classical = card.training, card.classical
    source = (
        f"{training['images']['train']} images, layout {training['data_layout']}, "
        f"{training['labels']}"
    )
    how = f"recipe {training['recipe']}, seed {training['seed']}"
    if classical is not None:
        return (
            f"\n| learnt from | {source} |"
            f"\n| parameters | {_listed(card.arguments)} |"
            f"\n| chosen by | {classical.rule}, {len(classical.tried)} of "
            f"{classical.combinations} combinations tried |"
            f"\n| training | {how}, {training['minutes']} min |"
        )
    return (
        f"{_tiling(card)}\n| trained on | {source}{_present(training['present_share'])} |"
        f"{_encoder(card)}\n| training | {how}, {training['patches']:,} patches, "
        f"{training['minutes']} min, {card.precision} |"
    )


def _search(card: ModelCard) -> str:
    """A table of all that was tried, best first, of a method without a network."""
    if card.classical is None:
        return ""
    best_first = sorted(card.classical.tried, key=lambda each: -each.score)
    rows = "".join(f"| {_listed(each.parameters)} | {each.score:.4f} |\n" for each in best_first)
    return (
        f"\n## Parameters that were tried\n\nScore: {card.classical.rule}.\n\n"
        f"| parameters | score |\n|---|---|\n{rows}"
    )


def _listed(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _tiling(card: ModelCard) -> str:
    """A row on what tiles change, where they do."""
    tiling = card.tiling
    if tiling is None:
        return ""
    measured = ""
    if tiling.largest_difference is not None:
        measured = (
            f"; on one validation image in tiles of {tiling.tile_px} px probability differs by "
            f"{tiling.mean_difference:.2g} on average and {tiling.largest_difference:.2g} at most"
        )
    return f"\n| large images | {tiling.reason}{measured} |"


def _present(share: float | None) -> str:
    return "" if share is None else f", {share:.1%} present"


def _encoder(card: ModelCard) -> str:
    """Rows on where an encoder began and how images enter it, where the network has one."""
    weights, rule = card.training["encoder_weights"], card.training["grey_rule"]
    if weights is None:
        return ""
    note = card.training["colours_note"]
    said = rule if note is None else f"{rule}; {note}"
    return f"\n| encoder | {weights} |\n| colours | {said} |"


def size_of(card: ModelCard) -> str:
    """To which size images are brought."""
    preparation = card.preparation
    if preparation.size_px:
        return f"brought to {preparation.size_px[0]} x {preparation.size_px[1]} px"
    if preparation.longest_side_px:
        return f"longest side at most {preparation.longest_side_px} px"
    return "at native size"
