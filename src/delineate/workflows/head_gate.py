"""A segmenter's own head as its gate: where it is cut, by what that makes of given masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from delineate.core.types import IGNORE, Labels
from delineate.data.listing import counted
from delineate.inference.model_card import Gate
from delineate.metrics.joint_choice import Outcomes, Point, choose, reached
from delineate.metrics.mask_grid import MaskGrid, dice_on_grid
from delineate.metrics.operating_settings import OperatingSettings
from delineate.metrics.ranking import roc_auc

# Masks are cut already when they come here; one place in the grid is all there is.
_CUT_ALREADY = MaskGrid((0.5,), (0,))
_SETTINGS = OperatingSettings()
# The name of the score that says how a head ranks images.
RANKING = "presence_roc_auc"
MEAN_DICE = "mean Dice of the images"
EMPTY_RULE = "where nothing is and nothing is drawn counting 1"


def outcomes_of(
    dice: ArrayLike, is_positive: Sequence[bool], presence: Sequence[float]
) -> Outcomes:
    """What is to choose on: of each image the Dice of its mask, and what the head said of it."""
    return Outcomes(
        _CUT_ALREADY,
        np.asarray(dice, np.float32)[:, None, None],
        np.array(is_positive, bool),
        np.array(presence, np.float64),
        always_segments=True,
    )


def ranking_of(outcomes: Outcomes) -> float | None:
    """The area under the ROC curve of the head; None without images of both kinds."""
    presence, is_positive = outcomes.presence, outcomes.is_positive
    assert presence is not None  # there is a head
    return roc_auc(presence[is_positive], presence[~is_positive]).value


def best_point(outcomes: Outcomes) -> Point:
    """Where the head is cut for the highest mean Dice of images."""
    return choose(outcomes, _SETTINGS)


def mean_dice(outcomes: Outcomes, point: Point) -> float:
    """What a point makes of images; one without true and drawn foreground counts 1."""
    return reached(outcomes, point, _SETTINGS.costs).kaggle_dice


def head_gate(outcomes: Outcomes, where: str) -> tuple[Gate, float]:
    """The head as a gate for the highest mean Dice of images, and the Dice that it reaches."""
    point = best_point(outcomes)
    assert point.gate_threshold is not None  # there is a head
    best = mean_dice(outcomes, point)
    rule = (
        f"highest {MEAN_DICE}, {best:.3f}, {EMPTY_RULE} "
        f"({where}, {counted(len(outcomes.dice), 'image')})"
    )
    return Gate(kind="head", threshold=point.gate_threshold, rule=rule), best


def foreground_dice(found: Labels, truth: Labels) -> float:
    """Dice of all foreground classes together; 1 where both are empty."""
    drawn = (found > 0).astype(np.float32)
    return float(dice_on_grid(drawn, truth > 0, truth != IGNORE, _CUT_ALREADY)[0, 0])
