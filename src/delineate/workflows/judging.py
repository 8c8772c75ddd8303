"""Which model is scored on what: its run, the data, the split, and where the result goes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delineate.core.checks import sha256_of_file
from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import Progress
from delineate.data.image_labels import image_labels
from delineate.data.opening import open_dataset
from delineate.data.sample import TEST, TRAIN, VALIDATION, Dataset
from delineate.data.splitting import apply_split, read_split
from delineate.files.writing import append_line, new_folder, read_lines
from delineate.inference.model_card import ModelCard
from delineate.inference.model_folder import find_model_folder, read_card
from delineate.workflows.inputs import inputs_of
from delineate.workflows.labelled_data import data_digest, labels_origin
from delineate.workflows.reviewed import decided
from delineate.workflows.run_folder import (
    RUN,
    SCORINGS,
    SPLIT,
    RunFacts,
    labels_of,
    read_run,
    review_of,
)
from delineate.workflows.scored_data import EVERYTHING, ScoredData, Seen, scored_data


@dataclass(frozen=True)
class AskedScoring:
    """Which data a model is to be scored on, as it was asked for."""

    source: Path | str | None
    split: str | None = None
    layout: str | None = None
    masks: str | Sequence[str] | None = None
    subjects: str | None = None
    labels: Path | str | None = None
    split_file: Path | str | None = None
    review: Path | str | None = None
    allow_leakage: bool = False
    overlapping: bool = False


@dataclass(frozen=True)
class Judging:
    """A model's card, the data that it is scored on, and the folder for the result.

    `run` is the run folder that the model came from and its facts, None for a model folder on
    its own; `is_own` says whether the data is what that run was made with. `labels` says of a
    classifier's data what the truth is; empty where a model draws masks.
    """

    card: ModelCard
    data: ScoredData
    target: Path
    run: tuple[Path, RunFacts] | None
    is_own: bool
    labels: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def own_run(self) -> Path | None:
        """The run folder, where its own data is scored."""
        return self.run[0] if self.run is not None and self.is_own else None

    def facts(self) -> dict[str, Any]:
        """What heads evaluation.json; the scoring is logged in the run."""
        return {
            "model": self.card.name,
            "weights_sha256": self.card.weights_sha256,
            "data": str(self.data.dataset.root),
            "layout": self.data.dataset.layout,
            **self._labels_fact(),
            "scorings_of_this_split": self._log(self.run[0]) if self.run else None,
        } | self.data.facts()

    def _labels_fact(self) -> dict[str, Any]:
        return {"labels": dict(self.labels)} if self.labels else {}

    def _log(self, folder: Path) -> int:
        """Append this scoring to the run's log, and return how often these cases were scored."""
        file = folder / SCORINGS
        row = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "split": self.data.split,
            "data": str(self.data.dataset.root.resolve()),
            "cases": len(self.data.cases.samples),
            "out": str(self.target),
            "leaked": len(self.data.leaked),
            "review_sha256": (self.data.decided.document or {}).get("sha256"),
            **self._labels_fact(),
        }
        append_line(file, json.dumps(row))
        return sum(
            (each.get("split"), each.get("data")) == (row["split"], row["data"])
            for each in read_lines(file)
        )

    def notes(self) -> tuple[str, ...]:
        """What must be said beside the scores."""
        seen = _seen_before(self.data.split) if self.is_own else ()
        return (*seen, *self.data.notes())


