"""How several trainings start: anew, or taken up where they were interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import Progress
from delineate.data.folding import require_count
from delineate.data.sample import Dataset
from delineate.files.writing import new_folder, write_text
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import Recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.training.budget import require_one_budget
from delineate.workflows.gate_data import gate_parts
from delineate.workflows.inputs import inputs_of
from delineate.workflows.labelled_data import data_digest
from delineate.workflows.members import as_member
from delineate.workflows.out_of_fold import require_own_names
from delineate.workflows.parted_data import PartedData, parted, parted_before
from delineate.workflows.plan import Planned, write_recipe
from delineate.workflows.preflight import Preflight, preflight_data
from delineate.workflows.run_folder import (
    LABELS,
    RUN,
    RunFacts,
    labels_of,
    read_run,
    require_same,
    review_of,
    write_run,
)
from delineate.workflows.starting import AskedData, require_labels_fit

MOST_SEEDS = 20

Plan = Recipe | ClassicalRecipe


@dataclass(frozen=True)
class Started:
    """A run of several trainings: its folder, the recipe of each, the data, and the facts.

    `asked` is the data by the run's own copies, so that a member that begins after an interruption
    begins like any other.
    """

    folder: Path
    source: Path | str
    plan: Plan
    parts: PartedData
    facts: RunFacts

    @property
    def asked(self) -> AskedData:
        """What each member is asked to learn from."""
        facts = self.facts
        return AskedData(
            self.source,
            layout=facts.layout,
            masks=facts.masks,
            subjects=facts.subjects,
            review=review_of(self.folder, facts),
            allow_leakage=facts.allow_leakage,
            labels=labels_of(self.folder, facts),
            overlapping=facts.overlapping,
        )


def started(
    plan: Plan,
    asked: AskedData,
    out: Path,
    *,
    folds: int | None,
    seeds: int | None,
    assignment: Mapping[str, int] | None,
    recipe: str | None,
    planned: Planned | None = None,
    minutes: float | None,
    epochs: int | None,
    steps: int | None,
    resume: bool,
    overwrite: bool,
    seed: int | None,
    device: str | None,
    threads: int | None,
    whole: TwoStageRecipe | None = None,
    require: Callable[[Dataset], None] | None = None,
    accepted: Sequence[str] = (),
    is_checked: bool = False,
    progress: Progress,
) -> Started:
    """The run folder with recipe, split, folds and facts, and the data as it was parted.

    The preflight of all trainings is made here, once, unless the data `is_checked`, and no
    finding but those `accepted` is passed over. `whole` is the recipe that the run keeps where the
    plan is but a part of it, `planned` what the recipe comes from; `require` refuses data that
    cannot be learnt from, before anything is written.

    Raises:
        DelineateError: data, recipe or output folder that cannot be used; nothing was written.
    """
    if resume and (out / RUN).is_file():
        if accepted and not is_checked:
            raise SettingsError(
                "--resume: this run had its preflight; leave --accept out, or start anew with "
                "--overwrite"
            )
        facts = read_run(out)
        _require_same(
            facts, asked, epochs, folds=folds, seeds=seeds, minutes=minutes, steps=steps, seed=seed,
            device=device, threads=threads,
        )  # fmt: skip
        parts = parted_before(asked.source, out, facts, task=plan.task, progress=progress)
        return Started(out, asked.source, plan, parts, facts)
    require_counts(folds, seeds)
    require_labels_fit(plan.task, asked.labels)
    require_one_budget(minutes, epochs, steps)
    seed = seed or 0
    with ExitStack() as temporary:  # holds the decided masks until the run has its folder
        parts = temporary.enter_context(
            parted(
                asked,
                task=plan.task,
                folds=folds,
                assignment=assignment,
                fraction=plan.validation.fraction,
                seed=seed,
                progress=progress,
            )
        )
        require_own_names(parts.dataset, parts.dataset.samples)
        if require is not None:
            require(parts.dataset)
        plan = as_member(_for_epochs(plan, epochs), is_folded=parts.is_folded)
        facts = RunFacts(
            data=str(Path(asked.source).resolve()),
            layout=asked.layout,
            masks=asked.masks,
            subjects=asked.subjects,
            seed=seed,
            minutes=minutes,
            steps=steps,
            split_origin=parts.data.split_origin,
            data_sha256=data_digest(parts.dataset, has_table=asked.labels is not None),
            review=asked.resolved_review,
            allow_leakage=asked.allow_leakage,
            labels=None if asked.labels is None else str(asked.labels.resolve()),
            overlapping=asked.overlapping,
            folds=folds,
            seeds=seeds or 1,
            accepted=tuple(accepted),
            **_how_it_calculates(plan, parts, device, threads),
        )
        report = None if is_checked else _preflight(plan, parts, facts, whole, progress)
        inputs = inputs_of(parts.dataset, *asked.files, recipe)
        new_folder(out, overwrite=overwrite, resume=resume, can_resume=True, inputs=inputs)
        parts = parts.placed_in(out)
        own = replace(planned, recipe=plan) if planned and isinstance(plan, Recipe) else None
        write_recipe(out, whole or plan, own)
        parts.write(out)
        if asked.labels is not None:
            write_text(out / LABELS, asked.labels.read_text(encoding="utf-8-sig"))
        write_run(out, facts, leaks=parts.data.leak_document, review=parts.data.decided.document)
        if report is not None:
            report.write(out)
    return Started(out, asked.source, plan, parts, facts)


def _preflight(
    plan: Plan,
    parts: PartedData,
    facts: RunFacts,
    whole: TwoStageRecipe | None,
    progress: Progress,
) -> Preflight:
    """The data checks over all of it, and the trial of the first member's training.

    Of two stages both are tried, however late the second is trained.
    """
    report = preflight_data(parts.data, accepted=facts.accepted, progress=progress)
    if isinstance(plan, Recipe):
        share = 1.0 if whole is None else 1 - whole.budget.gate_share
        report = _tried(report, plan, parts, facts, share, progress)
    if whole is not None:
        begun = Preflight(report.source, report.looked_at)
        own = gate_parts(parts, progress)
        gate = _tried(begun, whole.gate, own, facts, whole.budget.gate_share, progress)
        report = replace(report, gate=gate)
    report.tell(progress)
    return report


def _tried(
    report: Preflight,
    plan: Recipe,
    parts: PartedData,
    facts: RunFacts,
    share: float,
    progress: Progress,
) -> Preflight:
    """The report with the trial of a recipe whose trainings have a share of the minutes."""
    from delineate.workflows.preflight_network import preflight_of_recipe

    minutes = facts.minutes and facts.minutes * share / (parts.count * facts.seeds)
    member = facts.model_copy(update={"minutes": minutes})
    return preflight_of_recipe(report, plan, parts.of_fold(1), member, progress=progress)


def _how_it_calculates(
    plan: Plan, parts: PartedData, device: str | None, threads: int | None
) -> dict[str, Any]:
    """Where and how finely; refuses what no member could be trained with.

    Raises:
        SettingsError: a loss, an encoder or a device that is not there, or classes that a method
            cannot tell apart.
    """
    if isinstance(plan, ClassicalRecipe):
        import cv2

        from delineate.workflows.train_classical import require_separable

        require_separable(plan, parts.dataset)
        why = "methods without a network calculate so"
        threads = threads or cv2.getNumThreads()
        return {"device": "cpu", "precision": "float32", "why_precision": why, "threads": threads}
    import torch

    from delineate.inference.torch_segmenter import chosen_device
    from delineate.losses.catalogue import weighted_sum
    from delineate.training.precision import choose_precision
    from delineate.workflows.training_data import require_start

    require_start(plan)
    weighted_sum(plan.loss, task=plan.task)
    device = chosen_device(device)
    precision, why = choose_precision(plan.train.precision, device)
    threads = threads or torch.get_num_threads()
    return {"device": device, "precision": precision, "why_precision": why, "threads": threads}


def require_counts(folds: int | None, seeds: int | None) -> None:
    """Refuse numbers of folds and seeds that make no sense."""
    if folds is not None:
        require_count(folds)
    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise SettingsError(f"--seeds {seeds}: expected 1 to {MOST_SEEDS}; choose one of these")


def _for_epochs(plan: Plan, epochs: int | None) -> Plan:
    """The recipe with so many epochs, for every member to read them there."""
    if epochs is None:
        return plan
    assert isinstance(plan, Recipe)  # `train` refuses epochs of a method without a network
    return plan.model_copy(update={"train": plan.train.model_copy(update={"epochs": epochs})})


def _require_same(facts: RunFacts, asked: AskedData, epochs: int | None, **options: Any) -> None:
    """Refuse options that differ from those that the interrupted run was started with."""
    if asked.split_file or asked.labels or epochs:
        raise SettingsError(
            "--resume: split, labels and epochs come from the run folder; leave --split-file, "
            "--labels and --epochs out, or start anew with --overwrite"
        )
    same = {"layout": asked.layout, "masks": asked.masks, "subjects": asked.subjects}
    reviewed = {"review": asked.resolved_review, "overlapping": asked.overlapping or None}
    require_same(facts, {**same, **reviewed, **options})
