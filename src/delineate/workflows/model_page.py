"""The model card that people read."""

from __future__ import annotations

from delineate.inference.model_card import ModelCard

_KINDS = {"segment": "A segmentation model", "classify": "A classifier"}


def model_page(card: ModelCard) -> str:
    """`README.md` of a model folder, in Markdown."""
    training, threshold = card.training, card.threshold
    classes = ", ".join(f"{each.index} {each.name}" for each in card.classes)
    cut = (
        f"{threshold.value:.4f}, {threshold.rule} ({threshold.chosen_on})"
        if threshold.value is not None
        else f"none: {threshold.rule}"
    )
    outside = "background" if card.has_dark_surround else "not treated apart"
    scores = "\n".join(
        f"| {name.replace('_', ' ')} | {value:.4f} |"
        for name, value in card.validation["scores"].items()
    )
    return f"""# {card.name}

{_KINDS[card.task]} of {card.parameters:,} parameters ({card.architecture}),
trained with Delineate.

| | |
|---|---|
| classes | {classes} |
| input | {card.preparation.channels} channel(s), {_size(card)} |
| threshold | {cut} |
| outside the field of view | {outside} |{_tiling(card)}
| trained on | {training["images"]["train"]} images, layout {training["data_layout"]}, \
{training["labels"]}{_present(training["present_share"])} |{_encoder(card)}
| training | recipe {training["recipe"]}, seed {training["seed"]}, {training["patches"]:,} \
patches, {training["minutes"]} min, {card.precision} |
| machine | {training["machine"]["processor"]} |

## Scores on the validation split

| score | value |
|---|---|
{scores}

Rule: {card.validation["rule"]}. For figures on images that the model has not seen, run
`delineate evaluate`.

## Use

```
delineate predict {{this folder}} IMAGES --out DIR
```

## What it must not be used for

This model has seen one data set. It has not been shown to work on images of another device,
population or preparation, and it is no medical device: no decision about a person may rest on it.
"""


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


def _size(card: ModelCard) -> str:
    preparation = card.preparation
    if preparation.size_px:
        return f"brought to {preparation.size_px[0]} x {preparation.size_px[1]} px"
    if preparation.longest_side_px:
        return f"longest side at most {preparation.longest_side_px} px"
    return "at native size"
