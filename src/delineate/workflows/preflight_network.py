"""The part of a preflight that needs the network: memory, a few steps on two images, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from math import isfinite
from typing import Any

import torch
from torch import nn

from delineate.auditing.soundness.case_facts import CaseFacts
from delineate.core.progress import Progress
from delineate.core.seeds import stream_seed
from delineate.data.listing import counted
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.inference.preparation import Preparation
from delineate.models.encoder_weights import start_encoder
from delineate.recipe.recipe import Recipe
from delineate.training.patches import steps_of_epoch
from delineate.workflows.labelled_data import fitted_preparation
from delineate.workflows.learning import built_network, learning, require_fitting_patches
from delineate.workflows.preflight import Preflight
from delineate.workflows.preflight_memory import Memory, memory_of, too_much
from delineate.workflows.preflight_trial import MOST_STEPS, Trial, finding_of, tried, two_images
from delineate.workflows.run_folder import RunFacts
from delineate.workflows.starting import TrainingData
from delineate.workflows.training_data import encoder_colours

# A trial may take this share of what is asked for, and so many seconds; of less than so many
# minutes or steps it would take too much.
_SHARE, _MOST_S, _FEWEST_MINUTES, _FEWEST_STEPS = 0.1, 30.0, 2.0, 200
# Fewer steps than these, or less than one pass over the images, teach little.
_FEW_STEPS = 100


def preflight_network(
    so_far: Preflight,
    plan: Recipe,
    data: TrainingData,
    preparation: Preparation,
    network: nn.Module,
    facts: RunFacts,
    *,
    is_forced: bool = False,
    progress: Progress,
) -> Preflight:
    """The report with memory and, unless the training is short, the trial and the time.

    The network is copied, so that the training that follows is the same to the last bit.
    `is_forced` tries however short the training is.

    Raises:
        PreflightError: a finding that was not accepted.
    """
    dataset, accepted = data.dataset, facts.accepted
    training = [data.facts[sample.id] for sample in dataset.only(TRAIN).samples]
    memory = memory_of(
        deepcopy(network),
        plan,
        preparation,
        training,
        device=facts.device,
        precision=facts.precision,
    )
    excess = too_much(memory, plan)
    report = so_far.with_findings([excess] if excess else [], accepted)
    estimate = _of_memory(memory)
    why_untried = None if is_forced else _too_short(facts)
    if why_untried is not None:
        return replace(report, estimate=estimate, why_untried=why_untried)
    progress.say("preflight: a few steps on two images")
    trial = _tried(plan, dataset, data.facts, preparation, network, facts, is_forced=is_forced)
    stopping = finding_of(trial, plan)
    report = report.with_findings([stopping] if stopping else [], accepted)
    estimate |= _of_trial(trial, plan, dataset, facts)
    return replace(report, estimate=estimate, notes=(*report.notes, *_notes(estimate, facts)))


def preflight_of_recipe(
    so_far: Preflight,
    plan: Recipe,
    data: TrainingData,
    facts: RunFacts,
    *,
    is_forced: bool = False,
    progress: Progress,
) -> Preflight:
    """The same where there is no network yet: one is made for it.

    Facts without minutes and steps mean the epochs of the recipe.

    Raises:
        DelineateError: a finding that was not accepted, or a recipe that does not fit the data.
    """
    if facts.minutes is None and facts.steps is None:
        images = len(data.dataset.only(TRAIN).samples)
        steps = plan.train.epochs * steps_of_epoch(images, plan.patches, plan.train.batch)
        facts = facts.model_copy(update={"steps": steps})
    preparation = fitted_preparation(
        data.dataset.only(TRAIN), plan.prepare, progress, encoder=encoder_colours(plan)
    )
    torch.set_num_threads(facts.threads)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(facts.seed, "weights"))
        network = built_network(plan, data.dataset, preparation)
        require_fitting_patches(plan.patches.size_px, network)
        start_encoder(network, plan.model.encoder_weights)
    return preflight_network(
        so_far, plan, data, preparation, network, facts, is_forced=is_forced, progress=progress
    )


def _too_short(facts: RunFacts) -> str | None:
    """Why nothing is tried; None where it is."""
    if facts.minutes is not None and facts.minutes < _FEWEST_MINUTES:
        return f"{facts.minutes:g} min are fewer than {_FEWEST_MINUTES:g}"
    if facts.steps is not None and facts.steps < _FEWEST_STEPS:
        return f"{counted(facts.steps, 'step')} are fewer than {_FEWEST_STEPS}"
    return None


def _tried(
    plan: Recipe,
    dataset: Dataset,
    cases: Mapping[str, CaseFacts],
    preparation: Preparation,
    network: nn.Module,
    facts: RunFacts,
    *,
    is_forced: bool,
) -> Trial:
    few = two_images(dataset, cases)
    twin = deepcopy(network)
    limit_s = _MOST_S
    if facts.minutes is not None and not is_forced:
        limit_s = min(limit_s, _SHARE * 60 * facts.minutes)
    most_steps = MOST_STEPS
    if facts.steps is not None and not is_forced:
        most_steps = int(_SHARE * facts.steps)
    return tried(
        twin,
        learning(plan, few, preparation, twin, facts),
        plan,
        images=len(few.only(VALIDATION).samples),
        most_steps=most_steps,
        limit_s=limit_s,
        device=facts.device,
        precision=facts.precision,
    )


def _of_memory(memory: Memory) -> dict[str, Any]:
    return {"memory": memory.document | {"needed_bytes": memory.needed + memory.images}}


def _of_trial(trial: Trial, plan: Recipe, dataset: Dataset, facts: RunFacts) -> dict[str, Any]:
    """Losses and times of the trial, and what they mean for the whole training."""
    images = {split: len(dataset.only(split).samples) for split in (TRAIN, VALIDATION)}
    # Patches are prepared while the network computes, as far as there is a core for that.
    step_s = max(trial.step_s, trial.patches_s)
    if facts.threads == 1:
        step_s = trial.step_s + trial.patches_s
    validating_s = plan.validation.times * images[VALIDATION] * trial.validation_s_an_image
    steps, minutes = facts.steps, facts.minutes
    if steps is None:
        steps = max(int((60 * (minutes or 0) - validating_s) / step_s), 0)
    else:
        minutes = (steps * step_s + validating_s) / 60
    per_epoch = steps_of_epoch(images[TRAIN], plan.patches, plan.train.batch)
    return {
        "loss": {
            "steps": len(trial.losses),
            "first": _number(trial.losses[0]),
            "last": _number(trial.losses[-1]),
        },
        "step_s": trial.step_s,
        "patches_s": trial.patches_s,
        "validation_s_an_image": trial.validation_s_an_image,
        "steps": steps,
        "epochs": round(steps / per_epoch, 2),
        "minutes": None if minutes is None else round(minutes, 2),
    }


def _number(loss: float) -> float | None:
    """The loss, None where it is none: JSON knows neither NaN nor infinity."""
    return loss if isfinite(loss) else None


def _notes(estimate: Mapping[str, Any], facts: RunFacts) -> Sequence[str]:
    steps, epochs = estimate["steps"], estimate["epochs"]
    if facts.minutes is None or (steps >= _FEW_STEPS and epochs >= 1):
        return ()
    return (
        f"{facts.minutes:g} min are about {counted(steps, 'step')}, {epochs:g} passes over the "
        "training images, which teaches little; give more minutes or a smaller network",
    )
