"""The model folder of a method without a network: a card and a page, no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from delineate.data.listing import counted
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.files.writing import write_json, write_text
from delineate.inference.model_card import SCHEMA, ClassicalCard, ModelCard, NamedClass, Threshold
from delineate.inference.model_folder import CARD, PAGE
from delineate.inference.preparation import Preparation
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import recipe_digest
from delineate.workflows.classical_search import Found
from delineate.workflows.labelled_data import labels_origin
from delineate.workflows.model_page import model_page
from delineate.workflows.run_folder import RunFacts, machine

RULE = (
    "native size, inside the region of interest where there is one, cut at the threshold, the "
    "mean over foreground classes; the split on which the threshold was chosen, so better than on "
    "new images"
)


def write_classical_model(
    folder: Path,
    found: Found,
    *,
    dataset: Dataset,
    preparation: Preparation,
    recipe: ClassicalRecipe,
    facts: RunFacts,
    threshold: Threshold,
    scores: Mapping[str, float | None],
    is_dark_around: bool,
    elapsed_s: Callable[[], float],
) -> dict[str, Any]:
    """Write card and page, and return the card as it stands in `model.json`."""
    folder.mkdir(exist_ok=True)
    card = ModelCard(
        name=f"{recipe.name}, seed {facts.seed}",
        about=recipe.about,
        architecture=recipe.classical.method,
        arguments=found.best.parameters,
        parameters=0,
        stride_px=1,
        context_px=None,
        classes=tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour)
            for each in dataset.classes
        ),
        preparation=preparation,
        predict=recipe.predict.as_predict_settings(),
        has_dark_surround=is_dark_around,
        precision=facts.precision,
        threshold=threshold,
        training={
            "recipe": recipe.name,
            "recipe_sha256": recipe_digest(recipe),
            "data_sha256": facts.data_sha256,
            "data_layout": dataset.layout,
            "labels": labels_origin(dataset, None),
            "images": {s: len(dataset.only(s).samples) for s in (TRAIN, VALIDATION)},
            "subjects_known": dataset.has_subjects,
            "accepted": list(facts.accepted),
            "seed": facts.seed,
            "minutes": round(elapsed_s() / 60, 2),
            "budget_minutes": facts.minutes,
            "threads": facts.threads,
            "machine": machine(),
        },
        validation={
            "watched": recipe.validation.metric,
            "scores": dict(scores),
            "rule": RULE,
        },
        weights_sha256=None,
        classical=ClassicalCard(
            method=recipe.classical.method,
            learnt=found.method.model_dump(mode="json"),
            tried=found.tried,
            combinations=found.combinations,
            rule=f"highest {recipe.validation.metric.replace('_', ' ')} of "
            f"{counted(found.images, 'training image')} at working size",
        ),
    )
    document = card.model_dump(mode="json")
    write_text(folder / PAGE, model_page(card))
    # The card comes last: a folder with a card is a whole model.
    write_json(folder / CARD, document, schema=SCHEMA)
    return document
