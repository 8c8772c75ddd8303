"""What is chosen on the validation split once a network has been trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import nn

from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE
from delineate.data.listing import counted
from delineate.inference.model_card import Depth, Threshold, Tiling
from delineate.metrics.operating_points import THRESHOLD_RULES
from delineate.metrics.thresholds import ARGMAX, Choice, best_dice_threshold
from delineate.recipe.recipe import Recipe
from delineate.training.validate import CLASSIFIER_METRICS, METRICS, Judged
from delineate.workflows.classifier_data import ClassifierCases
from delineate.workflows.tiling import tiling_of
from delineate.workflows.training_data import ValidationCases

RULE = (
    "native size, inside the region of interest where there is one, Dice at 0.5, the mean over "
    "foreground classes; the split on which checkpoint and threshold were chosen, so better than "
    "on new images"
)

# Shown of a classifier, by the metric; its loss is in the history.
CLASSIFIER_SCORES = {"roc_auc": "roc_auc", "accuracy_at_0.5": "accuracy"}
CLASSIFIER_RULE = (
    "one verdict an image, accuracy at 0.5; the split on which checkpoint and threshold were "
    "chosen, so better than on new images"
)


@dataclass(frozen=True)
class Validated:
    """Threshold and scores of a network on the validation split, and the rule of the scores.

    `depths` has a threshold for each depth that the network can be pruned to, if any; `tiling`
    says how much tiles change an image, None where they change nothing.
    """

    threshold: Threshold
    scores: Mapping[str, float]
    rule: str
    depths: tuple[Depth, ...] = ()
    tiling: Tiling | None = None


def validated_segmenter(
    network: nn.Module, cases: ValidationCases, recipe: Recipe, progress: Progress
) -> Validated:
    """The best threshold of the whole network, and of each shallower one that is in it."""
    judged = list(track(cases.judged(network, recipe.predict), "threshold", progress, len(cases)))
    watched = recipe.validation.metric
    whole = _threshold(judged, watched, len(cases))
    scores = {name: metric(judged) for name, metric in METRICS.items()}
    depths: list[Depth] = []
    del judged
    for depth in range(1, depths_of(network) + 1):
        is_whole = depth == depths_of(network)
        shallower = network if is_whole else network.pruned(depth)  # type: ignore[operator] # depths_of says so
        threshold = whole
        if not is_whole:
            some = cases.judged(shallower, recipe.predict)
            every = list(track(some, f"threshold, depth {depth}", progress, len(cases)))
            threshold = _threshold(every, watched, len(cases))
        parameters = sum(each.numel() for each in shallower.parameters())
        depths.append(Depth(depth=depth, parameters=parameters, threshold=threshold))
    tiling = tiling_of(network, cases, recipe.predict)
    return Validated(whole, scores, RULE, tuple(depths), tiling)


def validated_classifier(
    network: nn.Module, cases: ClassifierCases, recipe: Recipe, progress: Progress
) -> Validated:
    """The threshold that best tells images with something to find from those without."""
    judged = list(track(cases.judged(network, recipe.predict), "threshold", progress, len(cases)))
    choice = THRESHOLD_RULES[recipe.validation.threshold_rule](
        [probability for probability, is_present in judged if is_present],
        [probability for probability, is_present in judged if not is_present],
    )
    threshold = _stated(choice, len(cases))
    scores = {name: CLASSIFIER_METRICS[each](judged) for name, each in CLASSIFIER_SCORES.items()}
    return Validated(threshold, scores, CLASSIFIER_RULE)


def depths_of(network: nn.Module) -> int:
    """To how many depths a network can be pruned; 0 where it cannot."""
    return int(getattr(network, "depths", 0))


def _threshold(judged: list[Judged], metric: str, count: int) -> Threshold:
    return _stated(_choice(judged, metric), count)


def _stated(choice: Choice, count: int) -> Threshold:
    return Threshold(
        value=choice.threshold,
        chosen_on=f"validation split, {counted(count, 'image')}",
        rule=choice.rule,
        score=choice.score,
    )


def _choice(judged: list[Judged], metric: str) -> Choice:
    if len(judged[0][0]) > 1:
        return ARGMAX
    return best_dice_threshold(
        [probability for probability, _ in judged],
        [(labels == 1).astype(np.uint8) for _, labels in judged],
        [labels != IGNORE for _, labels in judged],
        pooled=metric != "mean_dice",
    )
