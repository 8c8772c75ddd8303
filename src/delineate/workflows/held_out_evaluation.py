"""The whole evaluation of what members say of images that they never learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from delineate.core.progress import Progress
from delineate.core.types import Image
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.settings import EvaluationSettings
from delineate.inference.model_card import ModelCard
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.thresholds import Cut
from delineate.workflows.classification_writing import write_classification
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.head_gate import EMPTY_RULE, MEAN_DICE
from delineate.workflows.held_out_gate import HeldOutGate
from delineate.workflows.held_out_scores import HeldOutScores
from delineate.workflows.out_of_fold import OutOfFold
from delineate.workflows.parted_data import PartedData
from delineate.workflows.scoring import Answer, score_and_write

_UNSEEN = (
    "out of fold: each image is answered by the members of its own fold alone, which learnt from "
    "no image of that fold; the model itself, the mean of all members, has seen every one of them"
)
_PLANNED = (
    "the recipe was planned on training images of every fold: their sizes, intensities and masks "
    "had a part in its settings, though in nothing else that answers their own fold"
)
_VALIDATED = (
    "on the validation split, where checkpoints and threshold were chosen: expect less on new "
    "images"
)


def write_evaluation(
    folder: Path,
    cases: Sequence[OutOfFold],
    scores: HeldOutScores,
    parts: PartedData,
    card: ModelCard,
    *,
    gate: HeldOutGate | None = None,
    is_planned: bool = False,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Write evaluation.json, cases.csv, pictures and page beside the predictions.

    Masks of a fold are cut at what the other folds chose, so that no score is flattered by the
    choice. Verdicts of a classifier are cut at the threshold that was chosen on all of them.
    A head as `gate` keeps no image back here; a note says what it would make of the masks.
    Another says so where the recipe `is_planned` on images of every fold.
    """
    scored = _scored(parts, cases)
    # The mean of all training masks would hold the very mask that it is compared with.
    dataset = scored if parts.is_folded else parts.dataset
    name = "out_of_fold" if parts.is_folded else "validation"
    facts = {
        "model": card.name,
        "weights_sha256": None,
        "data": str(dataset.root),
        "layout": dataset.layout,
        "leaks": None,
        "review": parts.data.decided.document,
        "repeats": card.predict.repeats,
        "depth": None,
        "folds": parts.count if parts.is_folded else None,
        "cross_fitted_score": scores.cross_fitted,
        "cuts": {str(fold): cut for fold, cut in scores.cuts.items()},
    }
    settings = EvaluationSettings(seed=seed)
    planned = (_PLANNED,) if is_planned and parts.is_folded else ()
    if card.task == "classify":
        return _classification(
            folder, cases, scores, scored, card, name=name, facts=facts, settings=settings
        )
    by_id = {case.id: case for case in cases}

    def answers(sample: Sample, image: Image) -> Answer:
        case = by_id[sample.id]
        probability = case.probability
        labels = labels_from_probability(
            probability,
            threshold=scores.cuts[case.fold],
            minimum_area_px=card.predict.minimum_area_px,
        )
        return Answer(probability, labels)

    result = score_and_write(
        folder,
        dataset,
        scored,
        answers,
        split=name,
        classes=dataset.classes,
        threshold=card.threshold.cut,
        threshold_origin=_origin(scores, card),
        palette="default",
        facts=facts,
        notes=(*_notes(parts, scores), *planned, *_notes_of_gate(gate)),
        settings=settings,
        progress=progress,
    )
    write_pages(result, dataset)
    return result.document


def _scored(parts: PartedData, cases: Sequence[OutOfFold]) -> Dataset:
    """The data of the cases alone; those of folds are of no split."""
    ids = {case.id for case in cases}
    samples = tuple(s for s in parts.dataset.samples if s.id in ids)
    if parts.is_folded:
        samples = tuple(replace(s, split=None) for s in samples)
    return replace(parts.dataset, samples=samples)


def _classification(
    folder: Path,
    cases: Sequence[OutOfFold],
    scores: HeldOutScores,
    dataset: Dataset,
    card: ModelCard,
    *,
    name: str,
    facts: Mapping[str, Any],
    settings: EvaluationSettings,
) -> dict[str, Any]:
    labels = dataset.image_labels
    threshold = card.threshold
    assert threshold.value is not None  # verdicts always have one
    evaluation = score_classification(
        [ClassifiedCase(one.id, one.subject, labels[one.id], one.presence) for one in cases],
        threshold.value,
        threshold_origin=threshold.origin,
        prevalence_in_training=card.training["present_share"],
        settings=settings,
    )
    is_folded = name == "out_of_fold"
    chosen = f"the threshold was chosen on these very verdicts: {threshold.rule}"
    if scores.cross_fitted is not None and threshold.score is not None:
        chosen += (
            f" reaches {threshold.score:.3f}, and {scores.cross_fitted:.3f} where each fold is cut "
            "at what the other folds chose"
        )
    result = write_classification(
        folder,
        evaluation,
        split=name,
        facts=facts,
        page_facts=(
            ("Model", f"{card.name} ({card.architecture}, {card.parameters:,} parameters)"),
            ("Data", f"{dataset.root.name}, layout {dataset.layout}"),
            ("Labels", str(card.training["labels"])),
        ),
        notes=(_UNSEEN if is_folded else _VALIDATED, chosen),
    )
    return result.document


def _notes(parts: PartedData, scores: HeldOutScores) -> tuple[str, ...]:
    if not parts.is_folded:
        return (_VALIDATED,)
    cuts = [cut for cut in scores.cuts.values() if cut is not None]
    if not cuts:
        return (_UNSEEN,)
    return (_UNSEEN, f"masks of each fold are cut at what the other folds chose: {_range(cuts)}")


def _notes_of_gate(gate: HeldOutGate | None) -> tuple[str, ...]:
    """That masks are scored without the head, and what it would make of them."""
    if gate is None or gate.gate is None or gate.with_gate is None:
        return ()
    on, off = gate.with_gate, gate.without_gate
    said = f"{on.value:.3f} with it and {off.value:.3f} without"
    if on.cross_fitted is not None and off.cross_fitted is not None:
        said += (
            f", and {on.cross_fitted:.3f} with it and {off.cross_fitted:.3f} without where each "
            "fold is cut at what the other folds chose"
        )
    return (
        "no mask is kept back here, though the model's own head is its gate from "
        f"{gate.gate.threshold:.3f} on: {MEAN_DICE}, {EMPTY_RULE}, is {said}",
    )


def _origin(scores: HeldOutScores, card: ModelCard) -> str:
    """Of the model's threshold, and where it does not cut these masks."""
    if scores.cross_fitted is None:
        return card.threshold.origin
    return f"{card.threshold.origin}; here each fold is cut at what the other folds chose"


def _range(cuts: Sequence[Cut]) -> str:
    """From the lowest to the highest, of classes that overlap one class after the other."""
    rows = [cut if isinstance(cut, tuple) else (cut,) for cut in cuts]
    each = zip(*rows, strict=True)
    return ", ".join(f"{min(of):.3f} to {max(of):.3f}" for of in each)
