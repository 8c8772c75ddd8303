"""A method without a network from a folder to a run: data, split, parameters, model folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from delineate.classical.method import Case, Method
from delineate.core.errors import SettingsError
from delineate.core.progress import Progress, track
from delineate.data.listing import counted
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.files.writing import new_folder, write_text
from delineate.inference.classical_segmenter import classical_segmenter, use_threads, view_of
from delineate.inference.model_card import Threshold
from delineate.inference.preparation import Preparation, resize_labels
from delineate.inference.repeats import VIEWS
from delineate.inference.segmenter import Segmenter
from delineate.metrics.thresholds import ARGMAX, Choice, Cut, decide
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import recipe_text
from delineate.training.budget import Budget, Clock
from delineate.training.validate import METRICS, Judged, scores_of
from delineate.workflows.chosen_threshold import best_threshold, stated
from delineate.workflows.classical_search import Found, searched
from delineate.workflows.classical_writing import write_classical_model
from delineate.workflows.inputs import inputs_of
from delineate.workflows.labelled_data import (
    data_digest,
    fitted_preparation,
    has_dark_surround,
    labelled_image,
    labels_origin,
)
from delineate.workflows.preflight import Preflight, preflight_data
from delineate.workflows.run_folder import RECIPE, SPLIT, RunFacts, write_run
from delineate.workflows.starting import AskedData, TrainingData, begun, require_labels_fit
from delineate.workflows.train_result import TrainResult

# Seconds kept for writing the model, and how much longer than the longest so far each of what is
# still to come may take.
_WRITING_S, _SLACK = 3.0, 1.3
# A method that says 0 or 1 is cut between them.
_HARD = 0.5


def require_no_network(plan: ClassicalRecipe, asked: Mapping[str, object]) -> None:
    """Refuse options that only a network has a use for.

    Raises:
        SettingsError: naming the first of them.
    """
    for option, value in asked.items():
        if value not in (None, False):
            raise SettingsError(
                f"{option}: recipe '{plan.name}' is a method without a network, which tries its "
                "parameters once, on the processor; leave the option out, or give --minutes to "
                "bound the time"
            )


def train_classical(
    plan: ClassicalRecipe,
    asked: AskedData,
    out: Path,
    *,
    clock: Clock,
    recipe: str | None,
    minutes: float | None,
    overwrite: bool,
    seed: int,
    threads: int | None,
    begun_data: TrainingData | None = None,
    accepted: Sequence[str] = (),
    is_checked: bool = False,
    is_dry_run: bool = False,
    progress: Progress,
) -> TrainResult:
    """Choose parameters on training images, the threshold on validation; see `train`.

    `begun_data` is the data where it was read and parted before. A training among several
    `is_checked` with all of them, and has no preflight of its own.

    Raises:
        DelineateError: as of `train`; or classes that the method cannot tell apart.
    """
    require_labels_fit(plan.task, asked.labels)
    if minutes is not None:
        Budget(seconds=60 * minutes)  # refuses a budget of nothing before we write
    use_threads(threads)
    with ExitStack() as temporary:  # holds the decided masks until the run has its folder
        data = begun_data or temporary.enter_context(
            begun(
                asked,
                task=plan.task,
                fraction=plan.validation.fraction,
                seed=seed,
                progress=progress,
            )
        )
        report: Preflight | None = None
        if not is_checked:
            report = preflight_data(data, accepted=accepted, progress=progress)
            report.tell(progress)
        require_separable(plan, data.dataset)
        preparation = fitted_preparation(data.dataset.only(TRAIN), plan.prepare, progress)
        plan.classical.candidates(preparation.channels)  # refuses tones that are not there
        facts = RunFacts(
            data=str(Path(asked.source).resolve()),
            layout=asked.layout,
            masks=asked.masks,
            subjects=asked.subjects,
            seed=seed,
            device="cpu",
            threads=threads or cv2.getNumThreads(),
            precision="float32",
            why_precision="methods without a network calculate so",
            minutes=minutes,
            steps=None,
            split_origin=data.split_origin,
            data_sha256=data_digest(data.dataset, has_table=False),
            review=asked.resolved_review,
            allow_leakage=asked.allow_leakage,
            overlapping=asked.overlapping,
            accepted=tuple(accepted),
        )
        if report is not None and is_dry_run:
            return report.as_result(out)
        new_folder(out, overwrite=overwrite, inputs=inputs_of(data.dataset, *asked.files, recipe))
        data = data.placed_in(out)
        write_text(out / RECIPE, recipe_text(plan))
        data.write_split(out / SPLIT)
        write_run(out, facts, leaks=data.leak_document, review=data.decided.document)
        if report is not None:
            report.write(out)
    dataset = data.dataset
    _announce(plan, dataset, facts, progress)
    is_dark_around = has_dark_surround(dataset.only(TRAIN))
    cases = list(training_cases(dataset.only(TRAIN), plan, preparation, is_dark_around, progress))
    found = searched(
        plan.classical,
        cases,
        classes=len(dataset.classes),
        metric=plan.validation.metric,
        seed=seed,
        has_time=_has_time(plan, clock, minutes, len(cases), len(dataset.only(VALIDATION).samples)),
        progress=progress,
    )
    del cases
    _tell(found, progress)
    segment = classical_segmenter(
        found.method,
        preparation,
        plan.predict.as_predict_settings(),
        has_dark_surround=is_dark_around,
    )
    held_out = dataset.only(VALIDATION)
    threshold, scores = threshold_and_scores(
        found.method,
        _judged(segment, held_out, progress),
        classes=len(dataset.classes),
        images=len(held_out.samples),
        metric=plan.validation.metric,
    )
    card = write_classical_model(
        out / "model",
        found,
        dataset=dataset,
        preparation=preparation,
        recipe=plan,
        facts=facts,
        threshold=threshold,
        scores=scores,
        is_dark_around=is_dark_around,
        elapsed_s=clock.elapsed_s,
    )
    progress.say(f"finished after {clock.elapsed_s() / 60:.1f} min")
    return TrainResult(out, card)


def require_separable(plan: ClassicalRecipe, dataset: Dataset) -> None:
    """Refuse classes that the method of a recipe cannot tell apart.

    Raises:
        SettingsError: several classes for a method of two, or classes that overlap.
    """
    names = ", ".join(each.name for each in dataset.classes[1:])
    if dataset.is_overlapping:
        raise SettingsError(
            f"{dataset.root}: its classes overlap ({names}), and a method without a network gives "
            "each pixel one class; train a network instead"
        )
    if len(dataset.classes) > 2 and not plan.classical.kind.several:
        raise SettingsError(
            f"{dataset.root}: expected one class beside the background for {plan.classical.method},"
            f" found {len(dataset.classes) - 1} ({names}); take kmeans, gmm, otsu, watershed or "
            "spectral, or one class with --masks"
        )


def training_cases(
    training: Dataset,
    plan: ClassicalRecipe,
    preparation: Preparation,
    is_dark_around: bool,
    progress: Progress,
) -> Iterator[Case]:
    """At most as many evenly spaced training cases as the recipe says, at working size."""
    count = min(plan.classical.images, len(training.samples))
    places = np.linspace(0, len(training.samples) - 1, count).round().astype(int)
    for sample in track([training.samples[at] for at in places], "training images", progress):
        image, labels = labelled_image(training, sample)
        tones = preparation(image)
        size_px = (tones.shape[1], tones.shape[2])
        view = view_of(image, size_px, has_dark_surround=is_dark_around)
        yield Case(tones, resize_labels(labels, size_px), view)


def threshold_and_scores(
    method: Method, judged: Iterable[Judged], *, classes: int, images: int, metric: str
) -> tuple[Threshold, dict[str, float | None]]:
    """Where the probability is cut, and what the cut cases score.

    Cases are kept, all at once, only where there is a threshold to choose.
    """
    if classes > 2:
        scores = scores_of(METRICS, judged)
        return stated(replace(ARGMAX, score=scores[metric]), images), scores
    if not method.is_soft:
        scores = scores_of(METRICS, _as_cut(judged, _HARD))
        rule = "the method says 0 or 1; cut at 0.5"
        return stated(Choice(_HARD, scores[metric], rule), images), scores
    kept = list(judged)
    threshold = best_threshold(kept, metric)
    return threshold, scores_of(METRICS, _as_cut(kept, threshold.value))


def _judged(segment: Segmenter, cases: Dataset, progress: Progress) -> Iterator[Judged]:
    for sample in track(cases.samples, "threshold", progress):
        image, labels = labelled_image(cases, sample)
        (probability,) = segment([image])
        yield probability, labels


def _as_cut(judged: Iterable[Judged], threshold: Cut) -> Iterator[Judged]:
    for probability, labels in judged:
        yield decide(probability, threshold)[None].astype(np.float32), labels


def _has_time(
    plan: ClassicalRecipe, clock: Clock, minutes: float | None, training: int, validation: int
) -> Callable[[float], bool]:
    """Whether a budget of minutes allows one more combination, and the work after it."""
    passes = validation * len(VIEWS[plan.predict.repeats]) / training

    def has_time(longest_s: float) -> bool:
        if minutes is None:
            return True
        still_s = _SLACK * longest_s * (1 + passes) + _WRITING_S
        return clock.elapsed_s() + still_s <= 60 * minutes

    return has_time


def _announce(plan: ClassicalRecipe, dataset: Dataset, facts: RunFacts, progress: Progress) -> None:
    counts = {split: len(dataset.only(split).samples) for split in (TRAIN, VALIDATION)}
    how_long = "" if facts.minutes is None else f"{facts.minutes:g} min at most, "
    progress.say(
        f"recipe {plan.name}: {plan.classical.method}, without a network; {how_long}seed "
        f"{facts.seed}, {facts.threads} threads"
    )
    progress.say(
        f"{counts[TRAIN]} training and {counts[VALIDATION]} validation images, "
        f"{labels_origin(dataset, None)}, classes: "
        + ", ".join(each.name for each in dataset.classes)
    )


def _tell(found: Found, progress: Progress) -> None:
    chosen = ", ".join(f"{name} {value}" for name, value in found.best.parameters.items())
    progress.say(
        f"tried {len(found.tried)} of {counted(found.combinations, 'combination')}; best on "
        f"training images, {found.best.score:.4f}: {chosen}"
    )
