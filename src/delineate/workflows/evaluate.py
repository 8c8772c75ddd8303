"""A model on a split of its own or of other data, scored under stated rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image
from delineate.data.opening import open_dataset
from delineate.data.sample import TEST, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.splitting import apply_split, read_split
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.writing import append_line, new_folder, read_lines
from delineate.inference.model_card import ModelCard
from delineate.inference.model_folder import find_model_folder, load_model
from delineate.inference.postprocess import without_small_objects
from delineate.inference.settings import Repeats
from delineate.metrics.thresholds import decide
from delineate.report.overlays import find_palette
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.inputs import inputs_of
from delineate.workflows.reviewed import decided
from delineate.workflows.run_folder import RUN, SCORINGS, SPLIT, RunFacts, read_run, review_of
from delineate.workflows.scored_data import ScoredData, Seen, scored_data
from delineate.workflows.scoring import Answer, ScoringResult, score_and_write
from delineate.workflows.training_data import data_digest


def evaluate(
    model: Path | str,
    source: Path | str | None = None,
    *,
    out: Path | str | None = None,
    split: str | None = None,
    threshold: float | None = None,
    repeats: Repeats | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    palette: str = "default",
    overwrite: bool = False,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> ScoringResult:
    """Predict and score the cases of a split, `test` unless another is named.

    `model` is a run or a model folder. Without `source` a run's own data is taken; for a
    run's own data the run's split, layout, mask encoding and subjects hold unless others are
    given, and so does the review that the run was trained under. Every scoring by a run is
    logged in its `scorings.jsonl`. Writes to `RUN/evaluation-SPLIT` unless told otherwise.

    Subjects, files and copies of one picture that stand in the scored split and in one before
    it are an error unless `allow_leakage`; the headline scores are then given with and without
    the leaked cases. Under the decisions of a `review` they are given for the labels as
    decided, for those before, and for the cases that no decision touched.

    Raises:
        LeakageError: a leaking split that is not allowed.
        DelineateError: no model, no data, no such split, or classes that do not match.
    """
    model = Path(model)
    find_palette(palette)
    changes: dict[str, Any] = {} if repeats is None else {"repeats": repeats}
    loaded = load_model(model, device=device, threads=threads, **changes)
    run = _run_of(model)
    if run is None and source is None:
        raise SettingsError(f"{model}: a model folder without its run; say which DATA to score")
    is_own = run is not None and (source is None or _is_data_of(run, source))
    if run is not None and is_own:
        folder, facts = run
        split_file = split_file or folder / SPLIT
        layout, masks = layout or facts.layout, masks or facts.masks
        subjects = subjects or facts.subjects
        review = review or review_of(folder, facts)
    with scored_data(
        source if source is not None else run[1].data,  # type: ignore[index] # checked above
        split=split,
        split_file=split_file,
        layout=layout,
        masks=masks,
        subjects=subjects,
        review=None if review is None else Path(review),
        allow_leakage=allow_leakage,
        seen=None if run is None or is_own else _seen_by(run),
        progress=progress,
    ) as data:
        dataset, split = data.dataset, data.split
        require_known_classes(dataset, loaded.card)
        if threshold is not None and len(loaded.classes) > 2:
            raise SettingsError(
                "--threshold: a model of several classes takes the likeliest; leave the option out"
            )
        if out is None:
            where = "" if is_own else f"-{dataset.root.stem}"
            out = (run[0] if run else model.resolve().parent) / f"evaluation-{split}{where}"
            overwrite = overwrite or run is not None
        inputs = (model, find_model_folder(model), source, split_file, subjects, review)
        target = new_folder(
            Path(out), overwrite=overwrite, inputs=inputs_of(data.decided.original, *inputs)
        )
        data = data.placed_in(target)
    dataset = data.dataset
    is_chosen = threshold is None
    threshold = loaded.card.threshold.value if threshold is None else threshold
    origin = (
        f"{loaded.card.threshold.rule} ({loaded.card.threshold.chosen_on})"
        if is_chosen
        else "given by hand"
    )
    minimum_area_px = loaded.predict_settings.minimum_area_px

    def answers(sample: Sample, image: Image) -> Answer:
        probability = loaded.probability(image)
        labels = decide(probability, threshold)
        return Answer(probability, without_small_objects(labels, minimum_area_px))

    result = score_and_write(
        target,
        dataset,
        data.cases,
        answers,
        split=split,
        classes=loaded.classes,
        threshold=threshold,
        threshold_origin=origin,
        palette=palette,
        facts={
            "model": loaded.card.name,
            "weights_sha256": loaded.card.weights_sha256,
            "data": str(dataset.root),
            "layout": dataset.layout,
            "repeats": loaded.predict_settings.repeats,
            "scorings_of_this_split": _log(run, data, target) if run else None,
        }
        | data.facts(),
        notes=(*(_seen_before(split) if is_own else ()), *data.notes()),
        views=data.views,
        earlier=data.earlier,
        settings=EvaluationSettings(seed=seed),
        progress=progress,
    )
    write_pages(result, dataset, run[0] if run is not None and is_own else None)
    return result


def _seen_by(run: tuple[Path, RunFacts]) -> Seen:
    """The images that a run was trained and validated on, where they still are."""
    folder, facts = run
    name = f"{folder.name}'s data"
    try:
        opened = open_dataset(facts.data, layout=facts.layout)
        dataset = apply_split(opened, read_split(folder / SPLIT))
    except DelineateError as problem:
        return Seen(name, problem=str(problem))
    used = tuple(s for s in dataset.samples if s.split in (TRAIN, VALIDATION))
    return Seen(name, used)


def _seen_before(split: str) -> tuple[str, ...]:
    """What must be said where the model is scored on cases that it was made with."""
    if split == TEST:
        return ()
    seen = {TRAIN: "the model was trained on these very cases"}
    chosen = "checkpoint and threshold were chosen on these very cases"
    return (f"{seen.get(split, chosen)}: expect less on new images",)


def require_known_classes(dataset: Dataset, card: ModelCard) -> None:
    """Refuse data that holds classes which the model has never seen.

    Raises:
        SettingsError: naming both lists.
    """
    if len(dataset.classes) > len(card.classes):
        raise SettingsError(
            f"{dataset.root}: its masks hold {len(dataset.classes)} classes "
            f"({', '.join(each.name for each in dataset.classes)}), the model knows "
            f"{len(card.classes)} ({', '.join(each.name for each in card.classes)}); "
            "score data of the same classes, or say with --masks how these masks are read"
        )


def _run_of(model: Path) -> tuple[Path, RunFacts] | None:
    """The run folder of a model and its facts; None for a model folder on its own."""
    folder = find_model_folder(model)
    # Resolved last: paths are shown as they were given, but the parent of `.` is elsewhere.
    for candidate in (model, folder.parent, folder.resolve().parent):
        if (candidate / RUN).is_file():
            return candidate, read_run(candidate)
    return None


def _is_data_of(run: tuple[Path, RunFacts], source: Path | str) -> bool:
    """Whether a source is what the run was trained on, wherever it lies now.

    Told by its path, else by the contents of the training and validation files.
    """
    folder, facts = run
    if Path(source).resolve() == Path(facts.data):
        return True
    if facts.data_sha256 is None:
        return False
    try:
        # Without subjects: they do not count here, and other data may name nobody so.
        dataset = open_dataset(source, layout=facts.layout, masks=facts.masks)
        dataset = apply_split(dataset, read_split(folder / SPLIT))
        with decided(dataset, review_of(folder, facts)) as reviewed:
            return data_digest(reviewed.dataset) == facts.data_sha256
    except DelineateError:
        return False  # another layout, other observers or other images


def _log(run: tuple[Path, RunFacts], data: ScoredData, target: Path) -> int:
    """Append this scoring to the run's log, and return how often these cases were scored."""
    file = run[0] / SCORINGS
    row = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "split": data.split,
        "data": str(data.dataset.root.resolve()),
        "cases": len(data.cases.samples),
        "out": str(target),
        "leaked": len(data.leaked),
        "review_sha256": (data.decided.document or {}).get("sha256"),
    }
    append_line(file, json.dumps(row))
    return sum(
        (each.get("split"), each.get("data")) == (row["split"], row["data"])
        for each in read_lines(file)
    )
