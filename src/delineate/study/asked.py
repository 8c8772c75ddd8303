"""What a study was asked for, so that it can go on as it began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from delineate.core.errors import SettingsError
from delineate.files.writing import write_json
from delineate.study.records import read_kept
from delineate.training.budget import require_one_budget
from delineate.workflows.starting import AskedData

SCHEMA, ASKED = "study-asked", "asked.json"
# What `--resume` may leave unsaid, and says nothing where it is False.
_FLAGS = ("overlapping", "allow_leakage")
_OPTIONS = {"changes": "--set", "data": "DATA"}


class AskedStudy(BaseModel):
    """Everything that decides a study. Only its recipes may become more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    recipes: tuple[str, ...]
    changes: tuple[str, ...] = ()
    seeds: int = 1
    seed: int = 0
    minutes: float | None = None
    epochs: int | None = None
    steps: int | None = None
    folds: int | None = None
    split: str | None = None
    layout: str | None = None
    masks: tuple[str, ...] | None = None
    subjects: str | None = None
    split_file: str | None = None
    review: str | None = None
    overlapping: bool = False
    allow_leakage: bool = False
    accept: tuple[str, ...] = ()
    device: str | None = None
    threads: int | None = None
    palette: str = "default"

    @property
    def all_seeds(self) -> range:
        """The seeds that every recipe is trained with."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def training_data(self) -> AskedData:
        """The data as a training is asked for it, before the study has its own split."""
        return AskedData(
            self.data,
            layout=self.layout,
            masks=self.masks,
            subjects=self.subjects,
            split_file=self.split_file,
            review=None if self.review is None else Path(self.review),
            allow_leakage=self.allow_leakage,
            overlapping=self.overlapping,
        )


def asked_anew(data: Path | str, recipes: Sequence[str], given: Mapping[str, Any]) -> AskedStudy:
    """The study that these options ask for; None stands for what was not said.

    Raises:
        SettingsError: budgets or ways of scoring that exclude each other, or nothing to train.
    """
    if not recipes:
        raise SettingsError("--recipes: expected one name or more, such as general,otsu")
    said = {name: value for name, value in given.items() if value is not None}
    asked = AskedStudy(data=str(Path(data).resolve()), recipes=tuple(recipes), **said)
    require_one_budget(asked.minutes, asked.epochs, asked.steps)
    if asked.folds is not None and asked.split is not None:
        raise SettingsError(
            f"--folds {asked.folds}: scores every image of train and validation, each by the "
            "models that have not seen it; leave --split out"
        )
    return asked


def asked_again(
    before: AskedStudy, data: Path | str, recipes: Sequence[str], given: Mapping[str, Any]
) -> AskedStudy:
    """The study as it began, with the recipes that are new.

    Raises:
        SettingsError: anything else than recipes differs from what it began with.
    """
    said = {"data": str(Path(data).resolve()), **given}
    for name, value in said.items():
        if value is None or (name in _FLAGS and value is False):
            continue
        held = getattr(before, name)
        if value != held:
            option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
            said_now = option if value is True else f"{option} {_words(value)}"
            raise SettingsError(
                f"{said_now}: this study was started {_with(held)}, and all its runs are alike in "
                "that; leave the option out, or start anew with --overwrite"
            )
    new = [name for name in recipes if name not in before.recipes]
    return before.model_copy(update={"recipes": (*before.recipes, *new)})


def read_asked(folder: Path) -> AskedStudy:
    """What the study of this folder was asked for.

    Raises:
        UnreadableFileError: no study there, or one of another version.
    """
    remedy = "expected a study of this version; start anew with --overwrite"
    return read_kept(folder / ASKED, AskedStudy, schema=SCHEMA, remedy=remedy)


def write_asked(folder: Path, asked: AskedStudy) -> None:
    """Write `asked.json`, from which on the study can be resumed."""
    write_json(folder / ASKED, asked.model_dump(mode="json"), schema=SCHEMA)


def _with(held: object) -> str:
    is_absent = held is None or held is False or held == ()
    return "without it" if is_absent else f"with {_words(held)}"


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
