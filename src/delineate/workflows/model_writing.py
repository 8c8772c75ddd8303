"""The model folder that a training leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from delineate.core.checks import sha256_of_file, sha256_of_text
from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE
from delineate.data.listing import counted
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.files.writing import write_json, write_text
from delineate.inference.model_card import SCHEMA, ModelCard, NamedClass, Threshold
from delineate.inference.model_folder import CARD, PAGE, WEIGHTS
from delineate.inference.preparation import Preparation
from delineate.inference.weights import save_network
from delineate.metrics.thresholds import ARGMAX, Choice, best_dice_threshold
from delineate.recipe.recipe import Recipe, recipe_text
from delineate.training.loop import Fitted
from delineate.training.validate import METRICS, Judged
from delineate.workflows.model_page import model_page
from delineate.workflows.run_folder import RunFacts, machine
from delineate.workflows.training_data import ValidationCases


def write_model(
    folder: Path,
    fitted: Fitted,
    *,
    dataset: Dataset,
    preparation: Preparation,
    recipe: Recipe,
    facts: RunFacts,
    cases: ValidationCases,
    is_dark_around: bool,
    elapsed_s: Callable[[], float],
    progress: Progress,
) -> dict[str, Any]:
    """Choose the threshold on validation, then write weights, card and page.

    Returns the card as it stands in `model.json`.
    """
    folder.mkdir(exist_ok=True)
    network = fitted.network
    judged = list(track(cases.judged(network, recipe.predict), "threshold", progress, len(cases)))
    choice = _threshold(judged, recipe.validation.metric)
    save_network(folder / WEIGHTS, network)
    card = ModelCard(
        name=f"{recipe.name}, seed {facts.seed}",
        architecture=recipe.model.architecture,
        arguments=recipe.model.arguments,
        parameters=sum(each.numel() for each in network.parameters()),
        stride_px=_attribute(network, "stride"),
        context_px=_attribute(network, "context_px") if network.has_finite_context else None,
        classes=tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour)
            for each in dataset.classes
        ),
        preparation=preparation,
        predict=recipe.predict,
        has_dark_surround=is_dark_around,
        precision=facts.precision,
        threshold=Threshold(
            value=choice.threshold,
            chosen_on=f"validation split, {counted(len(cases), 'image')}",
            rule=choice.rule,
            score=choice.score,
        ),
        training={
            "recipe": recipe.name,
            "recipe_sha256": sha256_of_text(recipe_text(recipe)),
            "data_sha256": facts.data_sha256,
            "data_layout": dataset.layout,
            "observer": dataset.observers[0],
            "images": {s: len(dataset.only(s).samples) for s in (TRAIN, VALIDATION)},
            "subjects_known": dataset.has_subjects,
            "seed": facts.seed,
            "steps": fitted.steps,
            "patches": fitted.steps * recipe.train.batch,
            "minutes": round(elapsed_s() / 60, 2),
            "budget_minutes": facts.minutes,
            "kept_step": fitted.facts.best_step if recipe.train.keep == "best" else fitted.steps,
            "why_stopped": fitted.why_stopped,
            "threads": facts.threads,
            "why_precision": facts.why_precision,
            "machine": machine(),
        },
        validation={
            "watched": recipe.validation.metric,
            "scores": {name: metric(judged) for name, metric in METRICS.items()},
            "rule": "native size, inside the region of interest where there is one, Dice at 0.5, "
            "the mean over foreground classes; the split on which checkpoint and threshold "
            "were chosen, so better than on new images",
        },
        weights_sha256=sha256_of_file(folder / WEIGHTS),
    )
    document = card.model_dump(mode="json")
    write_text(folder / PAGE, model_page(card))
    # The card comes last: a folder with a card is a whole model.
    write_json(folder / CARD, document, schema=SCHEMA)
    return document


def _threshold(judged: list[Judged], metric: str) -> Choice:
    if len(judged[0][0]) > 1:
        return ARGMAX
    return best_dice_threshold(
        [probability for probability, _ in judged],
        [(labels == 1).astype(np.uint8) for _, labels in judged],
        [labels != IGNORE for _, labels in judged],
        pooled=metric != "mean_dice",
    )


def _attribute(network: nn.Module, name: str) -> int:
    """A whole number that every network of the catalogue states."""
    return int(getattr(network, name))
