"""What a board shows beside figures: curves of trainings, and the same cases by every recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from delineate.core.errors import DelineateError
from delineate.files.image_files import read_image
from delineate.recipe.recipe import load_recipe
from delineate.report.case_pictures import CasePicture, best_median_worst
from delineate.report.display import Picture, photograph
from delineate.report.study_plots import TrainingCurve
from delineate.study.asked import AskedStudy
from delineate.study.board import ScoredRun, by_recipe
from delineate.study.case_scores import mean_of_cases
from delineate.study.records import RunRecord
from delineate.study.running import image_files
from delineate.workflows.curves import HISTORY, read_history
from delineate.workflows.run_folder import RECIPE
from delineate.workflows.scoring import OVERLAYS, file_name

# A gate learns another task, so that its curves stand beside none of the others.
_GATE = "gate"
_LONGEST_PX = 480


def curves_of(folder: Path, records: Sequence[RunRecord]) -> list[TrainingCurve]:
    """The validations of every training that has come to any, members of a mean included."""
    return [curve for record in records for curve in _curves_of_run(record.run_in(folder), record)]


def _curves_of_run(run: Path, record: RunRecord) -> Iterator[TrainingCurve]:
    for history in sorted(run.rglob(HISTORY)):
        member = history.parent
        if _GATE in member.relative_to(run).parts or not (member / RECIPE).is_file():
            continue
        rows = read_history(member)
        if rows:
            watched = getattr(load_recipe(str(member / RECIPE)), "validation", None)
            yield TrainingCurve(
                recipe=record.recipe,
                seed=record.seed,
                metric=getattr(watched, "metric", ""),
                minutes=tuple(row["elapsed_s"] / 60 for row in rows),
                score=tuple(row["validation_score"] for row in rows),
                loss=tuple(row["validation_loss"] for row in rows),
            )


def example_cases(
    folder: Path, asked: AskedStudy, runs: Sequence[ScoredRun]
) -> tuple[CasePicture, ...]:
    """The best, the median and the worst case by the mean Dice of all recipes, side by side.

    Each recipe is shown with the first seed it was scored with. Cases that are empty in the truth
    and under every recipe are passed over: there is nothing to see.
    """
    found = by_recipe(runs)
    dice = {name: mean_of_cases([run.cases for run in each]) for name, each in found.items()}
    means = np.stack(list(dice.values())).mean(axis=0)
    cases = runs[0].cases
    holds_something = np.any([_foreground(run) for run in runs], axis=0)
    scores = {
        id_: float(mean) if np.isfinite(mean) else None
        for id_, mean, is_seen in zip(cases.ids, means, holds_something, strict=True)
        if is_seen
    }
    files = image_files(asked)
    shown = []
    for id_, role in best_median_worst(scores).items():
        place = cases.ids.index(id_)
        pictures = [
            _overlay(folder, each[0], id_, f"{name}, {dice[name][place]:.3f}")
            for name, each in found.items()
        ]
        try:
            image = photograph(read_image(files[id_]), "image", f"Image {id_}", _LONGEST_PX)
        except DelineateError:
            continue  # it stands among the failures already
        drawn = (image, *(each for each in pictures if each is not None))
        caption = f"mean Dice of all recipes {scores[id_]:.3f}"
        shown.append(CasePicture(id_, cases.subjects[place], role, caption, drawn))
    return tuple(shown)


def _foreground(run: ScoredRun) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether truth or prediction hold any foreground."""
    return np.asarray((run.cases.truth_px + run.cases.prediction_px).sum(axis=1) > 0)


def _overlay(folder: Path, run: ScoredRun, id_: str, name: str) -> Picture | None:
    """What the evaluation drew of a case; None where the model gave no answer."""
    assert run.record.scored is not None  # it was scored
    file = folder / run.record.scored.folder / OVERLAYS / f"{file_name(id_)}.png"
    if not file.is_file():
        return None
    alt = f"Truth and prediction of {name} over image {id_}"
    return photograph(read_image(file), name, alt, _LONGEST_PX)
