"""One run of a study by the verbs' own functions: trained, scored and timed, or gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from traceback import format_exception
from typing import Any

from delineate.core.checks import sha256_of_file
from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import Progress
from delineate.core.types import Image
from delineate.data.sample import Dataset
from delineate.data.splitting import apply_split, read_split
from delineate.data.tables import read_table
from delineate.files.image_files import read_image
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.study.asked import AskedStudy
from delineate.study.entrants import Entrant
from delineate.study.records import (
    RunRecord,
    Scored,
    Trained,
    forget_traceback,
    write_record,
    write_traceback,
)
from delineate.workflows.evaluate import evaluate
from delineate.workflows.labelled_data import data_digest
from delineate.workflows.out_of_fold import OUT_OF_FOLD
from delineate.workflows.run_folder import RECIPE, RUN, SPLIT
from delineate.workflows.scoring import CASES, ScoringResult
from delineate.workflows.starting import labelled
from delineate.workflows.timed_models import Timed
from delineate.workflows.train import train

# Images on which the time of a prediction is taken, after one that warms up.
_TIMED = 5
TIME_RULE = (
    f"the median of {_TIMED} of the scored images, one after the other, from a decoded image to "
    "its mask; one image before them warms up. Of two stages it hangs on how many of these the "
    "gate lets through"
)
# Characters of a fault's own words; out of memory, they tell a whole story.
_LONGEST_FAULT = 200


def finish_run(
    folder: Path, asked: AskedStudy, entrant: Entrant, record: RunRecord, progress: Progress
) -> RunRecord:
    """Do what is left of a run, and remember how it ended; a failure is remembered, not raised.

    What was interrupted goes on where its last checkpoint was written. Of a fault that is not the
    user's the traceback is kept beside the record, so that the other runs go on.
    """
    record = record.model_copy(update={"failure": None})
    forget_traceback(folder, record)
    try:
        if record.trained is None:
            trained = _trained(folder, asked, entrant, record, progress)
            record = write_record(folder, record.model_copy(update={"trained": trained}))
        scored = _scored(folder, asked, record, progress)
        return write_record(folder, record.model_copy(update={"scored": scored}))
    except DelineateError as problem:
        failure = str(problem)
    except Exception as problem:  # noqa: BLE001 # no fault of one recipe may end the others
        failure = _kept_fault(folder, record, problem)
    return write_record(folder, record.model_copy(update={"failure": failure}))


def _kept_fault(folder: Path, record: RunRecord, problem: Exception) -> str:
    """The fault in one line; its traceback goes into a file."""
    file = write_traceback(folder, record, "".join(format_exception(problem)))
    said = next((line.strip() for line in str(problem).splitlines() if line.strip()), "no words")
    said = f"{type(problem).__name__}: {said[:_LONGEST_FAULT]}"
    where = f"its traceback stands in {file.relative_to(folder)}"
    if isinstance(problem, MemoryError) or "memory" in said.lower():
        return f"too little memory: {said}; expected less with a smaller train.batch; {where}"
    return f"a fault of the program: {said}; {where}"


def _trained(
    folder: Path, asked: AskedStudy, entrant: Entrant, record: RunRecord, progress: Progress
) -> Trained:
    run = record.run_in(folder)
    # A single method without a network has nothing to go on from: its few seconds are repeated.
    if (run / RUN).is_file() and (asked.folds is not None or not entrant.is_classical):
        result = train(asked.data, run, resume=True, progress=progress)
    else:
        result = train(asked.data, run, **_training(folder, asked, entrant, record.seed, run),
                       progress=progress)  # fmt: skip
    training = result.document["training"]
    minutes = training.get("minutes")
    return Trained(
        seconds=None if minutes is None else 60 * minutes,
        steps=training.get("steps"),
        parameters=parameters_of(result.main_result),
        data_sha256=data_digest(_as_split(folder, asked), has_table=False),
        recipe_sha256=sha256_of_file(run / RECIPE),
    )


def _training(
    folder: Path, asked: AskedStudy, entrant: Entrant, seed: int, run: Path
) -> dict[str, Any]:
    """The arguments of a training that is begun; a folder without a run in it is replaced."""
    given: dict[str, Any] = {
        "recipe": entrant.recipe_in(folder),
        "changes": entrant.changes,
        "minutes": asked.minutes,
        "seed": seed,
        "threads": asked.threads,
        "layout": asked.layout,
        "masks": asked.masks,
        "subjects": asked.subjects,
        "split_file": folder / SPLIT,
        "review": asked.review,
        "allow_leakage": asked.allow_leakage,
        "overlapping": asked.overlapping,
        "accept": asked.accept,
        "overwrite": run.exists(),
    }
    if not entrant.is_classical:  # a method without a network has neither steps nor a device
        given |= {"epochs": asked.epochs, "steps": asked.steps, "device": asked.device}
    if asked.folds is not None:
        given |= {"folds": asked.folds}
    return given


def _scored(folder: Path, asked: AskedStudy, record: RunRecord, progress: Progress) -> Scored:
    run = record.run_in(folder)
    if asked.folds is not None:
        found = run / OUT_OF_FOLD  # scored as the training ended
    else:
        found = _evaluated(run, asked, progress).folder
    timed = _timed(run, found, asked)
    return Scored(
        folder=str(found.relative_to(folder)),
        milliseconds_an_image=timed.milliseconds,
        images_timed=timed.images,
    )


def _evaluated(run: Path, asked: AskedStudy, progress: Progress) -> ScoringResult:
    result = evaluate(
        run,
        asked.data,
        split=asked.split,
        allow_leakage=asked.allow_leakage,
        palette=asked.palette,
        seed=asked.seed,
        device=None if read_card(run).classical is not None else asked.device,
        threads=asked.threads,
        progress=progress,
    )
    if not isinstance(result, ScoringResult):  # a file whose recipe classifies after all
        raise SettingsError(f"{run}: its model gives verdicts, and a study compares masks")
    return result


def _timed(run: Path, scored: Path, asked: AskedStudy) -> Timed:
    """The time of a prediction of each of the first scored images, one after the other."""
    device = None if read_card(run).classical is not None else asked.device
    model = load_model(run, device=device, threads=asked.threads)
    timed = Timed()
    for image in _first_images(scored, asked):
        began_s = perf_counter()
        with suppress(DelineateError):  # it is listed among the failures of the scoring
            model.predict(image)
            timed.add(perf_counter() - began_s)
    return timed


def _first_images(scored: Path, asked: AskedStudy) -> Iterator[Image]:
    files = image_files(asked)
    found = 0
    for id_ in dict.fromkeys(row["id"] for _, row in read_table(scored / CASES, required=["id"])):
        if found > _TIMED:
            return
        try:
            image = read_image(files[id_])
        except DelineateError:
            continue  # it is listed among the failures of the scoring
        found += 1
        yield image


def image_files(asked: AskedStudy) -> Mapping[str, Path]:
    """Where the image of each sample is."""
    return {sample.id: sample.image for sample in labelled(asked.training_data, "segment").samples}


def _as_split(folder: Path, asked: AskedStudy) -> Dataset:
    """The data as it lies there now, in the parts of the study."""
    return apply_split(labelled(asked.training_data, "segment"), read_split(folder / SPLIT))


def parameters_of(model: Path) -> int:
    """How many numbers a model has learnt: its own, or those of its members, and of its gate."""
    card = read_card(model)
    inner = [model / member for member in card.members]
    own = sum(map(parameters_of, inner)) if inner else card.parameters
    gate = card.gate.folder if card.gate is not None else None
    return own if gate is None else own + parameters_of(model / gate)
