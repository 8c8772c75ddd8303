"""Several trainings of one recipe, over folds and seeds, averaged as one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.recipe.recipe import Recipe
from delineate.training.budget import Clock
from delineate.workflows.out_of_fold import OutOfFold
from delineate.workflows.starting import AskedData
from delineate.workflows.train_result import TrainResult


@dataclass(frozen=True)
class FoldsResult(TrainResult):
    """A run whose model is the mean of its members, and what they say of unseen images."""

    out_of_fold: tuple[OutOfFold, ...] = ()


def train_folds(
    plan: Recipe,
    asked: AskedData,
    out: Path,
    *,
    clock: Clock,
    folds: int | None,
    seeds: int | None,
    assignment: Mapping[str, int] | None = None,
    recipe: str | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> FoldsResult:
    """Train a recipe once for each fold and seed, and write the mean of all as one model.

    `assignment` goes from sample id to fold, from 1 on, where another training has parted the
    same images before; it holds every image of train and validation, and needs the split file of
    that training in `asked`. `minutes` is for all of it, `epochs` and `steps` for each member.
    """
    raise SettingsError("--folds: not there yet")
