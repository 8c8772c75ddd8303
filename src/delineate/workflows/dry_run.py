"""What a training would be, without one: the preflight alone, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.recipe.network_recipe import Recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.workflows.gate_data import gate_parts
from delineate.workflows.parted_data import parted
from delineate.workflows.preflight import DryRun
from delineate.workflows.starting import AskedData
from delineate.workflows.train_network import train_network
from delineate.workflows.train_two_stage import require_masks_alone, require_one_foreground


def dry_run(
    plan: Recipe | TwoStageRecipe,
    asked: AskedData,
    out: Path,
    *,
    folds: int | None,
    seeds: int | None,
    minutes: float | None,
    **options: Any,
) -> DryRun:
    """The preflight of one training, on the split of a training by itself.

    Of two stages both have theirs, the gate's under `gate`, on the first of their folds;
    over folds and seeds `minutes` are shared among the trainings.

    Raises:
        DelineateError: as of `delineate.workflows.train.train`.
    """
    if options.get("resume"):
        raise SettingsError(
            "--dry-run: nothing is written, and --resume goes on with a run; give one"
        )
    if not isinstance(plan, TwoStageRecipe):
        shared = minutes and minutes / ((folds or 1) * (seeds or 1))
        return _looked_at(plan, asked, out, minutes=shared, **options)
    require_masks_alone(asked)
    folds, seeds = folds or plan.folds.count, seeds or plan.folds.seeds
    shared = minutes and minutes / (folds * seeds)
    return _of_both(plan, asked, out, folds=folds, minutes=shared, **options)


def _of_both(
    plan: TwoStageRecipe,
    asked: AskedData,
    out: Path,
    *,
    folds: int,
    minutes: float | None,
    **options: Any,
) -> DryRun:
    """That of the segmenter's first training, and of the gate's on the same fold."""
    progress, share = options["progress"], plan.budget.gate_share
    how: dict[str, Any] = {"folds": folds, "assignment": None, "progress": progress}
    how |= {"fraction": plan.segmenter.validation.fraction, "seed": options["seed"] or 0}
    with parted(asked, task="segment", **how) as parts:
        require_one_foreground(parts.dataset)
        own = parts.of_fold(1)
        given = options | {"begun_data": own, "minutes": minutes and minutes * (1 - share)}
        segmenter = _looked_at(plan.segmenter, asked, out, **given)
        own = gate_parts(parts, progress).of_fold(1)
        given = options | {"begun_data": own, "minutes": minutes and minutes * share}
        gate = _looked_at(plan.gate, asked, out, **given)
    return replace(segmenter, document=segmenter.document | {"gate": gate.document})


def _looked_at(plan: Recipe, asked: AskedData, out: Path, **options: Any) -> DryRun:
    result = train_network(plan, asked, out, is_dry_run=True, **options)
    assert isinstance(result, DryRun)  # what a dry run returns
    return result