def judging(
    model: Path, asked: AskedScoring, *, out: Path | None, overwrite: bool, progress: Progress
) -> Judging:
    """The data to score a model on, checked, and a folder for the result.

    Raises:
        LeakageError: a leaking split that is not allowed.
        DelineateError: no model, no data, no such split, or classes that do not match.
    """
    card, run = read_card(model), run_of(model)
    source = asked.source
    if run is None and source is None:
        raise SettingsError(f"{model}: a model folder without its run; say which DATA to score")
    is_own = run is not None and (source is None or is_data_of(run, source))
    split_file, layout, masks = asked.split_file, asked.layout, asked.masks
    subjects, review, labels = asked.subjects, asked.review, asked.labels
    overlapping = asked.overlapping or card.is_overlapping
    table = labels
    if card.task == "segment" and labels is not None:
        raise SettingsError(
            f"--labels {labels}: says of whole images what is in them, and this model draws masks; "
            "leave the option out"
        )
    if run is not None and is_own:
        folder, facts = run
        split_file = split_file or folder / SPLIT
        layout, masks = layout or facts.layout, masks or facts.masks
        subjects = subjects or facts.subjects
        review = review or review_of(folder, facts)
        table = labels or facts.labels
        labels = labels or labels_of(folder, facts)
        overlapping = overlapping or facts.overlapping
    with scored_data(
        source if source is not None else run[1].data,  # type: ignore[index] # checked above
        split=asked.split,
        split_file=split_file,
        layout=layout,
        masks=masks,
        subjects=subjects,
        labels=None if labels is None else Path(labels),
        review=None if review is None else Path(review),
        allow_leakage=asked.allow_leakage,
        overlapping=overlapping,
        seen=None if run is None or is_own else _seen_by(run),
        progress=progress,
    ) as data:
        if card.task == "segment":
            require_known_classes(data.dataset, card)
        if out is None:
            where = "" if is_own else f"-{data.dataset.root.stem}"
            out = (run[0] if run else model.resolve().parent) / f"evaluation-{data.split}{where}"
            overwrite = overwrite or run is not None
        inputs = (model, find_model_folder(model), source, split_file, subjects, review, labels)
        target = new_folder(
            out, overwrite=overwrite, inputs=inputs_of(data.decided.original, *inputs)
        )
        truth = _truth_of(data.dataset, labels, table) if card.task == "classify" else {}
        return Judging(card, data.placed_in(target), target, run, is_own, truth)


def _truth_of(
    dataset: Dataset, labels: Path | str | None, table: Path | str | None
) -> dict[str, str | None]:
    """What images are held against: masks, or a table by its first name and contents."""
    sha256 = None if labels is None else sha256_of_file(Path(labels))
    return {"origin": labels_origin(dataset, table), "table_sha256": sha256}


def _seen_by(run: tuple[Path, RunFacts]) -> Seen:
    """The images that a run was trained and validated on, where they still are."""
    folder, facts = run
    name = f"{folder.name}'s data"
    try:
        opened = open_dataset(facts.data, layout=facts.layout, overlapping=facts.overlapping)
        dataset = apply_split(opened, read_split(folder / SPLIT))
    except DelineateError as problem:
        return Seen(name, problem=str(problem))
    used = tuple(s for s in dataset.samples if s.split in (TRAIN, VALIDATION))
    return Seen(name, used)


def _seen_before(split: str) -> tuple[str, ...]:
    """What must be said where the model is scored on cases that it was made with."""
    if split == TEST:
        return ()
    seen = {
        TRAIN: "the model was trained on these very cases",
        EVERYTHING: "the model was trained on some of these cases",
    }
    chosen = "checkpoint and threshold were chosen on these very cases"
    return (f"{seen.get(split, chosen)}: expect less on new images",)


def require_known_classes(dataset: Dataset, card: ModelCard) -> None:
    """Refuse data that holds classes which the model has never seen, or holds them otherwise.

    Raises:
        SettingsError: naming both lists, or that only the data's classes overlap.
    """
    if dataset.is_overlapping and not card.is_overlapping:
        raise SettingsError(
            f"{dataset.root}: its classes may overlap, and the model was trained to give each "
            "pixel one class; score data of that kind, or train on this data with --overlapping"
        )
    if len(dataset.classes) > len(card.classes):
        raise SettingsError(
            f"{dataset.root}: its masks hold {len(dataset.classes)} classes "
            f"({', '.join(each.name for each in dataset.classes)}), the model knows "
            f"{len(card.classes)} ({', '.join(each.name for each in card.classes)}); "
            "score data of the same classes, or say with --masks how these masks are read"
        )


def run_of(model: Path) -> tuple[Path, RunFacts] | None:
    """The run folder of a model and its facts; None for a model folder on its own."""
    folder = find_model_folder(model)
    # Resolved last: paths are shown as they were given, but the parent of `.` is elsewhere.
    for candidate in (model, folder.parent, folder.resolve().parent):
        if (candidate / RUN).is_file():
            return candidate, read_run(candidate)
    return None


def is_data_of(run: tuple[Path, RunFacts], source: Path | str) -> bool:
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
        dataset = open_dataset(
            source, layout=facts.layout, masks=facts.masks, overlapping=facts.overlapping
        )
        dataset = apply_split(dataset, read_split(folder / SPLIT))
        table = labels_of(folder, facts)
        if table is not None:
            dataset = replace(dataset, image_labels=image_labels(dataset, (), labels_file=table))
        with decided(dataset, review_of(folder, facts)) as reviewed:
            found = data_digest(reviewed.dataset, has_table=table is not None)
            return found == facts.data_sha256
    except DelineateError:
        return False  # another layout, other observers or other images
