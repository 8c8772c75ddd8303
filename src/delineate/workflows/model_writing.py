"""The model folder that a training leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from delineate.core.checks import sha256_of_file
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.files.writing import write_json, write_text
from delineate.inference.model_card import SCHEMA, ModelCard, NamedClass
from delineate.inference.model_folder import CARD, PAGE, WEIGHTS
from delineate.inference.preparation import Preparation
from delineate.inference.weights import save_network
from delineate.recipe.recipe import Recipe, recipe_digest
from delineate.training.loop import Fitted
from delineate.workflows.labelled_data import labels_origin
from delineate.workflows.model_page import model_page
from delineate.workflows.run_folder import RunFacts, machine
from delineate.workflows.training_data import lost_px
from delineate.workflows.validated import Validated


def write_model(
    folder: Path,
    fitted: Fitted,
    *,
    dataset: Dataset,
    preparation: Preparation,
    recipe: Recipe,
    facts: RunFacts,
    validated: Validated,
    is_dark_around: bool,
    elapsed_s: Callable[[], float],
) -> dict[str, Any]:
    """Write weights, card and page, and return the card as it stands in `model.json`."""
    folder.mkdir(exist_ok=True)
    network = fitted.network
    save_network(folder / WEIGHTS, network)
    card = ModelCard(
        name=f"{recipe.name}, seed {facts.seed}",
        about=recipe.about,
        task=recipe.task,
        architecture=recipe.model.architecture,
        arguments=recipe.model.arguments,
        parameters=sum(each.numel() for each in network.parameters()),
        stride_px=_attribute(network, "stride"),
        context_px=_attribute(network, "context_px") if _sees_so_far(network) else None,
        lost_px=lost_px(network),
        tiling=validated.tiling,
        depths=validated.depths,
        classes=tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour)
            for each in dataset.classes
        ),
        is_overlapping=dataset.is_overlapping and recipe.task == "segment",
        preparation=preparation,
        predict=recipe.predict,
        has_dark_surround=is_dark_around,
        precision=facts.precision,
        threshold=validated.threshold,
        training={
            "recipe": recipe.name,
            "recipe_sha256": recipe_digest(recipe),
            "data_sha256": facts.data_sha256,
            "data_layout": dataset.layout,
            "labels": labels_origin(dataset, facts.labels),
            "present_share": _present_share(dataset.only(TRAIN)),
            "encoder_weights": facts.encoder,
            "grey_rule": getattr(network, "grey_rule", None),
            "colours_note": facts.colours_note,
            "images": {s: len(dataset.only(s).samples) for s in (TRAIN, VALIDATION)},
            "subjects_known": dataset.has_subjects,
            "accepted": list(facts.accepted),
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
            "scores": dict(validated.scores),
            "rule": validated.rule,
        },
        has_presence_head=recipe.model.presence_head,
        gate=validated.gate,
        weights_sha256=sha256_of_file(folder / WEIGHTS),
    )
    document = card.model_dump(mode="json")
    write_text(folder / PAGE, model_page(card))
    # The card comes last: a folder with a card is a whole model.
    write_json(folder / CARD, document, schema=SCHEMA)
    return document


def _attribute(network: nn.Module, name: str) -> int:
    """A whole number that every network of the catalogue states."""
    return int(getattr(network, name))


def _sees_so_far(network: nn.Module) -> bool:
    """Whether there is a distance beyond which an output of the network sees nothing."""
    return bool(getattr(network, "has_finite_context", False))


def _present_share(training: Dataset) -> float | None:
    """In which share of the training images there is something to find; None of masks."""
    labels = [training.image_labels[s.id] for s in training.samples if training.image_labels]
    return sum(labels) / len(labels) if labels else None
