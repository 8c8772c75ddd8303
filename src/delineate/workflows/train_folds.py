"""Several trainings of one recipe, over folds and seeds, averaged as one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted
from delineate.data.sample import Sample
from delineate.files.writing import new_folder, write_json
from delineate.inference.composing import write_composed
from delineate.inference.model_folder import WEIGHTS
from delineate.recipe.recipe import Recipe
from delineate.report.folds_page import write_folds_page
from delineate.training.budget import Clock
from delineate.workflows.composed_page import composed_page
from delineate.workflows.held_out_evaluation import write_evaluation
from delineate.workflows.held_out_gate import held_out_gate
from delineate.workflows.held_out_scores import (
    HeldOutScores,
    segmentation_scores,
    verdict_scores,
)
from delineate.workflows.mean_card import mean_card, members_document
from delineate.workflows.members import MEMBERS, Member, Shares, members_of, train_member
from delineate.workflows.out_of_fold import (
    OUT_OF_FOLD,
    TABLE,
    VALIDATED,
    OutOfFold,
    classified,
    predicted,
    read_out_of_fold,
    write_out_of_fold,
)
from delineate.workflows.parted_data import PartedData
from delineate.workflows.plan import FILE as PLAN
from delineate.workflows.plan import Planned
from delineate.workflows.run_folder import RUN, RunFacts
from delineate.workflows.starting import AskedData
from delineate.workflows.starting_folds import Plan, Started, started
from delineate.workflows.train_result import TrainResult

SCHEMA, DOCUMENT, PAGE = "folds", "folds.json", "folds.html"


@dataclass(frozen=True)
class FoldsResult(TrainResult):
    """A run whose model is the mean of its members, and what they say of unseen images."""

    out_of_fold: tuple[OutOfFold, ...] = ()


def train_folds(
    plan: Plan,
    asked: AskedData,
    out: Path,
    *,
    clock: Clock,
    folds: int | None,
    seeds: int | None,
    assignment: Mapping[str, int] | None = None,
    encoders: Path | None = None,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    planned: Planned | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    accepted: Sequence[str] = (),
    is_checked: bool = False,
    progress: Progress = SILENT,
) -> FoldsResult:
    """Train a recipe once for each fold and seed, and write the mean of all as one model.

    `assignment` goes from sample id to fold, from 1 on, where another training has parted the
    same images before; it holds every image of train and validation, and needs the split file of
    that training in `asked`. `encoders` is such a training, finished, from whose member of the same
    fold and seed the encoder of each member starts. `changes` are in the recipe already; a resumed
    run takes none, and no other recipe. `planned` is what the recipe comes from, where it was
    planned. `minutes` is for all of it, `epochs` and `steps` for each member.

    Over folds every member keeps its last weights, so that nothing is chosen on the fold that it
    predicts; the one threshold is chosen on the predictions of all folds together. Without folds
    the members differ by seed alone, and share one validation split.

    Raises:
        DelineateError: data, recipe or output folder that cannot be used; nothing is lost.
    """
    if resume and (out / RUN).is_file() and (recipe or changes):
        raise SettingsError(
            "--resume: recipe and settings come from the run folder; leave --recipe, --set and "
            "--encoder-weights out, or start anew with --overwrite"
        )
    run = started(
        plan,
        asked,
        out,
        folds=folds,
        seeds=seeds,
        assignment=assignment,
        recipe=recipe,
        planned=planned,
        minutes=minutes,
        epochs=epochs,
        steps=steps,
        resume=resume,
        overwrite=overwrite,
        seed=seed,
        device=device,
        threads=threads,
        accepted=accepted,
        is_checked=is_checked,
        progress=progress,
    )
    plan, parts, facts = run.plan, run.parts, run.facts
    members = members_of(out, parts, facts)
    clock.restart(sum(member.used_s for member in members))
    _announce(plan, parts, members, facts, progress)
    cases = _trained_and_predicted(run, members, clock=clock, encoders=encoders, progress=progress)
    folder = _held_out_folder(out, parts)
    scores = _scores(plan, cases, parts, progress)
    gate = None
    if plan.task == "segment":
        gate = held_out_gate(
            cases,
            parts.dataset,
            scores,
            minimum_area_px=members[0].card.predict.minimum_area_px,
            is_folded=parts.is_folded,
            progress=progress,
        )
    minutes_used = clock.elapsed_s() / 60
    card = mean_card(plan, members, parts, facts, scores, minutes=minutes_used, gate=gate)
    write_evaluation(
        folder,
        cases,
        scores,
        parts,
        card,
        gate=gate,
        is_planned=(out / PLAN).is_file(),
        seed=facts.seed,
        progress=progress,
    )
    document = members_document(members, parts, facts, scores, card=card, gate=gate)
    write_json(out / DOCUMENT, document, schema=SCHEMA)
    write_folds_page(out / PAGE, document=document, evaluation=f"{folder.name}/evaluation.html")
    # The model comes last: a run that holds one is whole.
    write_composed(
        out / "model",
        card,
        members={f"{MEMBERS}/{member.name}": member.folder for member in members},
        page=composed_page(card, {f"{MEMBERS}/{member.name}": member.card for member in members}),
    )
    progress.say(f"finished after {clock.elapsed_s() / 60:.1f} min")
    return FoldsResult(out, card.model_dump(mode="json"), out_of_fold=cases)


def _trained_and_predicted(
    run: Started,
    members: tuple[Member, ...],
    *,
    clock: Clock,
    encoders: Path | None,
    progress: Progress,
) -> tuple[OutOfFold, ...]:
    """Train fold by fold what is missing, and keep what the members of each say of it."""
    plan, parts, facts = run.plan, run.parts, run.facts
    folder = new_folder(_held_out_folder(run.folder, parts), resume=True)
    shares = Shares(facts.minutes, clock, folds=parts.count)
    cases: tuple[OutOfFold, ...] = ()
    for fold in range(1, parts.count + 1):
        own = [member for member in members if member.fold == fold]
        data = parts.of_fold(fold)
        for member in (each for each in own if not each.is_finished):
            left = members[members.index(member) :]
            share = shares.next_minutes(
                members_left=sum(not each.is_finished for each in left),
                folds_left=parts.count + 1 - fold,
            )
            progress.say(f"{member.name}, {members.index(member) + 1} of {len(members)}")
            began_s, is_begun = clock.elapsed_s(), (member.folder / RUN).is_file()
            train_member(
                member,
                plan,
                data,
                run.asked,
                facts,
                minutes=share,
                encoder_file=encoders and encoders / MEMBERS / member.name / "model" / WEIGHTS,
                progress=progress,
            )
            if is_begun:  # what it took before it was interrupted counts too
                clock.restart(max(member.used_s - (clock.elapsed_s() - began_s), 0.0))
            progress.say(f"{member.name}: {_words(member)}")
        card = own[0].card
        known = read_out_of_fold(folder / TABLE, card)
        if not any(case.fold == fold for case in known):
            began_s = monotonic()
            found = _said(plan, own, parts.held_out(fold), folder, facts, progress)
            known = (*known, *found)
            write_out_of_fold(folder / TABLE, known)
            shares.predicting_s = max(shares.predicting_s, monotonic() - began_s)
        cases = known
    return cases


def _said(
    plan: Plan,
    own: Sequence[Member],
    samples: Sequence[Sample],
    folder: Path,
    facts: RunFacts,
    progress: Progress,
) -> Iterator[OutOfFold]:
    """What the members of one fold say of it."""
    models = [member.folder for member in own]
    where: dict[str, Any] = {"fold": own[0].fold, "device": facts.device, "threads": facts.threads}
    if plan.task == "classify":
        return classified(models, samples, **where, progress=progress)
    return predicted(models, samples, folder, **where, progress=progress)


def _scores(
    plan: Plan, cases: tuple[OutOfFold, ...], parts: PartedData, progress: Progress
) -> HeldOutScores:
    if isinstance(plan, Recipe) and plan.task == "classify":
        labels = parts.dataset.image_labels
        return verdict_scores(cases, labels, plan, is_folded=parts.is_folded)
    return segmentation_scores(
        cases, parts.dataset, plan, is_folded=parts.is_folded, progress=progress
    )


def _held_out_folder(run: Path, parts: PartedData) -> Path:
    return run / (OUT_OF_FOLD if parts.is_folded else VALIDATED)


def _announce(
    plan: Plan,
    parts: PartedData,
    members: tuple[Member, ...],
    facts: RunFacts,
    progress: Progress,
) -> None:
    each = "as its recipe says"
    if facts.steps is not None:
        each = f"{facts.steps} steps each"
    if facts.minutes is not None:
        each = f"{facts.minutes:g} min for all"
    finished = sum(member.is_finished for member in members)
    before = f", {finished} of them before" if finished else ""
    progress.say(f"recipe {plan.name}: {counted(len(members), 'training')}{before}, {each}")
    test = len(parts.dataset.only("test").samples)
    progress.say(
        f"{counted(len(parts.folds), 'image')} held out in "
        f"{counted(parts.count, 'fold')}, {counted(test, 'test image')} left alone; "
        f"{parts.data.split_origin}"
    )


def _words(member: Member) -> str:
    """What a member took, and how good it is where it never learnt."""
    card = member.card
    took = f"{card.training['minutes']:g} min"
    if card.training.get("steps"):
        took = f"{card.training['steps']:,} steps, {took}"
    name, score = next(iter(card.validation["scores"].items()))
    value = "undefined" if score is None else f"{score:.4f}"
    return f"{took}; {name.replace('_', ' ')} of what it never saw {value}"
