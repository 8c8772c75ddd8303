"""What several trainings cost, and what each and all of them reach on what they never learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from delineate.report.pages import number, write_page
from delineate.report.score_tables import sentence

Document = Mapping[str, Any]

NAMES = {
    "pooled_dice": "Dice, pooled",
    "mean_dice": "Dice, mean per image",
    "pooled_roc_auc": "ROC AUC, pooled",
    "roc_auc": "ROC AUC",
    "accuracy_at_0.5": "Accuracy at 0.5",
    "presence_roc_auc": "ROC AUC of the head for presence",
}


@dataclass(frozen=True)
class PlainTable:
    """A table as the template draws it: a head, and rows of a name and cells."""

    key: str
    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def write_folds_page(path: Path, *, document: Document, evaluation: str) -> Path:
    """Write folds.html beside folds.json and return its path.

    `evaluation` is where the whole evaluation of the same predictions stands.
    """
    return write_page(
        path,
        "folds.html",
        title=document["model"],
        summary=_summary(document),
        facts=_facts(document),
        tables=[_fold_table(document), _member_table(document)],
        notes=[sentence(note) for note in _notes(document)],
        evaluation=evaluation,
    )


def _summary(document: Document) -> str:
    members, name = len(document["members"]), _watched(document)
    score = number(document["scores"][name], name)
    what = f"{NAMES[name]} {score}"
    if not document["is_folded"]:
        return f"{members} trainings that differ by seed: {what} of their mean, on validation."
    return f"{members} trainings over {len(document['folds'])} folds: {what}, out of fold."


def _facts(document: Document) -> list[tuple[str, str]]:
    threshold = document["threshold"]
    facts = [
        ("Data", Path(document["data"]).name),
        ("Split", sentence(document["split"])),
        ("Network or method", document["architecture"]),
        ("Members", f"{len(document['members'])}, each of which looks at every image"),
        ("Parameters of all", f"{document['parameters']:,}"),
        ("Time of all", f"{document['minutes']:g} min"),
    ]
    if threshold["value"] is not None:
        facts.append(("Threshold", f"{threshold['value']:.3f}: {threshold['rule']}"))
    if document["cross_fitted_score"] is not None:
        facts.append(
            (
                "What the threshold is worth",
                f"{threshold['score']:.4f} where it was chosen, "
                f"{document['cross_fitted_score']:.4f} with each fold cut at what the others chose",
            )
        )
    gate = document["gate"]
    if gate is not None and gate["threshold"] is not None:
        facts.append(("Gate", _gate_words(gate)))
    return facts


def _gate_words(gate: Document) -> str:
    """The members' own head as gate of their mean, beside the same masks without it."""
    words = (
        f"their own head, from {gate['threshold']:.3f} on: {gate['mean_dice']:.4f} with it, "
        f"{gate['mean_dice_without']:.4f} without"
    )
    if gate["cross_fitted_mean_dice"] is not None:
        words += (
            f"; {gate['cross_fitted_mean_dice']:.4f} and "
            f"{gate['cross_fitted_mean_dice_without']:.4f} with each fold cut at what the others "
            "chose"
        )
    return f"{words}. {sentence(gate['rule'])}"


def _fold_table(document: Document) -> PlainTable:
    """Each fold by the mean of its own members, beside the mean of their single scores."""
    names = list(document["scores"])
    watched = _watched(document)
    has_gain = any(_members_of(document, each["fold"])[1:] for each in document["folds"])
    of_single = [watched] if has_gain and _is_comparable(document, watched) else []
    columns = ["Images", "Subjects", "Cut at", *(NAMES[name] for name in names)]
    columns += [f"{NAMES[name]}, of its members one by one" for name in of_single]
    rows = []
    for fold in document["folds"]:
        own = _members_of(document, fold["fold"])
        cells = [f"{fold['images']:,}", f"{fold['subjects']:,}", _cut(fold["cut"])]
        cells += [number(fold["scores"][name], name) for name in names]
        cells += [number(_mean([one["scores"][name] for one in own]), name) for name in of_single]
        rows.append((_fold_name(document, fold["fold"]), tuple(cells)))
    if document["is_folded"]:
        cells = [
            f"{sum(each['images'] for each in document['folds']):,}",
            f"{sum(each['subjects'] for each in document['folds']):,}",
            _cut(document["threshold"]["values"] or document["threshold"]["value"]),
            *(number(document["scores"][name], name) for name in names),
            *("" for _ in of_single),
        ]
        rows.append(("All", tuple(cells)))
    what = "its own members, which never learnt from it" if document["is_folded"] else "all members"
    caption = f"Each fold as answered by the mean of {what}. {sentence(document['rule'])}."
    if of_single:
        caption += (
            f" What averaging over seeds gains is {NAMES[watched]} less the last column, the mean "
            "of what the members reach one by one."
        )
    return PlainTable("folds", caption, "Fold", tuple(columns), tuple(rows))


def _member_table(document: Document) -> PlainTable:
    names = list(document["members"][0]["scores"])
    rows = tuple(
        (
            one["name"],
            (
                f"{one['images']['train']:,}",
                "none" if one["steps"] is None else f"{one['steps']:,}",
                f"{one['minutes']:g}",
                f"{one['parameters']:,}",
                *(number(one["scores"][name], name) for name in names),
            ),
        )
        for one in document["members"]
    )
    columns = ("Trained on", "Steps", "Minutes", "Parameters", *(NAMES[name] for name in names))
    held = "its own fold" if document["is_folded"] else "the validation split"
    caption = f"What each member cost, and what it reaches by itself on {held}."
    return PlainTable("members", caption, "Member", columns, rows)


def _notes(document: Document) -> list[str]:
    if not document["is_folded"]:
        return [
            "checkpoints and threshold were chosen on these very images, so that every score here "
            "is better than on new ones; delineate evaluate scores all members and their mean on "
            "a split that none of them saw",
        ]
    return [
        "every member keeps its last weights and none ends early, so that nothing was chosen on "
        "the fold that it answers",
        "what averaging over folds gains cannot be seen here: each image is new to the members of "
        "one fold alone, and only these answer it; delineate evaluate scores every member and "
        "the mean of all on a split that none of them saw",
        "an image costs the model as many passes as there are members",
    ]


def _watched(document: Document) -> str:
    """The score that the recipe watches, or the first where that is none of them."""
    watched = str(document["watched"])
    return watched if watched in document["scores"] else str(next(iter(document["scores"])))


def _is_comparable(document: Document, name: str) -> bool:
    """Whether single members have the score under the same rule; methods are cut elsewhere."""
    return all(name in one["scores"] for one in document["members"]) and all(
        "at 0.5" in one["rule"] for one in document["members"]
    )


def _members_of(document: Document, fold: int) -> Sequence[Mapping[str, Any]]:
    return [one for one in document["members"] if one["fold"] == fold]


def _fold_name(document: Document, fold: int) -> str:
    return str(fold) if document["is_folded"] else "validation"


def _cut(cut: float | Sequence[float] | None) -> str:
    if cut is None:
        return "the likeliest"
    return ", ".join(f"{each:.3f}" for each in (cut if isinstance(cut, Sequence) else [cut]))


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
