"""What is chosen on the validation split once a network has been trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from torch import nn

from delineate.core.progress import Progress, track
from delineate.inference.model_card import Depth, Gate, Threshold, Tiling
from delineate.metrics.operating_points import THRESHOLD_RULES
from delineate.metrics.thresholds import ARGMAX, best_dice_of_each
from delineate.recipe.recipe import Recipe
from delineate.training.validate import CLASSIFIER_METRICS, METRICS, Judged, scores_of
from delineate.workflows.chosen_threshold import best_threshold, stated, stated_each
from delineate.workflows.classifier_data import ClassifierCases
from delineate.workflows.own_gate import own_gate
from delineate.workflows.tiling import tiling_of
from delineate.workflows.training_data import ValidationCases

SEGMENTER_RULE = (
    "native size, inside the region of interest where there is one, Dice at 0.5, the mean over "
    "foreground classes"
)

# Shown of a classifier, by the metric; its loss is in the history.
CLASSIFIER_SCORES = {"roc_auc": "roc_auc", "accuracy_at_0.5": "accuracy"}
CLASSIFIER_RULE = "one verdict an image, accuracy at 0.5"


@dataclass(frozen=True)
class Validated:
    """Threshold and scores of a network on the validation split, and the rule of the scores.

    `depths` has a threshold for each depth that the network can be pruned to, if any; `tiling`
    says how much tiles change an image, None where they change nothing; `gate` is the network's own
    head for presence, where it has one and its threshold could be chosen.
    """

    threshold: Threshold
    scores: Mapping[str, float | None]
    rule: str
    depths: tuple[Depth, ...] = ()
    tiling: Tiling | None = None
    gate: Gate | None = None


def validated_segmenter(
    network: nn.Module, cases: ValidationCases, recipe: Recipe, progress: Progress
) -> Validated:
    """The best threshold of the whole network, and of each shallower one that is in it."""
    whole, scores = _threshold_and_scores(network, cases, recipe, progress)
    depths: list[Depth] = []
    for depth in range(1, depths_of(network) + 1):
        is_whole = depth == depths_of(network)
        shallower = network if is_whole else network.pruned(depth)  # type: ignore[operator] # depths_of says so
        threshold = whole
        if not is_whole:
            threshold = _threshold(shallower, cases, recipe, progress, f"threshold, depth {depth}")
        parameters = sum(each.numel() for each in shallower.parameters())
        depths.append(Depth(depth=depth, parameters=parameters, threshold=threshold))
    tiling = tiling_of(network, cases, recipe.predict)
    gate, presence = own_gate(network, cases, recipe, whole.cut, progress)
    return Validated(
        whole, scores | presence, _rule(SEGMENTER_RULE, recipe), tuple(depths), tiling, gate
    )


def validated_classifier(
    network: nn.Module, cases: ClassifierCases, recipe: Recipe, progress: Progress
) -> Validated:
    """The threshold that best tells images with something to find from those without."""
    judged = list(track(cases.judged(network, recipe.predict), "threshold", progress, len(cases)))
    choice = THRESHOLD_RULES[recipe.validation.threshold_rule](
        [probability for probability, is_present in judged if is_present],
        [probability for probability, is_present in judged if not is_present],
    )
    threshold = stated(choice, len(cases))
    scores = {name: CLASSIFIER_METRICS[each](judged) for name, each in CLASSIFIER_SCORES.items()}
    return Validated(threshold, scores, _rule(CLASSIFIER_RULE, recipe))


def depths_of(network: nn.Module) -> int:
    """To how many depths a network can be pruned; 0 where it cannot."""
    return int(getattr(network, "depths", 0))


def _rule(how: str, recipe: Recipe) -> str:
    """How scores were taken, and what else was chosen on the same cases."""
    chosen = "checkpoint and threshold were" if recipe.train.keep == "best" else "threshold was"
    return f"{how}; the split on which the {chosen} chosen, so better than on new images"


def _threshold_and_scores(
    network: nn.Module, cases: ValidationCases, recipe: Recipe, progress: Progress
) -> tuple[Threshold, dict[str, float | None]]:
    """Only what a threshold is chosen on is kept: all probabilities, unless the likeliest wins."""
    seen = track(cases.judged(network, recipe.predict), "threshold", progress, len(cases))
    scored = partial(scores_of, METRICS, is_overlapping=cases.is_overlapping)
    if _has_softmax(cases):
        return stated(ARGMAX, len(cases)), scored(seen)
    judged = list(seen)
    return _chosen(judged, cases, recipe.validation.metric), scored(judged)


def _threshold(
    network: nn.Module, cases: ValidationCases, recipe: Recipe, progress: Progress, name: str
) -> Threshold:
    if _has_softmax(cases):
        return stated(ARGMAX, len(cases))
    judged = list(track(cases.judged(network, recipe.predict), name, progress, len(cases)))
    return _chosen(judged, cases, recipe.validation.metric)


def _has_softmax(cases: ValidationCases) -> bool:
    return len(cases.classes) > 2 and not cases.is_overlapping


def _chosen(judged: list[Judged], cases: ValidationCases, metric: str) -> Threshold:
    if not cases.is_overlapping:
        return best_threshold(judged, metric)
    probabilities, labels = (list(each) for each in zip(*judged, strict=True))
    each = best_dice_of_each(probabilities, labels, pooled=metric != "mean_dice")
    return stated_each(each, [one.name for one in cases.classes[1:]], len(cases))
