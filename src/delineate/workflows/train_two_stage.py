"""A gate and a segmenter from a folder to one model, cut together on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from delineate.core.errors import LayoutError, SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.data.sample import TRAIN, Dataset
from delineate.files.image_files import image_size
from delineate.files.writing import write_json
from delineate.inference.composing import write_composed
from delineate.inference.model_folder import CARD, read_card
from delineate.losses.catalogue import weighted_sum
from delineate.recipe.network_recipe import Recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.training.budget import Clock
from delineate.workflows.composed_page import composed_page
from delineate.workflows.members import as_member
from delineate.workflows.operating import Operated, operated
from delineate.workflows.out_of_fold import OUT_OF_FOLD, TABLE, OutOfFold, read_out_of_fold
from delineate.workflows.run_folder import RUN, SPLIT
from delineate.workflows.starting import AskedData
from delineate.workflows.starting_folds import Started, started
from delineate.workflows.train_folds import train_folds
from delineate.workflows.train_result import TrainResult
from delineate.workflows.training_data import require_start
from delineate.workflows.two_stage_card import GATE, SEGMENTER, operating_document, two_stage_card

OPERATING, SCHEMA = "operating.json", "operating"
# Seconds kept of a budget of minutes for the model, and for each pixel on which thresholds are
# tried: an image with one object took 0.04 to 0.12 us a pixel, one full of noise 0.6.
_WRITING_S, _S_PER_PX = 5.0, 2e-7
_SIZES = 20


def train_two_stage(
    plan: TwoStageRecipe,
    asked: AskedData,
    out: Path,
    *,
    clock: Clock,
    folds: int | None = None,
    seeds: int | None = None,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    accepted: Sequence[str] = (),
    progress: Progress = SILENT,
) -> TrainResult:
    """Train both stages over the same folds by subject, and choose together where they are cut.

    The stages lie in `gate` and `segmenter`, runs over folds of their own. `folds` and `seeds`
    replace those of the recipe. `minutes` is for everything, in the shares that the recipe says;
    `epochs` and `steps` are for each single training.

    Raises:
        DelineateError: data, recipe or output folder that cannot be used; nothing is lost.
    """
    require_masks_alone(asked)
    is_taken_up = resume and (out / RUN).is_file()
    if is_taken_up and (recipe or changes):
        raise SettingsError(
            "--resume: recipe and settings come from the run folder; leave --recipe, --set and "
            "--encoder-weights out, or start anew with --overwrite"
        )
    if not is_taken_up:
        plan = _as_asked(plan, folds=folds, seeds=seeds, epochs=epochs)
        for stage in (plan.gate, plan.segmenter):
            require_start(stage)
            weighted_sum(stage.loss, task=stage.task)  # refuses a loss before the data is read
    run = started(
        plan.segmenter,
        asked,
        out,
        folds=folds or plan.folds.count,
        seeds=seeds or plan.folds.seeds,
        assignment=None,
        recipe=recipe,
        whole=plan,
        minutes=minutes,
        epochs=epochs,
        steps=steps,
        resume=resume,
        overwrite=overwrite,
        seed=seed,
        device=device,
        threads=threads,
        require=require_one_foreground,
        accepted=accepted,
        progress=progress,
    )
    shares = _Shares(run, plan, clock, is_taken_up=is_taken_up)
    said = {
        name: _trained(name, plan, run, shares.minutes_of(name), progress) for name in _order(plan)
    }
    chosen = operated(run.parts.dataset, said[GATE], said[SEGMENTER], plan.operating, progress)
    write_json(out / OPERATING, operating_document(plan, chosen, run.facts), schema=SCHEMA)
    card = two_stage_card(plan, run, chosen)
    # The model comes last: a run that holds one is whole.
    write_composed(
        out / "model",
        card,
        members={SEGMENTER: out / SEGMENTER},
        gate=out / GATE,
        page=composed_page(card, {name: read_card(out / name) for name in (GATE, SEGMENTER)}),
    )
    _tell(chosen, progress)
    return TrainResult(out, card.model_dump(mode="json"))


def _order(plan: TwoStageRecipe) -> tuple[str, str]:
    """The gate first, unless it begins with what the segmenter has learnt."""
    return (SEGMENTER, GATE) if plan.starts_gate_from_segmenter else (GATE, SEGMENTER)


def _trained(
    name: str, whole: TwoStageRecipe, run: Started, minutes: float | None, progress: Progress
) -> tuple[OutOfFold, ...]:
    """Train a stage, or go on with it, and return what it says of images that it never saw."""
    plan: Recipe = getattr(whole, name)
    folder, facts = run.folder / name, run.facts
    if not (folder / "model" / CARD).is_file():
        progress.say(f"{name}: {plan.name}")
        starts_from = run.folder / SEGMENTER
        is_begun = (folder / RUN).is_file()
        train_folds(
            plan,
            run.asked if is_begun else replace(run.asked, split_file=run.folder / SPLIT),
            folder,
            clock=Clock(),
            folds=facts.folds,
            seeds=facts.seeds,
            assignment=run.parts.folds,
            encoders=starts_from if name == GATE and whole.starts_gate_from_segmenter else None,
            minutes=None if is_begun else minutes,
            steps=facts.steps,
            resume=True,
            seed=facts.seed,
            device=facts.device,
            threads=facts.threads,
            accepted=facts.accepted,
            # Both had their preflight before anything was written.
            is_checked=True,
            progress=progress,
        )
    return read_out_of_fold(folder / OUT_OF_FOLD / TABLE, read_card(folder))


class _Shares:
    """How minutes are shared: something is kept for the choice, and the gate has its part."""

    def __init__(
        self, run: Started, plan: TwoStageRecipe, clock: Clock, *, is_taken_up: bool
    ) -> None:
        self._minutes, self._clock, self._is_taken_up = run.facts.minutes, clock, is_taken_up
        self._first, _ = _order(plan)
        gate = plan.budget.gate_share
        self._shares = {GATE: gate, SEGMENTER: 1 - gate}
        self._kept_s = _kept_s(run.parts.dataset.only(TRAIN))  # thresholds are chosen on no other

    def minutes_of(self, name: str) -> float | None:
        """Its share of the first stage, of the second those that are left; None without a budget.

        Where the first was trained before an interruption, the second too has its share.
        """
        if self._minutes is None:
            return None
        is_rest = name != self._first and not self._is_taken_up
        share = 1.0 if is_rest else self._shares[name]
        return max(self._left_s() * share, 1.0) / 60

    def _left_s(self) -> float:
        assert self._minutes is not None  # asked before
        used_s = 0.0 if self._is_taken_up else self._clock.elapsed_s()
        return 60 * self._minutes - used_s - self._kept_s


def _kept_s(dataset: Dataset) -> float:
    """Seconds for the choice of thresholds, by the size of some images."""
    some = dataset.samples[:: max(1, -(-len(dataset.samples) // _SIZES))]
    sizes = [float(np.prod(image_size(sample.image))) for sample in some]
    return _WRITING_S + _S_PER_PX * float(np.mean(sizes)) * len(dataset.samples)


def _as_asked(
    plan: TwoStageRecipe, *, folds: int | None, seeds: int | None, epochs: int | None
) -> TwoStageRecipe:
    """The recipe with what options replace, as it is written into the run."""
    given = {"count": folds, "seeds": seeds}
    settled = plan.folds.model_copy(update={k: v for k, v in given.items() if v is not None})
    stages = {GATE: plan.gate, SEGMENTER: plan.segmenter}
    update = {
        name: as_member(_for_epochs(stage, epochs), is_folded=True)
        for name, stage in stages.items()
    }
    return plan.model_copy(update={"folds": settled, **update})


def _for_epochs(plan: Recipe, epochs: int | None) -> Recipe:
    if epochs is None:
        return plan
    return plan.model_copy(update={"train": plan.train.model_copy(update={"epochs": epochs})})


def require_masks_alone(asked: AskedData) -> None:
    """Refuse a table of image labels: the gate learns whether a mask holds anything."""
    if asked.labels is not None:
        raise SettingsError(
            f"--labels {asked.labels}: the gate of two stages learns from the masks whether there "
            "is anything to find; leave the option out"
        )


def require_one_foreground(dataset: Dataset) -> None:
    """Refuse several classes, whose masks are not cut by one threshold."""
    if len(dataset.classes) != 2 or dataset.is_overlapping:
        names = ", ".join(each.name for each in dataset.classes[1:])
        raise LayoutError(
            f"{dataset.root}: expected one class beside the background for two stages, found "
            f"{len(dataset.classes) - 1} ({names}); make them one with --masks, or train a recipe "
            "of one network"
        )


def _tell(chosen: tuple[Operated, ...], progress: Progress) -> None:
    for each in chosen:
        found = each.cross_fitted
        progress.say(
            f"{each.name}: Kaggle Dice {found.kaggle_dice:.4f}, {found.share_segmented:.0%} of the "
            "images segmented (out of fold, each fold cut at what was chosen on the others)"
        )
