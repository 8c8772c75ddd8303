"""The members' own heads as the gate of their mean, cut on what they never learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE
from delineate.data.sample import Dataset
from delineate.inference.model_card import Gate, OperatingPoint
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.joint_choice import Outcomes
from delineate.metrics.thresholds import Cut
from delineate.workflows.chosen_threshold import VALIDATION_SPLIT
from delineate.workflows.head_gate import (
    EMPTY_RULE,
    MEAN_DICE,
    best_point,
    foreground_dice,
    head_gate,
    mean_dice,
    outcomes_of,
    ranking_of,
)
from delineate.workflows.held_out_scores import OUT_OF_FOLD, HeldOutScores
from delineate.workflows.labelled_data import labelled_image
from delineate.workflows.out_of_fold import OutOfFold


@dataclass(frozen=True)
class MeanDice:
    """The mean Dice of images where masks are cut, and of each fold at what the others chose.

    `cross_fitted` is None without folds.
    """

    value: float
    cross_fitted: float | None


@dataclass(frozen=True)
class HeldOutGate:
    """The gate, None where images of one kind are lacking, and what it is worth.

    `ranking` is the area under the ROC curve of the presence over images; `rule` says what both
    mean Dice are.
    """

    gate: Gate | None
    ranking: float | None
    with_gate: MeanDice | None
    without_gate: MeanDice
    rule: str

    @property
    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "threshold": None if self.gate is None else self.gate.threshold,
            "presence_roc_auc": self.ranking,
            "mean_dice": None if self.with_gate is None else self.with_gate.value,
            "cross_fitted_mean_dice": None
            if self.with_gate is None
            else self.with_gate.cross_fitted,
            "mean_dice_without": self.without_gate.value,
            "cross_fitted_mean_dice_without": self.without_gate.cross_fitted,
            "rule": self.rule,
        }

    def points(self, threshold: float, *, minimum_area_px: int) -> tuple[OperatingPoint, ...]:
        """As a card has them, masks cut at the threshold: with the gate first, then without."""
        said: list[tuple[Gate | None, MeanDice | None]] = [(None, self.without_gate)]
        if self.gate is not None:
            said.insert(0, (self.gate, self.with_gate))
        return tuple(
            OperatingPoint(
                gate=None if gate is None else gate.kind,
                gate_threshold=None if gate is None else gate.threshold,
                threshold=threshold,
                minimum_area_px=minimum_area_px,
                objective=self.rule,
                score=found.value,
                cross_fitted_score=found.cross_fitted,
            )
            for gate, found in said
            if found is not None
        )


def held_out_gate(
    cases: Sequence[OutOfFold],
    dataset: Dataset,
    scores: HeldOutScores,
    *,
    minimum_area_px: int,
    is_folded: bool,
    progress: Progress,
) -> HeldOutGate | None:
    """The mean presence as a gate for the highest mean Dice of images.

    None of members without a head. Masks are cut as the model cuts them; where a fold is judged
    by what the others chose, both the cut of its masks and that of its presence are theirs.

    Raises:
        DelineateError: a mask or a map that cannot be read.
    """
    presence = [case.presence for case in cases if case.presence is not None]
    if not cases or len(presence) < len(cases):
        return None
    cuts: tuple[Cut, ...] = tuple(dict.fromkeys((scores.threshold.cut, *scores.cuts.values())))
    dice, is_positive = _drawn(cases, dataset, cuts, minimum_area_px, progress)
    by_cut = {cut: outcomes_of(dice[:, at], is_positive, presence) for at, cut in enumerate(cuts)}
    whole = by_cut[scores.threshold.cut]
    ranking = ranking_of(whole)
    folds = np.array([case.fold for case in cases])
    where = OUT_OF_FOLD if is_folded else VALIDATION_SPLIT
    rule = f"{MEAN_DICE}, {EMPTY_RULE}; masks cut by {scores.threshold.rule}"
    without = MeanDice(float(dice[:, 0].mean(dtype=np.float64)), None)
    of_each = {fold: by_cut[cut] for fold, cut in scores.cuts.items()}
    if is_folded:
        without = replace(without, cross_fitted=_by_others(of_each, folds, is_gated=False))
    if ranking is None:
        return HeldOutGate(None, None, None, without, rule)
    gate, best = head_gate(whole, where)
    across = _by_others(of_each, folds, is_gated=True) if is_folded else None
    return HeldOutGate(gate, ranking, MeanDice(best, across), without, rule)


def _drawn(
    cases: Sequence[OutOfFold],
    dataset: Dataset,
    cuts: Sequence[Cut],
    minimum_area_px: int,
    progress: Progress,
) -> tuple[NDArray[np.float32], list[bool]]:
    """(cases, cuts) Dice of the masks, and whether there is something to find."""
    samples = {sample.id: sample for sample in dataset.samples}
    dice, is_positive = np.empty((len(cases), len(cuts)), np.float32), []
    for at, case in enumerate(track(cases, "threshold of the head", progress)):
        labels = labelled_image(dataset, samples[case.id])[1]
        probability = case.probability
        is_positive.append(bool(((labels > 0) & (labels != IGNORE)).any()))
        for place, cut in enumerate(cuts):
            found = labels_from_probability(
                probability, threshold=cut, minimum_area_px=minimum_area_px
            )
            dice[at, place] = foreground_dice(found, labels)
    return dice, is_positive


def _by_others(
    of_each: Mapping[int, Outcomes], folds: NDArray[np.int64], *, is_gated: bool
) -> float:
    """The mean Dice of all images, each fold at what the others chose for masks and gate."""
    total = 0.0
    for fold, outcomes in of_each.items():
        here = folds == fold
        point = best_point(outcomes.of(~here))
        point = point if is_gated else replace(point, gate_threshold=None)
        total += mean_dice(outcomes.of(here), point) * int(here.sum())
    return total / len(folds)
