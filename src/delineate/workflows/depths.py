"""What each depth of a network that can be pruned costs and reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from delineate.core.errors import DelineateError
from delineate.core.progress import Progress, track
from delineate.core.types import Image
from delineate.data.reading import read_case
from delineate.data.sample import Dataset
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.records import ScoreRecord
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.image_files import read_image
from delineate.inference.model import Model
from delineate.inference.postprocess import labels_from_probability
from delineate.workflows.scored_data import ScoredData

# Images on which the time of each depth is taken, after one that warms up.
_TIMED = 8


def depth_rows(
    models: Sequence[Model], data: ScoredData, settings: EvaluationSettings, progress: Progress
) -> list[dict[str, Any]]:
    """A row a depth, shallowest first: parameters, time an image, threshold and headline scores.

    Each depth is cut at the threshold that was chosen for it on validation. Time is the median
    over the first images of the split, the depths one after the other on each; it is that of
    this machine, and only its ratio to the whole network says more.
    """
    times_ms = _times_ms(models, data.cases, progress)
    rows = []
    for model, time_ms in zip(models, times_ms, strict=True):
        depth = model.predict_settings.depth
        name = f"score, depth {depth}"
        evaluation = score_cases(
            _cases(model, data, name, progress),
            model.classes,
            model.cut(),
            threshold_origin=model.threshold.origin,
            is_overlapping=model.card.is_overlapping,
            settings=settings,
        )
        headline = [record for record in evaluation.headline() if record.predictor == "model"]
        rows.append(
            {
                "depth": depth,
                "parameters": model.card.depths[(depth or 1) - 1].parameters,
                "milliseconds_an_image": time_ms,
                "share_of_time": time_ms / times_ms[-1] if time_ms and times_ms[-1] else None,
                "threshold": model.threshold.value,
                "thresholds": model.threshold.values,
                "scores": [_score(record) for record in headline],
            }
        )
    return rows


def _score(record: ScoreRecord) -> dict[str, Any]:
    return {"score": record.score, "pooling": record.pooling, "value": record.value}


def _cases(model: Model, data: ScoredData, name: str, progress: Progress) -> Iterator[ScoredCase]:
    for sample in track(data.cases.samples, name, progress):
        try:
            case = read_case(data.dataset, sample)
        except DelineateError as problem:
            yield ScoredCase(sample.id, sample.subject, {}, failure=str(problem))
            continue
        probability = model.probability(case.image)
        labels = labels_from_probability(
            probability,
            threshold=model.cut(),
            minimum_area_px=model.predict_settings.minimum_area_px,
        )
        yield ScoredCase(
            sample.id,
            sample.subject,
            case.labels,
            region=case.region,
            probability=probability,
            labels=labels,
        )


def _times_ms(models: Sequence[Model], cases: Dataset, progress: Progress) -> list[float | None]:
    """The median time of each model, all of them on one image before the next."""
    images = list(_first_images(cases))
    times_s: list[list[float]] = [[] for _ in models]
    for number, image in enumerate(track(images, "time of each depth", progress)):
        for model, taken_s in zip(models, times_s, strict=True):
            began_s = perf_counter()
            model.probability(image)
            if number or len(images) == 1:
                taken_s.append(perf_counter() - began_s)
    return [round(1000 * median(taken_s), 2) if taken_s else None for taken_s in times_s]


def _first_images(cases: Dataset) -> Iterator[Image]:
    found = 0
    for sample in cases.samples:
        if found > _TIMED:
            return
        try:
            yield read_image(sample.image)
        except DelineateError:
            continue  # it is listed among the failures of the scoring
        found += 1
