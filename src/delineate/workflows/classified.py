"""A classifier on the cases of a split: its verdicts, its scores, and where its errors look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.report.heat_maps import heat_map_overlay
from delineate.workflows.classification_writing import (
    SHOWN_ERRORS,
    ClassificationResult,
    write_classification,
)
from delineate.workflows.evaluated_classifiers import EvaluatedClassifiers
from delineate.workflows.judging import Judging
from delineate.workflows.scored_data import ScoredData
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

    An image that cannot be read counts as the worst answer there is; one whose mask does not
    fit it has no truth to be held against, and is listed as such. The most confident errors are
    shown with where they come from. Of a mean of classifiers each stands beside the mean.
    """
    data, card = judging.data, classifier.card
    members = EvaluatedClassifiers(classifier, settings=settings) if classifier.members else None
    if members is not None:
        classifier = replace(classifier, probabilities=members.probabilities)
    cases, before = _cases(data, classifier, members, progress)
    evaluation = score_classification(
        cases,
        classifier.threshold if threshold is None else threshold,
        threshold_origin=card.threshold.origin if threshold is None else GIVEN_BY_HAND,
        prevalence_in_training=card.training.get("present_share"),
        views=data.views,
        before=before,
        settings=settings,
    )
    errors = {error.id for error in evaluation.most_confident_errors(SHOWN_ERRORS)}
    wrong = [sample for sample in data.cases.samples if sample.id in errors]
    return write_classification(
        judging.target,
        evaluation,
        split=data.split,
        facts=judging.facts()
        | {"repeats": classifier.predict_settings.repeats}
        | ({} if members is None else members.document()),
        pictures=dict(_pictures(wrong, classifier, judging.target)),
        page_facts=(
            ("Model", f"{card.name} ({card.architecture}, {card.parameters:,} parameters)"),
            ("Data", f"{data.dataset.root.name}, layout {data.dataset.layout}"),
            ("Labels", str(judging.labels["origin"])),
        ),
        notes=judging.notes(),
    )


def _cases(
    data: ScoredData,
    classifier: ImageClassifier,
    members: EvaluatedClassifiers | None,
    progress: Progress,
) -> tuple[list[ClassifiedCase], list[ClassifiedCase]]:
    """The cases as they are, and those that decisions changed or dropped as they were."""
    now = {sample.id: sample for sample in data.cases.samples}
    earlier = data.earlier
    then = {} if earlier is None else {sample.id: sample for sample in earlier.samples}
    cases: list[ClassifiedCase] = []
    before: list[ClassifiedCase] = []
    for sample in track(data.answered.samples, "classify", progress):
        case = _answered(sample, classifier)
        if sample.id in now:
            cases.append(_with_truth(case, data.dataset, sample))
            if members is not None:
                members.add(cases[-1])
        was = then.get(sample.id)
        if earlier is not None and was is not None and _is_touched(data, was, now.get(sample.id)):
            before.append(_with_truth(case, earlier, was))
    if all(case.truth is None for case in cases):
        raise DelineateError(
            f"{data.dataset.root}: none of {counted(len(cases), 'image')} has a label that can be "
            f"read; the first: {cases[0].failure}"
        )
    return cases, before


def _answered(sample: Sample, classifier: ImageClassifier) -> ClassifiedCase:
    """A case with its answer, its truth not looked at yet."""
    try:
        probability = classifier.probability(read_image(sample.image))
    except DelineateError as problem:
        return ClassifiedCase(sample.id, sample.subject, None, None, failure=str(problem))
    return ClassifiedCase(sample.id, sample.subject, None, probability)


def _with_truth(case: ClassifiedCase, dataset: Dataset, sample: Sample) -> ClassifiedCase:
    try:
        labels = dataset.image_labels or image_labels(dataset, [sample])
    except DelineateError as problem:
        return replace(case, failure=str(problem))
    return replace(case, truth=labels[sample.id])


def _is_touched(data: ScoredData, was: Sample, now: Sample | None) -> bool:
    """Whether decisions dropped a case, or gave it another mask where masks are the labels."""
    return now is None or (not data.dataset.image_labels and was.masks != now.masks)


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
