"""A segmenter's own head as its gate, whose threshold is chosen on the validation split."""

from __future__ import annotations

from torch import nn

from delineate.core.progress import Progress, track
from delineate.inference.model_card import Gate
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.thresholds import Cut
from delineate.recipe.recipe import Recipe
from delineate.training.validate import JudgedImage
from delineate.workflows.chosen_threshold import VALIDATION_SPLIT
from delineate.workflows.head_gate import (
    RANKING,
    foreground_dice,
    head_gate,
    outcomes_of,
    ranking_of,
)
from delineate.workflows.training_data import ValidationCases


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
        dice.append(foreground_dice(found, labels))
    presence, is_positive = zip(*heard, strict=True)
    outcomes = outcomes_of(dice, is_positive, presence)
    score = {RANKING: ranking_of(outcomes)}
    if score[RANKING] is None:
        return None, score
    gate, _ = head_gate(outcomes, VALIDATION_SPLIT)
    return gate, score
