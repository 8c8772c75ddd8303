"""The card of a model that is the mean of its members, and the document that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from delineate.data.listing import counted
from delineate.inference.model_card import ModelCard, OperatingPoint
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import Recipe, recipe_digest
from delineate.workflows.head_gate import RANKING
from delineate.workflows.held_out_gate import HeldOutGate
from delineate.workflows.held_out_scores import HeldOutScores
from delineate.workflows.members import MEMBERS, Member
from delineate.workflows.parted_data import PartedData
from delineate.workflows.run_folder import RunFacts

_RULES = {
    "segment": "native size, inside the region of interest where there is one, Dice at 0.5, the "
    "mean over foreground classes",
    "classify": "one verdict an image, accuracy at 0.5",
}
_UNSEEN = (
    "out-of-fold predictions, each by members that never saw the image; maps of 16 bits, the mean "
    "over seeds"
)
_VALIDATED = (
    "the mean of all members on the split on which checkpoints and threshold were chosen, so "
    "better than on new images"
)


def mean_card(
    plan: Recipe | ClassicalRecipe,
    members: Sequence[Member],
    parts: PartedData,
    facts: RunFacts,
    scores: HeldOutScores,
    *,
    minutes: float,
    gate: HeldOutGate | None = None,
) -> ModelCard:
    """What travels with the members: their number, one threshold for all, and their scores.

    How an image is prepared is said by each member for itself; what stands here is the first's.
    `gate` is the head of the members, where they have one.
    """
    cards = [member.card for member in members]
    first, training = cards[0], [card.training for card in cards]
    return first.model_copy(
        update={
            "name": f"{plan.name}, {words_of(parts, facts)}",
            "about": plan.about,
            "parameters": sum(card.parameters for card in cards),
            "tiling": None,
            "depths": (),
            "weights_sha256": None,
            "classical": None,
            "has_presence_head": False,
            "gate": None if gate is None else gate.gate,
            "members": tuple(f"{MEMBERS}/{member.name}" for member in members),
            "threshold": scores.threshold,
            "operating_points": _operating_points(first, scores, gate),
            "training": first.training
            | {
                "recipe_sha256": recipe_digest(plan),
                "data_sha256": facts.data_sha256,
                "present_share": _present_share(parts),
                "images": _images(parts),
                "seed": facts.seed,
                "accepted": list(facts.accepted),
                "seeds": facts.seeds,
                "folds": facts.folds,
                "steps": _sum(each.get("steps") for each in training),
                "patches": _sum(each.get("patches") for each in training),
                "minutes": round(minutes, 2),
                "budget_minutes": facts.minutes,
                "kept_step": None,
                "why_stopped": f"{counted(len(members), 'member')} trained",
            },
            "validation": {
                "watched": first.validation["watched"],
                "scores": {**scores.scores, **({} if gate is None else {RANKING: gate.ranking})},
                "rule": f"{_RULES[first.task]}; {_UNSEEN if parts.is_folded else _VALIDATED}",
            },
        }
    )


def words_of(parts: PartedData, facts: RunFacts) -> str:
    """How many members there are, and of what kind."""
    seeds = counted(facts.seeds, "seed")
    if facts.folds is None:
        return f"mean of {seeds} from seed {facts.seed}"
    each = "" if facts.seeds == 1 else f" of {seeds} each"
    return f"mean of {counted(facts.folds, 'fold')}{each}, seed {facts.seed}"


def members_document(
    members: Sequence[Member],
    parts: PartedData,
    facts: RunFacts,
    scores: HeldOutScores,
    *,
    card: ModelCard,
    gate: HeldOutGate | None = None,
) -> dict[str, Any]:
    """What `folds.json` says: every member with its cost and scores, every fold, and the whole."""
    return {
        "model": card.name,
        "task": card.task,
        "architecture": card.architecture,
        "parameters": card.parameters,
        "data": facts.data,
        "split": parts.data.split_origin,
        "is_folded": parts.is_folded,
        "rule": card.validation["rule"],
        "watched": card.validation["watched"],
        "scores": dict(scores.scores),
        "threshold": scores.threshold.model_dump(mode="json"),
        "cross_fitted_score": scores.cross_fitted,
        "gate": None if gate is None else gate.document,
        "minutes": card.training["minutes"],
        "folds": [
            {
                "fold": fold,
                "images": len(parts.held_out(fold)),
                "subjects": len({sample.group for sample in parts.held_out(fold)}),
                "cut": scores.cuts[fold],
                "scores": dict(own),
            }
            for fold, own in scores.of_fold.items()
        ],
        "members": [_row(member) for member in members],
    }


def _row(member: Member) -> dict[str, Any]:
    card = member.card
    return {
        "name": member.name,
        "fold": member.fold,
        "seed": member.seed,
        "images": card.training["images"],
        "parameters": card.parameters,
        "steps": card.training.get("steps"),
        "minutes": card.training["minutes"],
        "weights_sha256": card.weights_sha256,
        "scores": card.validation["scores"],
        "rule": card.validation["rule"],
    }


def _operating_points(
    first: ModelCard, scores: HeldOutScores, gate: HeldOutGate | None
) -> tuple[OperatingPoint, ...]:
    """The one threshold, with what it is worth where each fold has no part in the choice.

    Where a head may stand before the masks, with it and without, both by the same mean Dice.
    """
    threshold = scores.threshold
    if first.task == "classify" or threshold.value is None:
        return ()
    if gate is not None and gate.gate is not None:
        return gate.points(threshold.value, minimum_area_px=first.predict.minimum_area_px)
    return (
        OperatingPoint(
            gate=None,
            gate_threshold=None,
            threshold=threshold.value,
            minimum_area_px=first.predict.minimum_area_px,
            objective=threshold.origin,
            score=threshold.score,
            cross_fitted_score=scores.cross_fitted,
        ),
    )


def _images(parts: PartedData) -> dict[str, int]:
    """As cards have it: what was learnt from, and what was held out from all."""
    if parts.is_folded:
        return {"train": len(parts.folds), "validation": 0}
    return {name: len(parts.dataset.only(name).samples) for name in ("train", "validation")}


def _present_share(parts: PartedData) -> float | None:
    labels = parts.dataset.image_labels
    seen = [labels[s.id] for s in parts.dataset.only("train").samples if labels]
    return sum(seen) / len(seen) if seen else None


def _sum(values: Any) -> int | None:
    found = [each for each in values if each is not None]
    return sum(found) if found else None
