"""A classifier on the cases of a split: its verdicts, its scores, and where its errors look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from delineate.core.errors import DelineateError
from delineate.core.progress import Progress, track
from delineate.data.image_labels import image_labels
from delineate.data.listing import counted
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.image_files import read_image
from delineate.files.mask_files import write_image
from delineate.inference.classifier import ImageClassifier
from delineate.report.heat_maps import heat_map_overlay
from delineate.workflows.evaluate_classifier import (
    SHOWN_ERRORS,
    ClassificationResult,
    write_classification,
)
from delineate.workflows.judging import Judging
from delineate.workflows.scoring import OVERLAYS, file_name


def classified(
    judging: Judging,
    classifier: ImageClassifier,
    threshold: float | None,
    *,
    settings: EvaluationSettings,
    progress: Progress,
) -> ClassificationResult:
    """Score a classifier on every case of a split and write the files.

    An image that cannot be read counts as the worst answer there is; one whose mask cannot be
    read has no truth to be held against, and is listed among the failures. The most confident
    errors are shown with where they come from.
    """
    data, card = judging.data, classifier.card
    cases, unlabelled = _cases(data.dataset, data.cases.samples, classifier, progress)
    chosen = card.threshold
    evaluation = score_classification(
        cases,
        classifier.threshold if threshold is None else threshold,
        threshold_origin=f"{chosen.rule} ({chosen.chosen_on})"
        if threshold is None
        else "given by hand",
        prevalence_in_training=card.training.get("present_share"),
        views=data.views,
        settings=settings,
    )
    errors = {error.id for error in evaluation.most_confident_errors(SHOWN_ERRORS)}
    wrong = [sample for sample in data.cases.samples if sample.id in errors]
    notes = (f"without truth, and so not scored: {each}" for each in unlabelled)
    result = write_classification(
        judging.target,
        evaluation,
        split=data.split,
        facts=judging.facts() | {"repeats": classifier.predict_settings.repeats},
        pictures=dict(_pictures(wrong, classifier, judging.target)),
        page_facts=(
            ("Model", f"{card.name} ({card.architecture}, {card.parameters:,} parameters)"),
            ("Data", f"{data.dataset.root.name}, layout {data.dataset.layout}"),
        ),
        notes=(*judging.notes(), *notes),
    )
    return ClassificationResult(
        result.folder, result.document, result.evaluation, (*result.failures, *unlabelled)
    )


def _cases(
    dataset: Dataset,
    samples: tuple[Sample, ...],
    classifier: ImageClassifier,
    progress: Progress,
) -> tuple[list[ClassifiedCase], list[str]]:
    """The cases with a truth, and what is wrong with those that have none."""
    cases: list[ClassifiedCase] = []
    unlabelled: list[str] = []
    for sample in track(samples, "classify", progress):
        try:
            truth = _truth(dataset, sample)
        except DelineateError as problem:
            unlabelled.append(f"{sample.id}: {problem}")
            continue
        try:
            probability = classifier.probability(read_image(sample.image))
            case = ClassifiedCase(sample.id, sample.subject, truth, probability)
        except DelineateError as problem:
            case = ClassifiedCase(sample.id, sample.subject, truth, None, failure=str(problem))
        cases.append(case)
    if not cases:
        raise DelineateError(
            f"{dataset.root}: none of {counted(len(samples), 'image')} has a label that can be "
            f"read; the first: {unlabelled[0]}"
        )
    return cases, unlabelled


def _truth(dataset: Dataset, sample: Sample) -> bool:
    if dataset.image_labels:
        return dataset.image_labels[sample.id]
    return image_labels(dataset, [sample])[sample.id]


def _pictures(
    samples: list[Sample], classifier: ImageClassifier, folder: Path
) -> Iterator[tuple[str, Path]]:
    """Case id -> its picture with the heat map, relative to the folder."""
    (folder / OVERLAYS).mkdir(exist_ok=True)
    for sample in samples:
        try:
            image = read_image(sample.image)
            heat = classifier.grad_cam(image)
        except DelineateError:
            continue  # it is listed among the failures
        place = Path(OVERLAYS) / f"{file_name(sample.id)}_cam.png"
        write_image(folder / place, heat_map_overlay(image, heat))
        yield sample.id, place
