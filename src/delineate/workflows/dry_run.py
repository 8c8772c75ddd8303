"""What a training would be, without one: the preflight alone, and nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.recipe.network_recipe import Recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.workflows.preflight import DryRun
from delineate.workflows.starting import AskedData
from delineate.workflows.train_network import train_network


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

    Of two stages it is that of the segmenter, which takes the longer; over folds and seeds
    `minutes` are shared among the trainings.

    Raises:
        DelineateError: as of `delineate.workflows.train.train`.
    """
    trainings = (folds or 1) * (seeds or 1)
    if isinstance(plan, TwoStageRecipe):
        trainings = (folds or plan.folds.count) * (seeds or plan.folds.seeds)
        minutes = minutes and minutes * (1 - plan.budget.gate_share)
        plan = plan.segmenter
    if options.get("resume"):
        raise SettingsError(
            "--dry-run: nothing is written, and --resume goes on with a run; give one"
        )
    shared = minutes and minutes / trainings
    result = train_network(plan, asked, out, minutes=shared, is_dry_run=True, **options)
    assert isinstance(result, DryRun)  # what a dry run returns
    return result
