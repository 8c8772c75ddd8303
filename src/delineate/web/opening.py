"""From what was asked for to a server with its model, data and processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.inference.model import load_model
from delineate.inference.model_folder import find_model_folder, read_card
from delineate.web.examples import (
    Example,
    Examples,
    examples_of,
    examples_of_folder,
    examples_of_run,
)
from delineate.web.model_facts import model_document
from delineate.web.results.jobs import Jobs
from delineate.web.results.predictor import Predictor
from delineate.web.results.stored import Store
from delineate.web.review.desk import Desk, open_desk
from delineate.web.scratch import scratch_folder
from delineate.web.served import Served
from delineate.web.settings import ServeSettings
from delineate.web.uploads.decoding import Decoder
from delineate.workflows.judging import run_of
from delineate.workflows.run_folder import RunFacts

# By then requests are answered; what still runs is part of a job, which is cancelled.
_CLOSE_S = 5.0


@dataclass(frozen=True)
class Asked:
    """What is to be served, as it was asked for."""

    model: Path
    data: Path | None = None
    layout: str | None = None
    masks: str | Sequence[str] | None = None
    subjects: str | None = None
    review: Path | None = None
    examples: Path | None = None
    device: str | None = None
    threads: int | None = None


@contextmanager
def opened(asked: Asked, settings: ServeSettings, progress: Progress = SILENT) -> Iterator[Served]:
    """All that a server holds; its processes end, and its folder goes, when the block ends.

    Raises:
        DelineateError: a model, data, log or examples that cannot be opened.
    """
    _require_segmenter(asked.model)
    run = run_of(asked.model)
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        desk = open_desk(
            asked.model,
            scratch,
            data=asked.data,
            layout=asked.layout,
            masks=asked.masks,
            subjects=asked.subjects,
            review=asked.review,
            progress=progress,
        )
        examples = _examples(asked, desk, run)
        model = load_model(asked.model, device=asked.device, threads=asked.threads)
        decoder = Decoder(settings.decoders, settings.largest_pixels, queue=settings.queue)
        stack.callback(decoder.close)
        predictor = Predictor(model, batch=settings.batch, queue=settings.queue)
        stack.callback(predictor.close, wait_s=_CLOSE_S)
        jobs = Jobs(scratch, kept_s=settings.kept_s)
        stack.callback(jobs.close, wait_s=_CLOSE_S)
        yield Served(
            settings=settings,
            model=model,
            model_folder=find_model_folder(asked.model),
            document=model_document(model, None if run is None else run[0]),
            predictor=predictor,
            decoder=decoder,
            store=Store(settings.kept_bytes, settings.kept_s),
            jobs=jobs,
            desk=desk,
            examples=Examples(examples, decoder),
            scratch=scratch,
        )


def _require_segmenter(model: Path) -> None:
    card = read_card(model)
    if card.task != "segment":
        raise SettingsError(
            f"{model}: expected a model that draws masks, found a classifier, which gives one "
            "verdict an image; serve the model that it is the gate of, or use `delineate predict`"
        )


def _examples(asked: Asked, desk: Desk | None, run: tuple[Path, RunFacts] | None) -> list[Example]:
    """Those of the given folder, else of the data that the model was made with."""
    if asked.examples is not None:
        return examples_of_folder(asked.examples)
    if desk is not None and desk.reviewed.run is not None:
        return examples_of(desk.reviewed.dataset)
    return [] if run is None else examples_of_run(*run)
