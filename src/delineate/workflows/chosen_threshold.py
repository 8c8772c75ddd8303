"""Where a probability is cut, chosen on validation cases, whether a network says it or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from delineate.core.types import IGNORE
from delineate.data.listing import counted
from delineate.inference.model_card import Threshold
from delineate.metrics.thresholds import Choice, best_dice_threshold
from delineate.training.validate import Judged


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


def stated(choice: Choice, images: int) -> Threshold:
    """A choice as a model card has it, with how many images of the validation split it is of."""
    return Threshold(
        value=choice.threshold,
        chosen_on=f"validation split, {counted(images, 'image')}",
        rule=choice.rule,
        score=choice.score,
    )
