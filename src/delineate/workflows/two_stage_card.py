"""The card of a model of two stages, and what was chosen for it."""

from __future__ import annotations

from typing import Any

from delineate.data.listing import counted
from delineate.inference.model_card import ModelCard, Threshold
from delineate.inference.model_folder import read_card
from delineate.recipe.recipe import recipe_digest
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.workflows.operating import CROSS_FITTED, Operated
from delineate.workflows.run_folder import RunFacts
from delineate.workflows.starting_folds import Started

# The runs of the stages, and the models inside the model folder.
GATE, SEGMENTER = "gate", "segmenter"

_RULE = (
    "native size, inside the region of interest where there is one; Dice is the mean over images, "
    "one without true and predicted foreground counting 1; an image counts as found where any "
    "true pixel was, and as a false alarm where any pixel was marked and there is nothing; "
)


def two_stage_card(plan: TwoStageRecipe, run: Started, chosen: tuple[Operated, ...]) -> ModelCard:
    """The segmenter's card behind the gate, with what was chosen for all kinds of gate.

    How an image is prepared is said by each stage for itself; what stands here is the segmenter's.
    """
    gate, segmenter = (read_card(run.folder / name) for name in (GATE, SEGMENTER))
    own = next(each for each in chosen if each.gate == "classifier")
    return segmenter.model_copy(
        update={
            "name": f"{plan.name}, {_words(run.facts)}",
            "about": plan.about.completed_by(segmenter.about),
            "parameters": gate.parameters + segmenter.parameters,
            "members": (SEGMENTER,),
            "gate": own.as_gate(GATE),
            "operating_points": tuple(each.on_card for each in chosen),
            "threshold": Threshold(
                value=own.point.threshold,
                chosen_on=f"out-of-fold predictions, {_words(run.facts)}",
                rule=own.rule,
                score=own.score,
            ),
            "predict": segmenter.predict.model_copy(
                update={"minimum_area_px": own.point.minimum_area_px}
            ),
            "training": segmenter.training
            | {
                "recipe": plan.name,
                "recipe_sha256": recipe_digest(plan),
                "data_sha256": run.facts.data_sha256,
                "accepted": list(run.facts.accepted),
                "present_share": gate.training["present_share"],
                "steps": gate.training["steps"] + segmenter.training["steps"],
                "patches": gate.training["patches"] + segmenter.training["patches"],
                "minutes": round(gate.training["minutes"] + segmenter.training["minutes"], 2),
                "budget_minutes": run.facts.minutes,
                "why_stopped": "both stages trained",
            },
            "validation": {
                "watched": plan.operating.objective,
                "scores": _scores(own),
                "rule": _RULE + CROSS_FITTED,
            },
        }
    )


def operating_document(
    plan: TwoStageRecipe, chosen: tuple[Operated, ...], facts: RunFacts
) -> dict[str, Any]:
    """What `operating.json` says: each kind of gate, what was chosen and what it reaches."""
    return {
        "model": f"{plan.name}, {_words(facts)}",
        "settings": plan.operating.model_dump(mode="json"),
        "rule": _RULE.rstrip("; "),
        "cross_fitted": CROSS_FITTED,
        "points": [each.document for each in chosen],
    }


def _scores(own: Operated) -> dict[str, float | None]:
    found = own.cross_fitted
    return {
        "kaggle_dice": found.kaggle_dice,
        "sensitivity": found.sensitivity,
        "false_alarm_rate": found.false_alarm_rate,
        "cost": found.cost,
        "share_segmented": found.share_segmented,
    }


def _words(facts: RunFacts) -> str:
    seeds = f" of {counted(facts.seeds, 'seed')} each" if facts.seeds > 1 else ""
    return f"{counted(facts.folds or 0, 'fold')}{seeds}, seed {facts.seed}"
