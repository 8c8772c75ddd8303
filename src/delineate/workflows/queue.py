"""What a model finds in data for people to look at: contradictions, worst cases, doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delineate.auditing.findings.finding import MODEL, UNCERTAIN
from delineate.auditing.review.applying import apply_decisions
from delineate.auditing.review.decisions import KEEP, REPLACE
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import (
    DelineateError,
    LayoutError,
    SettingsError,
    UnreadableFileError,
    unknown_name,
)
from delineate.core.progress import SILENT, Progress, track
from delineate.data.listing import counted
from delineate.data.sample import SPLITS, Dataset, Sample
from delineate.inference.model import Model, load_model
from delineate.metrics.sureness import CONTRADICTION_RULE, UNCERTAINTY_RULE
from delineate.workflows.held_back import held_back
from delineate.workflows.queue_findings import findings_of
from delineate.workflows.queue_looks import WORST_RULE, Looked, Looker
from delineate.workflows.reviewed_data import ReviewedData, open_reviewed
from delineate.workflows.scored_data import EVERYTHING


@dataclass(frozen=True)
class QueueResult:
    """What was found, in plain values, and the log that holds it."""

    path: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The review log."""
        return self.path


def queue(
    model: Path | str,
    source: Path | str | None = None,
    *,
    review: Path | str,
    count: int = 20,
    split: str = EVERYTHING,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> QueueResult:
    """Add to a review log what a model finds, in the place of what one found before.

    Of each kind the `count` worst cases are taken: labels that the model contradicts with
    confidence, cases with the lowest Dice, and cases of which it is unsure, with a label or
    without. Labels count as decided so far, and what somebody has kept or mended is left alone.
    Without `source` the data of the model's run is taken. `review` is a log, or the folder of an
    audit; where there is none, one is made.

    Where the run has predictions by models that never saw an image, these count. Otherwise every
    finding says whether the model was trained on its case.

    Raises:
        DelineateError: no model, no data, no such split, or a log that cannot be written.
    """
    loaded = load_model(model, device=device, threads=threads)
    data = open_reviewed(
        Path(model),
        data=None if source is None else Path(source),
        layout=layout,
        masks=masks,
        subjects=subjects,
        review=Path(review),
        progress=progress,
    )
    if data is None:
        raise SettingsError(f"{model}: a model folder without its run; say which DATA to look at")
    return filled(data, loaded, count=count, split=split, progress=progress)


def filled(
    data: ReviewedData,
    model: Model,
    *,
    count: int,
    split: str = EVERYTHING,
    progress: Progress = SILENT,
) -> QueueResult:
    """The queue of data that is open, with a model that is loaded; see `queue`."""
    if split not in (*SPLITS, EVERYTHING):
        raise unknown_name("split", split, (*SPLITS, EVERYTHING))
    with TemporaryDirectory(prefix="delineate-queue-") as folder:
        dataset = apply_decisions(data.dataset, data.log, folder).dataset
        samples = _open_cases(dataset, data.log, split)
        look = Looker(
            dataset,
            next(iter(dataset.observers), None),
            model,
            held_back(data.run, model),
            is_own=data.run is not None,
        )
        looked: list[Looked] = []
        failures: list[str] = []
        for sample in track(samples, "looking", progress):
            try:
                looked.append(look(sample))
            except DelineateError as problem:
                failures.append(f"{sample.id}: {problem}")
    if failures and not looked:
        raise UnreadableFileError(f"none of {len(failures)} cases can be looked at: {failures[0]}")
    facts = {"model": model.card.name, "weights_sha256": model.card.weights_sha256}
    findings = findings_of(looked, count, facts)
    sizes = {each.sample: each.size_px for each in looked}
    data.log.refresh_queues(findings, MODEL, UNCERTAIN, sizes_px=sizes)
    document = {
        "review": str(data.log.path),
        "data": str(data.dataset.root),
        **facts,
        "split": split,
        "cases": len(looked),
        "labelled": sum(each.contradicted is not None for each in looked),
        "never_seen": sum(not each.seen for each in looked) if data.run is not None else None,
        "rules": {
            "model_disagreement": CONTRADICTION_RULE,
            "worst_case": WORST_RULE,
            "uncertain_case": UNCERTAINTY_RULE,
        },
        "findings": [each.to_document() for each in findings],
        "failures": failures,
    }
    return QueueResult(data.log.path, document, tuple(failures))


def _open_cases(dataset: Dataset, log: ReviewLog, split: str) -> list[Sample]:
    """The cases of the split that nobody has kept or mended."""
    done = {s for each in log.in_force() if each.action in (KEEP, REPLACE) for s in each.samples}
    chosen = [s for s in dataset.samples if split in (EVERYTHING, s.split)]
    if not chosen:
        known = ", ".join(sorted({s.split for s in dataset.samples if s.split})) or "none"
        raise LayoutError(
            f"{dataset.root}: no image belongs to the split '{split}' (splits found: {known}); "
            f"choose one of these with --split, or {EVERYTHING}"
        )
    return [sample for sample in chosen if sample.id not in done]


def summary(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was looked at and found, as pairs of a word and what it is."""
    cases, never = counted(document["cases"], "case"), document["never_seen"]
    yield "looked at", f"{cases} of {document['split']}, {document['labelled']:,} with a label"
    if never is not None:
        yield "never seen", f"{never:,} of them: the model was neither trained nor chosen on these"
    for kind, rule in document["rules"].items():
        found = sum(each["kind"] == kind for each in document["findings"])
        yield kind, f"{found:,}: {rule}"
