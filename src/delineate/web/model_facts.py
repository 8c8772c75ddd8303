"""What is said of a model before anybody tries it: from its card, and from how it was scored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError
from delineate.core.types import default_classes
from delineate.data.listing import counted
from delineate.data.sample import TEST
from delineate.files.writing import read_json
from delineate.inference.about import LONGEST_TITLE
from delineate.inference.model import Model
from delineate.inference.model_card import ModelCard
from delineate.report.score_tables import SCORE_NAMES
from delineate.web.documents import GateRuleDocument, ModelDocument, ScoreDocument
from delineate.web.results.prediction_documents import class_documents, threshold_document
from delineate.workflows.model_page import limits_of, size_of

_COLOURS = {1: "grey", 3: "colour"}


def model_document(model: Model, run: Path | None) -> ModelDocument:
    """What a model is for and how good it is.

    The scores are those of the newest evaluation on the test split in its run folder, where there
    is one of this very model; else those of the split on which it was chosen.
    """
    card = model.card
    evaluation = None if run is None else _held_out(run, card)
    scores, baselines = _own_scores(card), list[ScoreDocument]()
    scored_on, notes = _chosen_on(card), [card.validation["rule"]]
    if evaluation is not None:
        figures = evaluation["headline"]
        scores = [_score(each) for each in figures if each["predictor"] == "model"]
        baselines = [_score(each) for each in figures if each["predictor"] != "model"]
        scored_on = f"{evaluation['split']} split, {counted(evaluation['cases'], 'image')}"
        if evaluation["subjects"]:
            scored_on += f" of {counted(evaluation['subjects'], 'subject')}"
        notes = list(evaluation["notes"])
    return ModelDocument(
        name=card.name,
        title=_title(card),
        kind=_kind(card),
        purpose=card.about.purpose or _purpose(card),
        classes=class_documents(model.classes),
        is_overlapping=card.is_overlapping,
        channels=card.preparation.channels,
        threshold=threshold_document(model),
        gate=_gate(card),
        facts=_facts(card),
        scored_on=scored_on,
        is_held_out=evaluation is not None and evaluation["leaks"] is None,
        scores=scores,
        baselines=baselines,
        notes=notes,
        limits=limits_of(card),
    )


def _held_out(run: Path, card: ModelCard) -> Mapping[str, Any] | None:
    """The newest evaluation of this model on test images; None without any."""
    found = []
    for file in run.glob("evaluation*/evaluation.json"):
        try:
            document = read_json(file, schema="evaluation")
        except DelineateError:
            continue  # of another version, or cut short: it says nothing of this model
        is_of_this = document["weights_sha256"] == card.weights_sha256
        if is_of_this and document["model"] == card.name and document["split"] == TEST:
            found.append((file.stat().st_mtime, document))
    return max(found, key=lambda each: each[0])[1] if found else None


def _score(figure: Mapping[str, Any]) -> ScoreDocument:
    """A figure of an evaluation; a baseline is named before its score."""
    name = SCORE_NAMES.get(figure["score"], figure["score"].replace("_", " "))
    predictor = figure["predictor"]
    whose = "" if predictor == "model" else f"{predictor}: "
    return ScoreDocument(
        name=f"{whose}{name}, {figure['pooling']}",
        value=figure["value"],
        low=figure["low"],
        high=figure["high"],
        rule=figure["rule"],
    )


def _own_scores(card: ModelCard) -> list[ScoreDocument]:
    """The scores on the card, which have no interval."""
    return [
        ScoreDocument(
            name=name.replace("_", " "), value=value, low=None, high=None,
            rule=card.validation["rule"],
        )
        for name, value in card.validation["scores"].items()
    ]  # fmt: skip


def _chosen_on(card: ModelCard) -> str | None:
    return card.threshold.chosen_on if card.validation["scores"] else None


def _kind(card: ModelCard) -> str:
    if card.classical is not None:
        return f"method without a network ({card.architecture})"
    what = f"network ({card.architecture})"
    if card.members:
        count = len(card.members)
        what = "segmenter" if count == 1 else f"mean of {counted(count, 'model')}"
    behind = card.gate is not None and card.gate.kind == "classifier"
    return f"{what}{' behind a gate' if behind else ''}, {card.parameters:,} parameters"


def _title(card: ModelCard) -> str:
    """The one that it was given; else its classes, where somebody named them; else its name."""
    if card.about.title is not None:
        return card.about.title
    unnamed = {each.name for each in default_classes(len(card.classes))}
    found = _found(card)
    is_named = not unnamed & {each.name for each in card.classes[1:]}
    return found[:1].upper() + found[1:] if is_named and len(found) <= LONGEST_TITLE else card.name


def _purpose(card: ModelCard) -> str:
    """One sentence on what it finds in which images."""
    gate = "" if card.gate is None else ", where its gate finds anything"
    return f"Outlines {_found(card)} like those that it learnt from{gate}."


def _found(card: ModelCard) -> str:
    """What it finds in which images, in a few words."""
    names = [each.name for each in card.classes[1:]]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    colours = _COLOURS.get(card.preparation.channels, f"{card.preparation.channels}-channel")
    return f"{listed} in {colours} images"


def _gate(card: ModelCard) -> GateRuleDocument | None:
    gate = card.gate
    if gate is None:
        return None
    return GateRuleDocument(kind=gate.kind, threshold=gate.threshold, rule=gate.rule)


def _facts(card: ModelCard) -> dict[str, str]:
    """What it was made from and how, as far as its card knows."""
    training = card.training
    facts = {"input": f"{counted(card.preparation.channels, 'channel')}, {size_of(card)}"}
    images = training.get("images")
    if images:
        facts["learnt from"] = (
            f"{counted(images['train'], 'image')}, layout {training['data_layout']}, "
            f"{training['labels']}"
        )
    facts["recipe"] = f"{training['recipe']}, seed {training['seed']}"
    if training.get("minutes") is not None:
        facts["training"] = f"{training['minutes']} min, {card.precision}"
    facts["averaged over"] = card.predict.repeats
    if card.predict.minimum_area_px:
        facts["smallest object"] = f"{card.predict.minimum_area_px} px"
    return facts
