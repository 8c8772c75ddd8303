"""Several recipes and seeds on one split, side by side on one leader board."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted
from delineate.data.sample import TEST, VALIDATION
from delineate.data.splitting import read_split
from delineate.files.writing import new_folder
from delineate.report.overlays import find_palette
from delineate.study.asked import (
    ASKED,
    AskedStudy,
    asked_again,
    asked_anew,
    read_asked,
    write_asked,
)
from delineate.study.board_writing import PAGE, write_board
from delineate.study.entrants import Entrant, entrants_of, kept_entrants, name_of
from delineate.study.records import RunRecord, read_record
from delineate.study.running import finish_run
from delineate.training.settings import ValidationSettings
from delineate.workflows.inputs import inputs_of
from delineate.workflows.run_folder import SPLIT
from delineate.workflows.starting import begun, with_whole_paths


@dataclass(frozen=True)
class StudyResult:
    """Where the board is, what stands on it, and what failed."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The page with the board."""
        return self.folder / PAGE


def study(
    source: Path | str,
    out: Path | str,
    *,
    recipes: Sequence[str] = (),
    changes: Sequence[str] = (),
    seeds: int | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    folds: int | None = None,
    split: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    accept: Sequence[str] = (),
    overlapping: bool = False,
    palette: str | None = None,
    progress: Progress = SILENT,
) -> StudyResult:
    """Train recipes with several seeds on one split, score them alike, and write a leader board.

    `recipes` are names or TOML files; of networks, of methods without one, two stages, or
    `planned`. `changes` are of the form `RECIPE:section.setting=value`. Seeds count from `seed`.
    `minutes`, `epochs` or `steps` are for each training; methods without a network take minutes
    alone. The split is made once, as `train` makes it, and handed to every training. Runs are
    scored on `split` as `evaluate` does it, or with `folds` on what each image is given by the
    models that have not seen it. `accept` names findings of the preflight to train in spite of.

    After each run the board is written anew: `study.json` and `study.html`. A resumed study keeps
    what is finished, goes on with an interrupted training from its last checkpoint, and tries
    again what failed; recipes given with `resume` are added, and all else stays as it was.

    Raises:
        LeakageError: a subject, a file or copies of one picture in several splits.
        DelineateError: data, recipes or output folder that cannot be used. A run that fails stands
            among the failures of the result.
    """
    folder = Path(out)
    given = {
        "changes": tuple(changes) or None,
        "seeds": seeds,
        "seed": seed,
        "minutes": minutes,
        "epochs": epochs,
        "steps": steps,
        "folds": folds,
        "split": split,
        "layout": layout,
        "masks": with_whole_paths(masks),
        "subjects": _whole_path(subjects),
        "split_file": _whole_path(split_file),
        "review": None if review is None else str(Path(review).resolve()),
        "allow_leakage": allow_leakage,
        "accept": tuple(accept) or None,
        "overlapping": overlapping,
        "device": device,
        "threads": threads,
        "palette": palette,
    }
    find_palette(palette or "default")
    if resume and (folder / ASKED).is_file():
        asked, entrants = _gone_on_with(folder, source, recipes, given)
    else:
        entrants = entrants_of(recipes, changes)
        asked = asked_anew(source, [each.name for each in entrants], given)
        _begin(folder, asked, entrants, resume=resume, overwrite=overwrite, progress=progress)
    _finish_runs(folder, asked, entrants, progress)
    document = write_board(folder, asked, entrants, _records(folder, asked))
    failures = tuple(f"{each['run']}: {each['failure']}" for each in document["failures"])
    return StudyResult(folder, document, failures)


