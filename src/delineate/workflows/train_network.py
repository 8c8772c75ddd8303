"""A network from a folder to a run: data, split, network, threshold, model folder, curves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream_seed
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.files.writing import new_folder, write_text
from delineate.inference.repeats import VIEWS
from delineate.inference.settings import Repeats
from delineate.inference.torch_segmenter import chosen_device
from delineate.losses.catalogue import weighted_sum
from delineate.models.encoder_weights import start_encoder
from delineate.recipe.recipe import Recipe
from delineate.training.budget import Clock, require_one_budget
from delineate.training.checkpoint import CHECKPOINTS, newest_checkpoint
from delineate.training.loop import Fitted, fit
from delineate.training.patches import steps_of_epoch
from delineate.training.precision import choose_precision
from delineate.workflows.curves import draw_curves
from delineate.workflows.inputs import inputs_of
from delineate.workflows.labelled_data import (
    data_digest,
    fitted_preparation,
    has_dark_surround,
    labels_origin,
)
from delineate.workflows.learning import built_network, learning, require_fitting_patches
from delineate.workflows.model_writing import write_model
from delineate.workflows.plan import Planned, write_recipe
from delineate.workflows.preflight import Preflight, preflight_data
from delineate.workflows.preflight_network import preflight_network
from delineate.workflows.run_folder import (
    LABELS,
    RUN,
    SPLIT,
    RunFacts,
    read_run,
    require_same,
    write_run,
)
from delineate.workflows.starting import (
    AskedData,
    TrainingData,
    begun,
    require_labels_fit,
    taken_up,
)
from delineate.workflows.train_result import TrainResult
from delineate.workflows.training_data import (
    colours_note,
    encoder_colours,
    require_start,
)
from delineate.workflows.validated import depths_of

# Seconds kept for writing the model and drawing the curves, and how much slower than the
# slowest validation so far each of the final passes may be.
_WRITING_S, _SLACK = 8.0, 1.3


def train_network(
    plan: Recipe,
    asked: AskedData,
    out: Path,
    *,
    clock: Clock,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    encoder_weights: str | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    begun_data: TrainingData | None = None,
    planned: Planned | None = None,
    accepted: Sequence[str] = (),
    is_checked: bool = False,
    is_dry_run: bool = False,
    progress: Progress = SILENT,
) -> TrainResult:
    """Train the network of a recipe; see `delineate.workflows.train.train`.

    `begun_data` is the data where it was read and parted before; `planned` the plan that the
    recipe comes from, whose reasons the run keeps. A training among several `is_checked` with all
    of them, and has no preflight of its own.
    """
    is_resumed = resume and (out / RUN).is_file()
    report: Preflight | None = None
    with ExitStack() as temporary:  # holds the decided masks until the run has its folder
        if is_resumed:
            if recipe or changes or encoder_weights or epochs or asked.split_file or asked.labels:
                raise SettingsError(
                    "--resume: recipe, settings, epochs, split and labels come from the run "
                    "folder; leave --recipe, --set, --encoder-weights, --epochs, --split-file and "
                    "--labels out, or start anew with --overwrite"
                )
            if accepted or is_dry_run:
                raise SettingsError(
                    "--resume: this run had its preflight; leave --accept and --dry-run out, or "
                    "start anew with --overwrite"
                )
            facts = read_run(out)
            same: dict[str, Any] = {
                "layout": asked.layout,
                "masks": asked.masks,
                "subjects": asked.subjects,
                "seed": seed,
            }
            same |= {"device": device, "threads": threads, "minutes": minutes, "steps": steps}
            same |= {"review": asked.resolved_review, "overlapping": asked.overlapping or None}
            require_same(facts, same)
            is_started = newest_checkpoint(out / CHECKPOINTS) is not None
            if not is_started:
                require_start(plan)
            data = begun_data or taken_up(
                asked.source, out, facts, task=plan.task, progress=progress
            )
            chosen_device(facts.device)
            colours = facts.encoder_colours
        else:
            is_started = False
            require_start(plan)
            require_labels_fit(plan.task, asked.labels)
            weighted_sum(plan.loss, task=plan.task)  # refuses a loss before the data is read
            colours = encoder_colours(plan)
            require_one_budget(minutes, epochs, steps)
            seed = 0 if seed is None else seed
            data = begun_data or temporary.enter_context(
                begun(
                    asked,
                    task=plan.task,
                    fraction=plan.validation.fraction,
                    seed=seed,
                    progress=progress,
                )
            )
            if not is_checked:
                report = preflight_data(data, accepted=accepted, progress=progress)
            if minutes is None and steps is None:
                per_epoch = steps_of_epoch(
                    len(data.dataset.only(TRAIN).samples), plan.patches, plan.train.batch
                )
                steps = (epochs or plan.train.epochs) * per_epoch
            device = chosen_device(device)
            precision, why = choose_precision(plan.train.precision, device)
            facts = RunFacts(
                data=str(Path(asked.source).resolve()),
                layout=asked.layout,
                masks=asked.masks,
                subjects=asked.subjects,
                seed=seed,
                device=device,
                threads=threads or torch.get_num_threads(),
                precision=precision,
                why_precision=why,
                minutes=minutes,
                steps=steps,
                split_origin=data.split_origin,
                data_sha256=data_digest(data.dataset, has_table=asked.labels is not None),
                review=asked.resolved_review,
                allow_leakage=asked.allow_leakage,
                labels=None if asked.labels is None else str(asked.labels.resolve()),
                overlapping=asked.overlapping,
                encoder_colours=colours,
                accepted=tuple(accepted),
            )
        preparation = fitted_preparation(
            data.dataset.only(TRAIN), plan.prepare, progress, encoder=colours
        )
        torch.set_num_threads(facts.threads)
        torch.manual_seed(stream_seed(facts.seed, "weights"))
        network = built_network(plan, data.dataset, preparation)
        require_fitting_patches(plan.patches.size_px, network)
        if not is_started:
            started = start_encoder(network, plan.model.encoder_weights)
            if is_resumed:
                _require_same_start(plan, facts, started)
            note = colours_note(plan, preparation)
            facts = facts.model_copy(update={"encoder": started, "colours_note": note})
        depths = depths_of(network)

        if report is not None:
            report = preflight_network(
                report,
                plan,
                data,
                preparation,
                network,
                facts,
                is_forced=is_dry_run,
                progress=progress,
            )
            report.tell(progress)
            if is_dry_run:
                return report.as_result(out)
        if not is_resumed:
            new_folder(
                out,
                overwrite=overwrite,
                resume=resume,
                can_resume=True,
                inputs=inputs_of(data.dataset, *asked.files, recipe),
            )
            data = data.placed_in(out)
            write_recipe(out, plan, planned)
            data.write_split(out / SPLIT)
            if asked.labels is not None:
                write_text(out / LABELS, asked.labels.read_text(encoding="utf-8-sig"))
            write_run(out, facts, leaks=data.leak_document, review=data.decided.document)
            if report is not None:
                report.write(out)
    dataset = data.dataset
    task = learning(plan, dataset, preparation, network, facts)
    _announce(plan, facts, dataset, network, progress)

    is_dark_around = plan.task == "segment" and has_dark_surround(dataset.only(TRAIN))
    fitted = fit(
        network,
        task.feed,
        task.judge,
        task.loss,
        settings=plan.train,
        validation=plan.validation,
        budget=facts.budget,
        clock=clock,
        reserve_s=lambda slowest_s: _reserve_s(
            slowest_s, plan.predict.repeats, max(depths, 1) + plan.model.presence_head
        ),
        folder=out,
        seed=facts.seed,
        precision=facts.precision,
        device=facts.device,
        is_resumed=is_resumed,
        progress=progress,
    )
    _tell(fitted, progress)
    card = write_model(
        out / "model",
        fitted,
        dataset=dataset,
        preparation=preparation,
        recipe=plan,
        facts=facts,
        validated=task.validated(fitted.network, progress),
        is_dark_around=is_dark_around,
        elapsed_s=clock.elapsed_s,
    )
    draw_curves(out)
    progress.say(f"finished after {clock.elapsed_s() / 60:.1f} min")
    return TrainResult(out, card)


def _reserve_s(slowest_validation_s: float, repeats: Repeats, choices: int) -> float:
    """Seconds of a budget of minutes that belong to the work after the last step."""
    passes = 1 + len(VIEWS[repeats]) * choices
    return _WRITING_S + _SLACK * passes * slowest_validation_s


def _require_same_start(plan: Recipe, facts: RunFacts, started: str | None) -> None:
    """Refuse other weights than those that a run without a checkpoint yet began with."""
    if started != facts.encoder:
        raise SettingsError(
            f"{plan.model.encoder_weights}: this run was started with {facts.encoder}, and now "
            f"this is {started}; give the former weights, or start anew with --overwrite"
        )


def _announce(
    plan: Recipe, facts: RunFacts, dataset: Dataset, network: nn.Module, progress: Progress
) -> None:
    counts = {split: len(dataset.only(split).samples) for split in (TRAIN, VALIDATION)}
    parameters = sum(each.numel() for each in network.parameters())
    how_long = f"{facts.minutes:g} min" if facts.minutes is not None else f"{facts.steps} steps"
    progress.say(
        f"recipe {plan.name}: {plan.model.architecture}, {parameters:,} parameters; "
        f"{how_long}, seed {facts.seed}, {facts.threads} threads"
    )
    if facts.encoder is not None:
        progress.say(f"{facts.encoder}; {network.grey_rule}")
    if facts.colours_note:
        progress.say(f"note: {facts.colours_note}")
    progress.say(f"precision {facts.precision}: {facts.why_precision}")
    progress.say(
        f"{counts[TRAIN]} training and {counts[VALIDATION]} validation images, "
        f"{labels_origin(dataset, facts.labels)}, classes: "
        + ", ".join(each.name for each in dataset.classes)
    )


def _tell(fitted: Fitted, progress: Progress) -> None:
    facts = fitted.facts
    progress.say(
        f"{facts.step} steps ({fitted.why_stopped}); best validation score "
        f"{facts.best_score:.4f} at step {facts.best_step}"
    )
