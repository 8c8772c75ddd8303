"""Thresholds and scores of several members on what they never learnt from, fold by fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from delineate.core.overlapping import is_class
from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE, Labels
from delineate.data.sample import Dataset
from delineate.inference.model_card import Threshold
from delineate.metrics.cross_fitting import (
    GAINS,
    CrossFitted,
    LevelCounts,
    best_dice_cut,
    cross_fitted_dice,
    cross_fitted_verdicts,
)
from delineate.metrics.operating_points import THRESHOLD_RULES
from delineate.metrics.thresholds import ARGMAX, Cut
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import Recipe
from delineate.training.validate import CLASSIFIER_METRICS, METRICS, JudgedImage
from delineate.workflows.chosen_threshold import VALIDATION_SPLIT, stated, stated_each
from delineate.workflows.labelled_data import labelled_image
from delineate.workflows.out_of_fold import OutOfFold

OUT_OF_FOLD = "out-of-fold predictions"
Scores = dict[str, float | None]
# Of a classifier, by the metric.
VERDICT_SCORES = {"roc_auc": "roc_auc", "accuracy_at_0.5": "accuracy"}


@dataclass(frozen=True)
class HeldOutScores:
    """The threshold for new images, and what all members together reach.

    `cross_fitted` is the score of `threshold` where each fold is cut at `cuts`, what the other
    folds chose; None without folds, or where it has no value. `scores` are those of all images,
    `of_fold` those of each fold, at 0.5 or by the likeliest class.
    """

    threshold: Threshold
    cross_fitted: float | None
    cuts: Mapping[int, Cut]
    scores: Scores
    of_fold: Mapping[int, Scores]


def segmentation_scores(
    cases: Sequence[OutOfFold],
    dataset: Dataset,
    plan: Recipe | ClassicalRecipe,
    *,
    is_folded: bool,
    progress: Progress,
) -> HeldOutScores:
    """Choose where maps are cut, for the Dice that the recipe watches, over every threshold."""
    judged = _judged(cases, dataset, progress)
    if len(dataset.classes) > 2 and not dataset.is_overlapping:
        return _of_likeliest(judged, len(cases), is_folded=is_folded)
    pooled = plan.validation.metric != "mean_dice"
    counts = _counted(judged, dataset)
    channels = range(len(dataset.classes) - 1)
    fitted = [
        _fitted({fold: own[at] for fold, own in counts.items()}, pooled, is_folded=is_folded)
        for at in channels
    ]
    where = OUT_OF_FOLD if is_folded else VALIDATION_SPLIT
    choices = [each.choice for each in fitted]
    if dataset.is_overlapping:
        names = [one.name for one in dataset.classes[1:]]
        threshold = stated_each(choices, names, len(cases), where)
    else:
        threshold = stated(choices[0], len(cases), where)
    cuts: dict[int, Cut] = {
        fold: tuple(each.thresholds[fold] for each in fitted)
        if dataset.is_overlapping
        else fitted[0].thresholds[fold]
        for fold in counts
    }
    total = [sum((own[at] for own in counts.values()), LevelCounts()) for at in channels]
    return HeldOutScores(
        threshold,
        _mean([each.score for each in fitted]) if is_folded else None,
        cuts,
        _mean_scores(total),
        {fold: _mean_scores(own) for fold, own in counts.items()},
    )


def verdict_scores(
    cases: Sequence[OutOfFold], labels: Mapping[str, bool], plan: Recipe, *, is_folded: bool
) -> HeldOutScores:
    """Choose from which probability an image is called present, by the rule of the recipe."""
    name = plan.validation.threshold_rule
    seen: list[tuple[int, float, bool]] = [
        (each.fold, _presence(each), labels[each.id]) for each in cases
    ]
    fitted = cross_fitted_verdicts(seen, THRESHOLD_RULES[name], GAINS[name])
    if not is_folded:
        fitted = _of_all(fitted)
    where = OUT_OF_FOLD if is_folded else VALIDATION_SPLIT
    folds = sorted({each.fold for each in cases})
    return HeldOutScores(
        stated(fitted.choice, len(cases), where),
        fitted.score if is_folded else None,
        {fold: fitted.thresholds[fold] for fold in folds},
        _verdicts([(p, yes) for _, p, yes in seen]),
        {fold: _verdicts([(p, yes) for own, p, yes in seen if own == fold]) for fold in folds},
    )


def _judged(
    cases: Sequence[OutOfFold], dataset: Dataset, progress: Progress
) -> Iterator[tuple[OutOfFold, Labels]]:
    samples = {sample.id: sample for sample in dataset.samples}
    for case in track(cases, "threshold", progress):
        yield case, labelled_image(dataset, samples[case.id])[1]


def _counted(
    judged: Iterator[tuple[OutOfFold, Labels]], dataset: Dataset
) -> dict[int, list[LevelCounts]]:
    """Fold -> the pixels of its images at each level, for each foreground class."""
    counts: dict[int, list[LevelCounts]] = {}
    for case, labels in judged:
        own = counts.setdefault(case.fold, [LevelCounts() for _ in dataset.classes[1:]])
        for index, (channel, one) in enumerate(zip(case.probability, own, strict=True), start=1):
            is_true = is_class(labels, index, is_overlapping=dataset.is_overlapping)
            one.add(channel, is_true, labels != IGNORE)
    return counts


def _fitted(counts: dict[int, LevelCounts], pooled: bool, *, is_folded: bool) -> CrossFitted:
    if is_folded:
        return cross_fitted_dice(counts, pooled=pooled)
    (fold, only), *_ = counts.items()
    return _of_all(CrossFitted(best_dice_cut(only, pooled=pooled), {fold: 0.0}, None))


def _of_all(fitted: CrossFitted) -> CrossFitted:
    """The same without folds: everything is cut at what was chosen on it."""
    threshold = fitted.choice.threshold
    assert threshold is not None  # of one channel, and of verdicts, there is always one
    return replace(fitted, thresholds=dict.fromkeys(fitted.thresholds, threshold), score=None)


def _of_likeliest(
    judged: Iterator[tuple[OutOfFold, Labels]], images: int, *, is_folded: bool
) -> HeldOutScores:
    """Where each pixel takes the likeliest class nothing is chosen."""
    seen: dict[int, dict[str, list[object]]] = {}
    for case, labels in judged:
        probability = case.probability
        own = seen.setdefault(case.fold, {name: [] for name in METRICS})
        for name, metric in METRICS.items():
            own[name].append(metric.of_case(probability, labels, False))
    every = {name: [one for own in seen.values() for one in own[name]] for name in METRICS}
    return HeldOutScores(
        stated(ARGMAX, images, OUT_OF_FOLD if is_folded else VALIDATION_SPLIT),
        None,
        dict.fromkeys(seen),
        {name: METRICS[name].joined(every[name]) for name in METRICS},
        {
            fold: {name: METRICS[name].joined(own[name]) for name in METRICS}
            for fold, own in seen.items()
        },
    )


def _mean_scores(counts: Sequence[LevelCounts]) -> Scores:
    each = [one.scores() for one in counts]
    return {name: _mean([scores[name] for scores in each]) for name in METRICS}


def _verdicts(judged: list[JudgedImage]) -> Scores:
    return {name: CLASSIFIER_METRICS[each](judged) for name, each in VERDICT_SCORES.items()}


def _presence(case: OutOfFold) -> float:
    assert case.presence is not None  # a classifier always says it
    return case.presence


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of the values there are; None where there is none."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
