"""What a training would be, without one: the preflight alone, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.recipe.network_recipe import Recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.workflows.gate_data import gate_data
from delineate.workflows.preflight import DryRun
from delineate.workflows.starting import AskedData, begun
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

    Of two stages both have theirs, the gate's under `gate`; over folds and seeds `minutes` are
    shared among the trainings.

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
    minutes = minutes and minutes / ((folds or plan.folds.count) * (seeds or plan.folds.seeds))
    return _of_both(plan, asked, out, minutes=minutes, **options)


def _of_both(
    plan: TwoStageRecipe, asked: AskedData, out: Path, *, minutes: float | None, **options: Any
) -> DryRun:
    """That of a training of the segmenter, and of the gate on the same images."""
    progress, seed = options["progress"], options["seed"] or 0
    fraction, share = plan.segmenter.validation.fraction, plan.budget.gate_share
    with begun(asked, task="segment", fraction=fraction, seed=seed, progress=progress) as data:
        require_one_foreground(data.dataset)
        given = options | {"begun_data": data, "minutes": minutes and minutes * (1 - share)}
        segmenter = _looked_at(plan.segmenter, asked, out, **given)
        own = gate_data(data, progress)
        given = options | {"begun_data": own, "minutes": minutes and minutes * share}
        gate = _looked_at(plan.gate, asked, out, **given)
    return replace(segmenter, document=segmenter.document | {"gate": gate.document})


def _looked_at(plan: Recipe, asked: AskedData, out: Path, **options: Any) -> DryRun:
    result = train_network(plan, asked, out, is_dry_run=True, **options)
    assert isinstance(result, DryRun)  # what a dry run returns
    return result
