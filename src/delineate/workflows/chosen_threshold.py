"""Where a probability is cut, chosen on validation cases, whether a network says it or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from delineate.core.types import IGNORE
from delineate.data.listing import counted
from delineate.inference.model_card import Threshold
from delineate.metrics.thresholds import FALLBACK, Choice, best_dice_threshold
from delineate.training.validate import Judged

VALIDATION_SPLIT = "validation split"


def best_threshold(judged: Sequence[Judged], metric: str) -> Threshold:
    """That of the highest Dice of the foreground of two classes, as the metric has it."""
    probabilities, labels = (list(each) for each in zip(*judged, strict=True))
    choice = best_dice_threshold(
        probabilities,
        [(one == 1).astype(np.uint8) for one in labels],
        [one != IGNORE for one in labels],
        pooled=metric != "mean_dice",
    )
    return stated(choice, len(judged))


def stated(choice: Choice, images: int, where: str = VALIDATION_SPLIT) -> Threshold:
    """A choice as a model card has it, with where its images are from and how many there are."""
    return Threshold(
        value=choice.threshold,
        chosen_on=_on(where, images),
        rule=choice.rule,
        score=choice.score,
    )


def stated_each(
    choices: Sequence[Choice], names: Sequence[str], images: int, where: str = VALIDATION_SPLIT
) -> Threshold:
    """One threshold for each class that may overlap, the mean of their scores, the rule of each."""
    rules: dict[str, list[str]] = {}
    for name, choice in zip(names, choices, strict=True):
        rules.setdefault(choice.rule, []).append(name)
    scores = [choice.score for choice in choices if choice.score is not None]
    return Threshold(
        value=None,
        values=tuple(FALLBACK if one.threshold is None else one.threshold for one in choices),
        chosen_on=_on(where, images),
        rule="one a class: "
        + "; ".join(f"{', '.join(own)}: {rule}" for rule, own in rules.items()),
        score=float(np.mean(scores)) if scores else None,
    )


def _on(where: str, images: int) -> str:
    return f"{where}, {counted(images, 'image')}"
