"""A model on a split of its own or of other data, scored under stated rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.writing import append_line, new_folder
from delineate.inference.model_card import ModelCard
from delineate.inference.model_folder import find_model_folder, load_model
from delineate.inference.postprocess import without_small_objects
from delineate.inference.settings import Repeats
from delineate.metrics.thresholds import decide
from delineate.report.overlays import find_palette
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.run_folder import RUN, SCORINGS, SPLIT, RunFacts, read_run
from delineate.workflows.scored_data import cases_of, scored_dataset
from delineate.workflows.scoring import Answer, ScoringResult, score_and_write


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
    given. Every scoring by a run is logged in its `scorings.jsonl`. Writes to
    `RUN/evaluation-SPLIT` unless told otherwise.

    Raises:
        DelineateError: no model, no data, no such split, or classes that do not match.
    """
    model = Path(model)
    find_palette(palette)
    changes: dict[str, Any] = {} if repeats is None else {"repeats": repeats}
    loaded = load_model(model, device=device, threads=threads, **changes)
    run = _run_of(model)
    if run is None and source is None:
        raise SettingsError(f"{model}: a model folder without its run; say which DATA to score")
    is_own = run is not None and (
        source is None or Path(source).resolve() == Path(run[1].data).resolve()
    )
    if run is not None and is_own:
        folder, facts = run
        split_file = split_file or folder / SPLIT
        layout, masks = layout or facts.layout, masks or facts.masks
        subjects = subjects or facts.subjects
    dataset, split = scored_dataset(
        source if source is not None else run[1].data,  # type: ignore[index] # checked above
        split=split,
        split_file=split_file,
        layout=layout,
        masks=masks,
        subjects=subjects,
        progress=progress,
    )
    require_known_classes(dataset, loaded.card)
    if out is None:
        out = (run[0] if run else model.parent) / f"evaluation-{split}"
        overwrite = overwrite or run is not None
    target = new_folder(Path(out), overwrite=overwrite)
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
        cases_of(dataset, split),
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
            "scorings_of_this_split": _log(run, dataset, split, target) if run else None,
        },
        settings=EvaluationSettings(seed=seed),
        progress=progress,
    )
    write_pages(result, dataset, run[0] if run is not None and is_own else None)
    return result


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
    for candidate in (model, folder.parent):
        if (candidate / RUN).is_file():
            return candidate, read_run(candidate)
    return None


def _log(run: tuple[Path, RunFacts], dataset: Dataset, split: str, target: Path) -> int:
    """Append this scoring to the run's log, and return how often the split was scored."""
    file = run[0] / SCORINGS
    row = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "split": split,
        "data": str(dataset.root),
        "cases": len(cases_of(dataset, split).samples),
        "out": str(target),
    }
    append_line(file, json.dumps(row))
    before = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return sum(each["split"] == split for each in before)