def _begin(
    folder: Path,
    asked: AskedStudy,
    entrants: Sequence[Entrant],
    *,
    resume: bool,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Check data and split once for all runs, and make the folder; `asked.json` comes last."""
    fraction = ValidationSettings().fraction
    wanted = asked.training_data
    files = [each.given for each in entrants if each.given != each.name]
    with begun(
        wanted, task="segment", fraction=fraction, seed=asked.seed, progress=progress
    ) as data:
        if asked.split is not None and asked.split != "all":
            _require_split(asked.split, data.dataset.only(asked.split).samples)
        _require_unseen(asked, entrants, {each.split for each in data.dataset.samples})
        new_folder(
            folder,
            overwrite=overwrite,
            resume=resume,
            can_resume=True,
            inputs=inputs_of(data.dataset, *wanted.files, *files),
        )
        for entrant in entrants:
            entrant.write(folder)
        data.write_split(folder / SPLIT)
    write_asked(folder, asked)


def _require_unseen(
    asked: AskedStudy, entrants: Sequence[Entrant], splits: Collection[str | None]
) -> None:
    """Refuse to score two stages on images that members of theirs were trained on."""
    # Where the data has no test part, validation is scored, as `evaluate` does it.
    scored = asked.split or (TEST if TEST in splits else VALIDATION)
    for each in entrants:
        if each.has_own_folds and (asked.folds is not None or scored == VALIDATION):
            remedy = (
                "compare it with --split test"
                if TEST in splits
                else "the data has no test part to compare it on; leave it out"
            )
            raise SettingsError(
                f"--recipes {each.given}: its two stages are trained over folds of train and "
                f"validation, so that together they have seen both; {remedy}"
            )


def _require_split(name: str, samples: Sequence[object]) -> None:
    """Refuse, before hours of training, a split on which nothing can be scored."""
    if not samples:
        raise SettingsError(
            f"--split {name}: the data has no image there; expected one of the splits that it "
            "has, such as validation, or --folds"
        )


def _gone_on_with(
    folder: Path, source: Path | str, recipes: Sequence[str], given: Mapping[str, Any]
) -> tuple[AskedStudy, list[Entrant]]:
    """A study as it began, and recipes that are given for the first time."""
    before = read_asked(folder)
    asked_again(before, source, (), given)  # refuses what differs, before recipes are looked at
    kept = kept_entrants(before.recipes, folder, before.changes)
    names = {name_of(each) for each in recipes}
    changes = [each for each in before.changes if each.partition(":")[0] in names]
    added = [each for each in entrants_of(recipes, changes) if not _is_kept(each, kept)]
    _require_unseen(before, added, set(read_split(folder / SPLIT).values()))
    for entrant in added:
        entrant.write(folder)
    asked = asked_again(before, source, [each.name for each in added], given)
    write_asked(folder, asked)
    return asked, [*kept, *added]


def _is_kept(entrant: Entrant, kept: Sequence[Entrant]) -> bool:
    """Whether a recipe is given again that the study has already; another of its name is not."""
    return any((each.name, each.text) == (entrant.name, entrant.text) for each in kept)


def _finish_runs(
    folder: Path, asked: AskedStudy, entrants: Sequence[Entrant], progress: Progress
) -> None:
    """Every recipe with the first seed, then with the next, so that a board soon holds all."""
    todo = [(entrant, seed) for seed in asked.all_seeds for entrant in entrants]
    records = {key: read_record(folder, key[0].name, key[1]) for key in todo}
    done = sum(each.is_finished for each in records.values())
    if done:
        progress.say(f"{done} of {counted(len(todo), 'run')} are finished and kept")
    left = [key for key, record in records.items() if not record.is_finished]
    for number, key in enumerate(left, start=1):
        record = records[key]
        progress.say(f"run {number} of the {len(left)} that are left: {record.name}")
        ended = finish_run(folder, asked, key[0], record, progress)
        if ended.failure is not None:
            progress.say(f"{ended.name} failed: {ended.failure}")
        if number < len(left):  # the last board is the caller's
            write_board(folder, asked, entrants, _records(folder, asked))


def _records(folder: Path, asked: AskedStudy) -> list[RunRecord]:
    return [read_record(folder, name, seed) for name in asked.recipes for seed in asked.all_seeds]


def _whole_path(given: Path | str | None) -> str | None:
    """A file by its whole path; what is no file, such as an expression, as it is."""
    if given is None:
        return None
    return str(Path(given).resolve()) if Path(given).is_file() else str(given)
