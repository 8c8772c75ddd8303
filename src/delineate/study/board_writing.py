"""The board of a study as a document and as a page, from whatever runs there are so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.data.listing import counted
from delineate.data.sample import TEST, VALIDATION
from delineate.files.writing import write_json
from delineate.recipe.planner import PLANNED
from delineate.report.study_page import StudyPage, write_study_page
from delineate.report.study_plots import study_plots
from delineate.study.asked import AskedStudy
from delineate.study.board import ScoredRun, baselines, by_recipe, pairs, rows, scored_runs
from delineate.study.entrants import Entrant
from delineate.study.examples import curves_of, example_cases
from delineate.study.records import RunRecord
from delineate.study.running import TIME_RULE
from delineate.workflows.run_folder import machine

SCHEMA, DOCUMENT, PAGE = "study", "study.json", "study.html"
OVER_SUBJECTS = (
    "intervals are over subjects, drawn whole, and say nothing of how one training differs from "
    "the next: that is seen from seed to seed"
)
COST_RULE = (
    "seconds of a training are those from its start to the written model, interruptions left out, "
    "and of two stages the sum of both; "
    f"milliseconds an image: {TIME_RULE}"
)


def write_board(
    folder: Path, asked: AskedStudy, entrants: Sequence[Entrant], records: Sequence[RunRecord]
) -> dict[str, Any]:
    """Write `study.json` and `study.html`, and return the document."""
    runs, failed = scored_runs(folder, records)
    document = _document(asked, entrants, records, runs, failed)
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    write_study_page(
        folder / PAGE,
        StudyPage(
            document=document,
            plots=study_plots(document, curves_of(folder, records)),
            examples=example_cases(folder, asked, runs) if runs else (),
            palette=asked.palette,
        ),
    )
    return document


def _document(
    asked: AskedStudy,
    entrants: Sequence[Entrant],
    records: Sequence[RunRecord],
    runs: Sequence[ScoredRun],
    failed: Sequence[tuple[RunRecord, str]],
) -> dict[str, Any]:
    board = rows(runs, asked.seed)
    compared = pairs([row["recipe"] for row in board], runs, asked.seed)
    missing = [each.name for each in records if not each.is_finished and each.failure is None]
    return {
        **asked.model_dump(mode="json"),
        "machine": machine(),
        **(_scored_on(runs[0]) if runs else {}),
        "choosing": _choosing(asked, str(runs[0].document["split"])) if runs else None,
        "rows": board,
        "baselines": baselines(runs) if runs else [],
        "pairs": compared,
        "missing": missing,
        "failures": [*_failures(failed), *_failed_cases(runs)],
        "notes": [*_notes(asked, entrants, board, compared, runs)],
    }


def _scored_on(run: ScoredRun) -> dict[str, Any]:
    first = run.headline("model")[0]
    return {
        "scored": {
            "split": run.document["split"],
            "label_class": first["label_class"],
            "observer": first["observer"],
            "region": first["region"],
            "cases": run.document["cases"],
            "subjects": run.document["subjects"],
            "classes": run.document["classes"],
            "is_overlapping": run.document["is_overlapping"],
        }
    }


def _failures(failed: Sequence[tuple[RunRecord, str]]) -> Iterator[dict[str, str]]:
    for record, reason in failed:
        yield {"run": record.name, "failure": reason}


def _failed_cases(runs: Sequence[ScoredRun]) -> Iterator[dict[str, str]]:
    """Every image that got no score, once, with the runs that it failed in."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for each in run.document["failures"]:
            found.setdefault(f"{each['id']}: {each['failure']}", []).append(run.record.name)
    for failure, names in found.items():
        is_in_all = len(names) == len(runs) > 1
        yield {"run": "every run" if is_in_all else ", ".join(names), "failure": failure}


def _notes(
    asked: AskedStudy,
    entrants: Sequence[Entrant],
    board: Sequence[Mapping[str, Any]],
    compared: Sequence[Mapping[str, Any]],
    runs: Sequence[ScoredRun],
) -> Iterator[str]:
    """What must be said beside the figures."""
    if not runs:
        return
    yield OVER_SUBJECTS
    with_interval = sum(each["low"] is not None for each in compared)
    if with_interval:
        yield (
            f"{counted(with_interval, 'pair')} compared, each with a 95 % interval of its own and "
            "no correction for their number: of recipes that are equally good, about one pair in "
            "twenty would look different"
        )
    yield COST_RULE
    if any(each.is_classical for each in entrants) and (asked.steps or asked.epochs):
        names = " and ".join(each.name for each in entrants if each.is_classical)
        yield f"{names}: without a network, so without steps; every combination was tried"
    for row in board:
        if len(row["seeds"]) < asked.seeds:
            yield (
                f"{row['recipe']}: its means are of {counted(len(row['seeds']), 'seed')} so far, "
                f"of {asked.seeds}"
            )
        if not row["trained_alike"]:
            why = ", since each training plans anew" if row["recipe"] == PLANNED else ""
            yield f"{row['recipe']}: its seeds were trained by recipes that differ{why}"
    yield from _of_evaluations(runs)


def _choosing(asked: AskedStudy, split: str) -> str:
    """What follows for whoever takes a recipe from this board."""
    if asked.folds is not None:
        return (
            f"every image is scored by models of other folds; the best of several recipes still "
            f"looks better here than on new images, and no test image was used (folds: "
            f"{asked.folds})"
        )
    if split == TEST:
        return (
            "this is a test split: whoever picks a recipe from this board has used it to choose, "
            "and needs other images to say how good the choice is; choose with --split validation "
            "or --folds"
        )
    if split == VALIDATION:
        return (
            "this is the validation split, on which checkpoints and thresholds were chosen too: "
            "good for choosing among recipes, but expect less on new images"
        )
    return f"these are the images of {split}, some of which the models were trained on"


def _of_evaluations(runs: Sequence[ScoredRun]) -> Iterator[str]:
    """The notes of the evaluations, those of all runs once, the others with the recipe."""
    found = by_recipe(runs)
    spoken: dict[str, list[str]] = {}
    for name, each in found.items():
        for note in dict.fromkeys(note for run in each for note in run.document["notes"]):
            spoken.setdefault(str(note), []).append(name)
    for note, names in spoken.items():
        yield note if len(names) == len(found) else f"{', '.join(names)}: {note}"
