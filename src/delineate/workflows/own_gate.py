"""A segmenter's own head as its gate, whose threshold is chosen on the validation split."""

from __future__ import annotations

import numpy as np
from torch import nn

from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE, Labels
from delineate.data.listing import counted
from delineate.inference.model_card import Gate
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.joint_choice import Outcomes, choose, reached
from delineate.metrics.mask_grid import MaskGrid, dice_on_grid
from delineate.metrics.operating_settings import OperatingSettings
from delineate.metrics.ranking import roc_auc
from delineate.metrics.thresholds import Cut
from delineate.recipe.recipe import Recipe
from delineate.training.validate import JudgedImage
from delineate.workflows.training_data import ValidationCases

# Masks are cut already when they come here; one place in the grid is all there is.
_CUT_ALREADY = MaskGrid((0.5,), (0,))


def own_gate(
    network: nn.Module, cases: ValidationCases, recipe: Recipe, cut: Cut, progress: Progress
) -> tuple[Gate | None, dict[str, float | None]]:
    """The head as a gate for the highest mean Dice of images, and how it ranks them.

    Nothing of a network without a head. Where images of both kinds are not there, there is nothing
    to choose a threshold on, and no gate.
    """
    if not cases.has_presence_head:
        return None, {}
    heard: list[JudgedImage] = []
    dice: list[float] = []
    judged = cases.judged(network, recipe.predict, heard)
    for probability, labels in track(judged, "threshold of the head", progress, len(cases)):
        found = labels_from_probability(
            probability, threshold=cut, minimum_area_px=recipe.predict.minimum_area_px
        )
        dice.append(_foreground_dice(found, labels))
    presence, is_positive = (np.array(each) for each in zip(*heard, strict=True))
    area = roc_auc(presence[is_positive], presence[~is_positive]).value
    score = {"presence_roc_auc": area}
    if area is None:
        return None, score
    settings = OperatingSettings()
    outcomes = Outcomes(
        _CUT_ALREADY,
        np.array(dice, np.float32)[:, None, None],
        is_positive,
        presence.astype(np.float64),
        always_segments=True,
    )
    point = choose(outcomes, settings)
    assert point.gate_threshold is not None  # there is a gate
    best = reached(outcomes, point, settings.costs).kaggle_dice
    rule = (
        f"highest mean Dice of the images, {best:.3f}, where nothing is and nothing is drawn "
        f"counting 1 (validation split, {counted(len(cases), 'image')})"
    )
    return Gate(kind="head", threshold=point.gate_threshold, rule=rule), score


def _foreground_dice(found: Labels, truth: Labels) -> float:
    """Dice of all foreground classes together; 1 where both are empty."""
    drawn = (found > 0).astype(np.float32)
    return float(dice_on_grid(drawn, truth > 0, truth != IGNORE, _CUT_ALREADY)[0, 0])
