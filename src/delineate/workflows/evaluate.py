"""A model on a split of its own or of other data, scored under stated rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.settings import EvaluationSettings
from delineate.inference.asked_thresholds import require_cut
from delineate.inference.classifier import load_classifier
from delineate.inference.model import Model, load_model
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.inference.model_folder import read_card, require_depth
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.settings import Repeats
from delineate.metrics.thresholds import Cut
from delineate.report.overlays import find_palette
from delineate.workflows.classification_writing import ClassificationResult
from delineate.workflows.classified import classified
from delineate.workflows.depths import depth_rows
from delineate.workflows.evaluated_gate import EvaluatedGate
from delineate.workflows.evaluated_members import EvaluatedMembers
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.judging import AskedScoring, judging
from delineate.workflows.predict_classifier import refuse_palette
from delineate.workflows.scoring import Answer, Answers, Beside, ScoringResult, score_and_write
from delineate.workflows.timed_models import mean_in


def evaluate(
    model: Path | str,
    source: Path | str | None = None,
    *,
    out: Path | str | None = None,
    split: str | None = None,
    threshold: float | None = None,
    repeats: Repeats | None = None,
    depth: int | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    labels: Path | str | None = None,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    overlapping: bool = False,
    objects: bool | None = None,
    structure: bool = False,
    palette: str | None = None,
    overwrite: bool = False,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> ScoringResult | ClassificationResult:
    """Predict and score the cases of a split, `test` unless another is named.

    `model` is a run or a model folder. Without `source` a run's own data is taken; for a
    run's own data the run's split, layout, mask encoding and subjects hold unless others are
    given, and so does the review that the run was trained under. Every scoring by a run is
    logged in its `scorings.jsonl`. Writes to `RUN/evaluation-SPLIT` unless told otherwise.

    Subjects, files and copies of one picture that stand in the scored split and in one before
    it are an error unless `allow_leakage`; the headline scores are then given with and without
    the leaked cases. Under the decisions of a `review` they are given for the labels as
    decided, for those before, and for the cases that no decision touched.

    `overlapping` declares that a pixel of the data may belong to several classes; for a model
    trained so, and for a run's own data, it need not be said.

    `objects` are counted where the data set has single ones, unless it is said; with
    `structure` vessels are measured: lengths and widths, and their errors.

    A network that can be pruned is scored at every depth too, unless one `depth` is asked for. A
    model with a gate is scored end to end, and beside the same segmenter without it; of models
    whose mean counts each stands beside the mean. Pictures are drawn in the `default` palette, of
    a model with a gate in that of `pneumothorax`: truth green, prediction red. A
    classifier is held against whether masks hold any foreground, or against the `labels` of a CSV.

    Raises:
        LeakageError: a leaking split that is not allowed.
        DelineateError: no model, no data, no such split, or classes that do not match.
    """
    model = Path(model)
    card = read_card(model)
    palette = palette or ("default" if card.gate is None else "pneumothorax")
    find_palette(palette)
    require_depth(card, depth)
    if card.task == "classify":
        refuse_palette(palette)
        if objects:
            raise SettingsError(
                "--objects: a classifier says nothing of single objects; leave the option out"
            )
        if structure:
            raise SettingsError(
                "--structure: a classifier draws no vessels to measure; leave the option out"
            )
    require_cut(card, threshold)
    asked = AskedScoring(
        source,
        split,
        layout,
        masks,
        subjects,
        labels,
        split_file,
        review,
        allow_leakage,
        overlapping,
    )
    judged = partial(
        judging,
        model,
        asked,
        out=None if out is None else Path(out),
        overwrite=overwrite,
        progress=progress,
    )
    settings = EvaluationSettings(seed=seed)
    if card.task == "classify":
        classifier = load_classifier(model, device=device, threads=threads, repeats=repeats)
        return classified(judged(), classifier, threshold, settings=settings, progress=progress)

    asked_prediction = {"repeats": repeats, "depth": depth}
    changes = {name: value for name, value in asked_prediction.items() if value is not None}
    loaded = load_model(model, device=device, threads=threads, **changes)
    case = judged()
    every_depth: dict[str, Any] = {}
    if depth is None and card.depths:
        at_depth = partial(load_model, model, device=device, threads=threads, **changes)
        models = [at_depth(depth=each.depth) for each in card.depths]
        every_depth = {"depths": depth_rows(models, case.data, settings, progress)}
    cut = loaded.cut(threshold)
    answers, besides = _answered_beside(
        loaded, case.data.dataset, threshold, threads=threads, settings=settings
    )
    result = score_and_write(
        case.target,
        case.data.dataset,
        case.data.cases,
        answers,
        split=case.data.split,
        classes=loaded.classes,
        threshold=cut,
        threshold_origin=loaded.threshold.origin if threshold is None else GIVEN_BY_HAND,
        palette=palette,
        facts=case.facts()
        | {
            "repeats": loaded.predict_settings.repeats,
            "depth": loaded.predict_settings.depth,
        }
        | every_depth,
        notes=case.notes(),
        has_objects=objects,
        has_structure=structure,
        views=case.data.views,
        earlier=case.data.earlier,
        besides=besides,
        settings=settings,
        progress=progress,
    )
    write_pages(result, case.data.dataset, case.own_run)
    return result


def _answered_beside(
    model: Model,
    dataset: Dataset,
    threshold: float | None,
    *,
    threads: int | None,
    settings: EvaluationSettings,
) -> tuple[Answers, list[Beside]]:
    """What the model says of each case, and what its gate and members say along with it."""
    observer = dataset.observers[0]
    besides: list[Beside] = []
    mean = mean_in(model)
    if mean is not None:
        members = EvaluatedMembers(
            model,
            mean,
            observer=observer,
            threshold=threshold,
            threads=threads,
            settings=settings,
        )
        model = replace(model, look=members.look)
        besides.append(members)
    if model.card.gate is None:
        return answers_of(model, model.cut(threshold)), besides
    gate = EvaluatedGate(
        model, observer=observer, threshold=threshold, threads=threads, settings=settings
    )
    return gate.answer, [gate, *besides]


def answers_of(model: Model, threshold: Cut) -> Answers:
    """What a model says of each case: its probability, and labels without small objects."""
    minimum_area_px = model.predict_settings.minimum_area_px

    def answers(sample: Sample, image: Image) -> Answer:
        probability = model.probability(image)
        labels = labels_from_probability(
            probability, threshold=threshold, minimum_area_px=minimum_area_px
        )
        return Answer(probability, labels)

    return answers
