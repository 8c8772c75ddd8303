"""Scored cases to files: figures, a row a case, overlays, a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.progress import Progress, track
from delineate.core.types import DrawnObject, Image, LabelClass, Labels, Mask, Probability
from delineate.data.instances import read_objects
from delineate.data.reading import Case, read_case, read_labels, read_truth
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.objects import ObjectTally
from delineate.evaluation.records import Evaluation
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View
from delineate.files.class_masks import write_class_masks, write_mask_classes
from delineate.files.image_files import read_image
from delineate.files.mask_files import write_image, write_index_mask
from delineate.files.writing import write_csv, write_json
from delineate.inference.verdict import Verdict
from delineate.metrics.thresholds import Cut, decide
from delineate.report.display import Rgb
from delineate.report.gate_pictures import with_verdict
from delineate.report.legend_strip import entries_of, with_legend
from delineate.report.overlays import class_overlay, overlay
from delineate.workflows.evaluated_structure import EvaluatedStructure
from delineate.workflows.scored_data import training_mask_baseline

SCHEMA = "evaluation"
DOCUMENT, PAGE, CASES = "evaluation.json", "evaluation.html", "cases.csv"
OBJECTS = "objects.csv"
OVERLAYS, PREDICTIONS = "overlays", "predictions"


@dataclass(frozen=True)
class Answer:
    """What a predictor says of one image: a probability, or labels alone.

    `gate` is what was said of the whole image before, where there is a gate.
    """

    probability: Probability | None = None
    labels: Labels | None = None
    gate: Verdict | None = None


# The answer for a sample whose image has these pixels; raises DelineateError where it has none.
Answers = Callable[[Sample, Image], Answer]


class Beside(Protocol):
    """What looks at every scored case along with the scoring, and says something of all."""

    def add(self, case: ScoredCase) -> None:
        """Look at a case that was answered just now, or failed."""

    def finish(self, folder: Path) -> dict[str, Any]:
        """Write its files, and return what it adds to the document."""


@dataclass(frozen=True)
class ScoringResult:
    """What scoring leaves: document, page, a row a case, overlays and predicted masks."""

    folder: Path
    document: dict[str, Any]
    evaluation: Evaluation
    failures: tuple[str, ...] = field(default=())

    @property
    def main_result(self) -> Path:
        """The page to look at."""
        return self.folder / PAGE


def score_and_write(
    folder: Path,
    dataset: Dataset,
    scored: Dataset,
    answers: Answers,
    *,
    split: str,
    classes: tuple[LabelClass, ...],
    threshold: Cut,
    threshold_origin: str,
    palette: str,
    facts: dict[str, Any],
    notes: tuple[str, ...] = (),
    has_objects: bool | None = None,
    has_structure: bool = False,
    views: Sequence[View] = (),
    earlier: Dataset | None = None,
    besides: Sequence[Beside] = (),
    settings: EvaluationSettings,
    progress: Progress,
) -> ScoringResult:
    """Score every case of `scored` and write all files but the page.

    A case without an answer is scored as failed, never left out. `earlier` holds the cases of
    this split as they were before decisions changed their labels: those that decisions dropped
    are answered too, and count with their earlier labels alone. Objects are counted where that is
    asked for, and where it is not said if the data set has single objects; with `has_structure`
    vessels are measured too. `besides` look at each case after its answer.
    """
    if has_objects is None:
        has_objects = dataset.has_instances
    objects = ObjectTally(
        classes, is_overlapping=dataset.is_overlapping, has_instances=dataset.has_instances
    )
    names = Counter(file_name(sample.id) for sample in scored.samples)
    for sample in scored.samples:
        if names[file_name(sample.id)] > 1:
            raise LayoutError(
                f"{dataset.root}: the id {sample.id} and another would both be written as "
                f"{file_name(sample.id)}.png; give them other ids with a manifest CSV"
            )
    (folder / OVERLAYS).mkdir(exist_ok=True)
    (folder / PREDICTIONS).mkdir(exist_ok=True)
    write_mask_classes(folder / PREDICTIONS, classes)

    measured = None
    if has_structure:
        measured = EvaluatedStructure(
            folder, classes, is_overlapping=dataset.is_overlapping, palette=palette
        )
    kept = {sample.id for sample in scored.samples}
    before = {} if earlier is None else {sample.id: sample for sample in earlier.samples}
    dropped = [sample for id_, sample in before.items() if id_ not in kept]

    def cases() -> Iterator[ScoredCase]:
        for sample in track([*scored.samples, *dropped], "score", progress):
            if earlier is not None and sample.id not in kept:
                yield _dropped_case(earlier, sample, answers)
                continue
            case = _scored_case(dataset, sample, answers, classes, threshold, folder, palette)
            if measured is not None:
                measured.add(case, file_name(sample.id), sample.image)
            for beside in besides:
                beside.add(case)
            if has_objects and dataset.has_instances:
                case = replace(case, objects=_objects_of(dataset, sample, case))
            if earlier is not None and sample.id in before:
                case = _with_earlier(case, earlier, before[sample.id], sample)
            yield case

    evaluation = score_cases(
        cases(),
        classes,
        threshold,
        threshold_origin=threshold_origin,
        mean_training_mask=training_mask_baseline(dataset, classes, split),
        views=views,
        is_overlapping=dataset.is_overlapping,
        objects=objects if has_objects else None,
        settings=settings,
    )
    evaluation = replace(evaluation, notes=(*notes, *evaluation.notes))
    document = facts | {"split": split, "palette": palette} | evaluation.to_document()
    if measured is not None:
        document |= {"structure": measured.finish()}
    for beside in besides:
        document |= beside.finish(folder)
    header, rows = evaluation.case_rows()
    write_csv(folder / CASES, header, rows)
    if evaluation.objects is not None:
        table = evaluation.objects.case_table
        write_csv(folder / OBJECTS, table.header, table.rows)
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    failures = tuple(f"{id_}: {why}" for id_, why in evaluation.failures)
    return ScoringResult(folder, document, evaluation, failures)


def _scored_case(
    dataset: Dataset,
    sample: Sample,
    answers: Answers,
    classes: tuple[LabelClass, ...],
    threshold: Cut,
    folder: Path,
    palette: str,
) -> ScoredCase:
    try:
        case = read_case(dataset, sample)
    except DelineateError as error:
        truths, region = _truths_of_unread(dataset, sample)
        return ScoredCase(sample.id, sample.subject, truths, region=region, failure=str(error))
    try:
        answer = answers(sample, case.image)
    except DelineateError as error:
        return ScoredCase(
            sample.id, sample.subject, case.labels, region=case.region, failure=str(error)
        )
    labels = answer.labels
    if labels is None and answer.probability is not None:
        labels = decide(answer.probability, threshold)
    result = ScoredCase(
        sample.id,
        sample.subject,
        case.labels,
        region=case.region,
        probability=answer.probability,
        labels=labels,
    )
    if labels is not None and labels.shape == case.image.shape[:2]:
        is_overlapping = dataset.is_overlapping
        picture = _picture(case, labels, classes, palette, is_overlapping=is_overlapping)
        if answer.gate is not None:
            picture = with_verdict(picture, answer.gate)
        write_image(folder / OVERLAYS / f"{file_name(sample.id)}.png", picture)
        masks, stem = folder / PREDICTIONS, file_name(sample.id)
        if is_overlapping:
            write_class_masks(masks, stem, labels, classes)
        else:
            write_index_mask(masks / f"{stem}_mask.png", labels, classes)
    return result


def _truths_of_unread(dataset: Dataset, sample: Sample) -> tuple[dict[str, Labels], Mask | None]:
    """Labels by observer, and region, of a case whose image cannot be read: it is a failure.

    Where the image can be read it is a truth that cannot, and no predictor is blamed for that.
    """
    found: dict[str, Labels] = {}
    region = None
    with suppress(DelineateError):
        read_image(sample.image)
        return {}, None
    for observer in dataset.observers:
        if observer in sample.masks:
            with suppress(DelineateError):
                found[observer], region = read_truth(dataset, sample, observer)
    return found, region


def _picture(
    case: Case,
    labels: Labels,
    classes: tuple[LabelClass, ...],
    palette: str,
    *,
    is_overlapping: bool,
) -> Rgb:
    """Hits and misses; of several classes truth beside prediction, with a legend below."""
    truth = next(iter(case.labels.values()))
    if len(classes) == 2:
        return overlay(case.image, truth, labels, palette=palette, region=case.region)
    both = [
        class_overlay(case.image, each, classes, region=case.region, is_overlapping=is_overlapping)
        for each in (truth, labels)
    ]
    entries = entries_of(classes, truth, labels, is_overlapping=is_overlapping)
    return with_legend(np.hstack(both), entries, title="left: truth, right: prediction")


def _objects_of(
    dataset: Dataset, sample: Sample, case: ScoredCase
) -> dict[str, tuple[DrawnObject, ...]]:
    """The single objects of each observer whose labels could be read."""
    return {name: read_objects(dataset, sample, name) for name in case.truths}


def _with_earlier(case: ScoredCase, earlier: Dataset, before: Sample, now: Sample) -> ScoredCase:
    """The case with its earlier labels, where any pixel of them is another."""
    if before.masks == now.masks:
        return case
    labels = _labels_of(earlier, before)
    is_same = labels.keys() == case.truths.keys() and all(
        np.array_equal(labels[name], case.truths[name]) for name in labels
    )
    return case if is_same else replace(case, earlier=labels)


def _dropped_case(earlier: Dataset, sample: Sample, answers: Answers) -> ScoredCase:
    """A case that counts before the decisions alone."""
    try:
        case = read_case(earlier, sample)
        answer = answers(sample, case.image)
    except DelineateError as error:
        labels = _labels_of(earlier, sample)
        return ScoredCase(
            sample.id, sample.subject, {}, earlier=labels, failure=str(error), is_dropped=True
        )
    return ScoredCase(
        sample.id,
        sample.subject,
        {},
        region=case.region,
        probability=answer.probability,
        labels=answer.labels,
        earlier=case.labels,
        is_dropped=True,
    )


def _labels_of(dataset: Dataset, sample: Sample) -> dict[str, Labels]:
    """The labels of each observer whose mask can be read."""
    found = {}
    for observer in sample.masks:
        with suppress(DelineateError):
            found[observer] = read_labels(dataset, sample, observer)
    return found


def file_name(sample_id: str) -> str:
    """A sample's id as a file name: folders in it become underscores."""
    return sample_id.replace("/", "_").replace("\\", "_")
