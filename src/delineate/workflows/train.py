"""From a folder to a run that ends in a model: a network's, or that of a method without one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.models.settings import IMAGENET, RANDOM, SEGMENTER
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.planner import PLANNED
from delineate.recipe.recipe import Recipe, load_recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.training.budget import Clock
from delineate.workflows.plan import begun_with_plan
from delineate.workflows.run_folder import RECIPE, RUN, read_run
from delineate.workflows.starting import AskedData, with_whole_paths
from delineate.workflows.train_classical import require_no_network, train_classical
from delineate.workflows.train_result import TrainResult


def train(
    source: Path | str,
    out: Path | str,
    *,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    encoder_weights: str | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    folds: int | None = None,
    seeds: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    labels: Path | str | None = None,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    overlapping: bool = False,
    accept: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a recipe on a folder and write a run folder that ends in a model.

    The data's own split is used where it has one; subjects of its training part are held
    out for validation where it names none. Data without a split is split by subject,
    for which all masks are read; of a test split none is, and its images only to look for copies
    of training images. Copies of one picture stay on one side. Subjects, files and copies in
    several stated splits are an error unless `allow_leakage`. `review` is an audit's folder or
    log, whose decisions are applied; the run keeps a copy of it. `encoder_weights` says where a
    network with a named encoder starts: "imagenet", a file, or "random". A recipe that is to
    classify takes as label whether a mask holds any foreground, or the `labels` of a CSV with id
    and label. Without a `recipe`, or with "planned", one is planned on the training part, and the
    run keeps its reasons. `overlapping` declares that a pixel may belong to several classes.
    `minutes` covers everything from this call to the written model. A resumed run takes its recipe,
    split, review, seed, precision and threads from the run folder.

    With `folds` all images but those for test are parted by subject, the recipe is trained once
    for each part on the others, and the model is the mean of all; with `seeds` so often each.
    `epochs` and `steps` are then those of each training, `minutes` those of all together. See
    `delineate.workflows.train_folds`.

    Before anything is written a preflight looks whether the training can come to anything, and
    stops it at the first finding whose name is not in `accept`. With `dry_run` that is all; the
    result is then a `DryRun`, whose document is that of the preflight.

    Raises:
        PreflightError: something is off with data or settings; see `delineate.workflows.preflight`.
        LeakageError: a subject, a file or copies of one picture in several splits.
        DelineateError: data, recipe or output folder that cannot be used; nothing is lost.
    """
    clock = Clock()
    out = Path(out)
    if subjects is not None and Path(subjects).is_file():
        subjects = str(Path(subjects).resolve())
    asked = AskedData(
        source,
        layout=layout,
        masks=with_whole_paths(masks),
        subjects=subjects,
        split_file=split_file,
        review=None if review is None else Path(review),
        allow_leakage=allow_leakage,
        labels=None if labels is None else Path(labels),
        overlapping=overlapping,
    )
    is_resumed = resume and (out / RUN).is_file()
    if not is_resumed and (folds is not None or seeds is not None):
        from delineate.workflows.starting_folds import require_counts

        require_counts(folds, seeds)  # before a plan reads the data, or a dry run forgets them
    has_members = _has_members(out, is_resumed, folds, seeds)
    every_change = (*changes, *_encoder_change(encoder_weights))
    with ExitStack() as temporary:  # holds the data that a plan was made on
        data, planned = None, None
        if is_resumed:
            plan = load_recipe(str(out / RECIPE))
        elif recipe is None or recipe == PLANNED:
            data, planned = temporary.enter_context(
                begun_with_plan(
                    asked,
                    changes=every_change,
                    minutes=minutes and minutes / ((folds or 1) * (seeds or 1)),
                    seed=seed or 0,
                    device=device,
                    threads=threads,
                    progress=progress,
                )
            )
            plan = planned.recipe
        else:
            plan = load_recipe(recipe, every_change)
        if isinstance(plan, ClassicalRecipe):
            require_no_network(
                plan,
                {
                    "--resume": resume and not has_members,
                    "--epochs": epochs,
                    "--steps": steps,
                    "--device": None if device == "cpu" else device,
                },
            )
            if dry_run or not has_members:
                return train_classical(
                    plan,
                    asked,
                    out,
                    clock=clock,
                    recipe=recipe,
                    minutes=minutes,
                    overwrite=overwrite,
                    seed=seed or 0,
                    threads=threads,
                    accepted=accept,
                    is_dry_run=dry_run,
                    progress=progress,
                )
        if dry_run and not isinstance(plan, ClassicalRecipe):
            from delineate.workflows.dry_run import dry_run as work

            return work(
                plan,
                asked,
                out,
                clock=clock,
                folds=folds,
                seeds=seeds,
                minutes=minutes,
                epochs=epochs,
                steps=steps,
                resume=resume,
                seed=seed,
                device=device,
                threads=threads,
                begun_data=data,
                accepted=accept,
                progress=progress,
            )
        _require_own_start(plan)
        if isinstance(plan, TwoStageRecipe):
            from delineate.workflows.train_two_stage import train_two_stage

            return train_two_stage(
                plan,
                asked,
                out,
                clock=clock,
                folds=folds,
                seeds=seeds,
                recipe=recipe,
                changes=every_change,
                minutes=minutes,
                epochs=epochs,
                steps=steps,
                resume=resume,
                overwrite=overwrite,
                seed=seed,
                device=device,
                threads=threads,
                accepted=accept,
                progress=progress,
            )
        if has_members:
            from delineate.workflows.train_folds import train_folds

            return train_folds(
                plan,
                asked,
                out,
                clock=clock,
                folds=folds,
                seeds=seeds,
                recipe=recipe,
                changes=every_change,
                planned=planned,
                minutes=minutes,
                epochs=epochs,
                steps=steps,
                resume=resume,
                overwrite=overwrite,
                seed=seed,
                device=device,
                threads=threads,
                accepted=accept,
                progress=progress,
            )
        assert isinstance(plan, Recipe)  # every other kind was trained above
        from delineate.workflows.train_network import train_network

        return train_network(
            plan,
            asked,
            out,
            clock=clock,
            recipe=recipe,
            changes=changes,
            encoder_weights=encoder_weights,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            resume=resume,
            overwrite=overwrite,
            seed=seed,
            device=device,
            threads=threads,
            begun_data=data,
            planned=planned,
            accepted=accept,
            progress=progress,
        )


def _has_members(out: Path, is_resumed: bool, folds: int | None, seeds: int | None) -> bool:
    """Whether several trainings make one model: as it is asked for, or was when it was begun."""
    if is_resumed:
        facts = read_run(out)
        folds, seeds = folds or facts.folds, seeds or facts.seeds
    return folds is not None or seeds not in (None, 1)


def _require_own_start(plan: Recipe | ClassicalRecipe | TwoStageRecipe) -> None:
    """Refuse a network alone that is to start from the segmenter of two stages."""
    if isinstance(plan, Recipe) and plan.model.encoder_weights == SEGMENTER:
        raise SettingsError(
            f"model.encoder_weights: '{SEGMENTER}' is for the gate of a recipe of two stages, and "
            f"'{plan.name}' is one network; give imagenet, a file, or random"
        )


def _encoder_change(weights: str | None) -> tuple[str, ...]:
    """The setting of a recipe that says where the encoder starts, a file by its whole path."""
    if weights is None:
        return ()
    is_word = weights in (IMAGENET, RANDOM)
    return (f"model.encoder_weights={weights if is_word else Path(weights).resolve()}",)
