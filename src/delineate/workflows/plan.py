"""A recipe for a data set and a machine, with a reason for each of its choices."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.core.errors import OutputExistsError, UnreadableFileError
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted
from delineate.data.sample import Dataset
from delineate.files.writing import new_folder, read_json, write_json, write_text
from delineate.recipe.choices import Choice
from delineate.recipe.fingerprint import Fingerprint, Machine, Pace
from delineate.recipe.planned_text import planned_text
from delineate.recipe.planner import PLANNED, plan_of
from delineate.recipe.planner_learning import FRACTION
from delineate.recipe.recipe import AnyRecipe, Recipe, changed_recipe, recipe_text
from delineate.training.budget import Budget
from delineate.training.settings import ValidationSettings
from delineate.workflows.fingerprint import fingerprint
from delineate.workflows.inputs import inputs_of
from delineate.workflows.run_folder import RECIPE
from delineate.workflows.starting import (
    AskedData,
    TrainingData,
    begun,
    require_labels_fit,
    with_whole_paths,
)

SCHEMA, FILE = "plan", "plan.json"


@dataclass(frozen=True)
class Planned:
    """A recipe with its changes, why it is as it is, and the numbers that decided it."""

    recipe: Recipe
    choices: tuple[Choice, ...]
    fingerprint: Fingerprint
    machine: Machine
    pace: Pace | None

    @property
    def text(self) -> str:
        """The recipe as TOML with its reasons."""
        return planned_text(self.recipe, self.choices)

    @property
    def document(self) -> dict[str, Any]:
        """All of it in plain JSON values."""
        return {
            "recipe": self.recipe.model_dump(mode="json", exclude_none=True),
            "choices": [choice.document() for choice in self.choices],
            "fingerprint": self.fingerprint.document(),
            "machine": self.machine.document(),
            "pace": None if self.pace is None else self.pace.document(),
        }


@dataclass(frozen=True)
class PlanResult:
    """Where the planned recipe is, and what it rests on."""

    path: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The recipe."""
        return self.path


def plan(
    source: Path | str,
    out: Path | str,
    *,
    minutes: float | None = None,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    overlapping: bool = False,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> PlanResult:
    """Write a recipe for this data, `recipe.toml` in a folder or a file of another name.

    The data is split as `train` with the same options splits it, and nothing of a test part is
    looked at. Beside the recipe lies a JSON with the fingerprint and every choice.

    Raises:
        DelineateError: data that cannot be trained on, or an output that exists.
    """
    asked = AskedData(
        source,
        layout=layout,
        masks=with_whole_paths(masks),
        subjects=subjects,
        split_file=split_file,
        review=None if review is None else Path(review),
        allow_leakage=allow_leakage,
        overlapping=overlapping,
    )
    with begun_with_plan(
        asked, minutes=minutes, seed=seed, device=device, threads=threads, progress=progress
    ) as (data, planned):
        inputs = inputs_of(data.dataset, *asked.files)
    recipe, document = _targets(Path(out), overwrite=overwrite, inputs=inputs)
    # The JSON first: it is what tells our recipe from one of somebody else.
    write_json(document, planned.document, schema=SCHEMA)
    write_text(recipe, planned.text)
    return PlanResult(recipe, planned.document)


def write_recipe(folder: Path, recipe: AnyRecipe, planned: Planned | None) -> None:
    """Write the recipe of a run, and where it was planned the plan with its reasons."""
    if planned is not None:
        write_json(folder / FILE, planned.document, schema=SCHEMA)
    write_text(folder / RECIPE, recipe_text(recipe) if planned is None else planned.text)


@contextmanager
def begun_with_plan(
    asked: AskedData,
    *,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Iterator[tuple[TrainingData, Planned]]:
    """The data of a new training, read and parted, and the plan for what it trains on.

    Raises:
        DelineateError: as `begun`, or a change that no recipe takes.
    """
    require_labels_fit("segment", asked.labels)
    if minutes is not None:
        Budget(seconds=60 * minutes)  # refuses a budget of nothing
    with begun(
        asked, task="segment", fraction=_held_out(changes), seed=seed, progress=progress
    ) as data:
        yield (
            data,
            planned_recipe(
                data.dataset,
                changes=changes,
                minutes=minutes,
                device=device,
                threads=threads,
                progress=progress,
            ),
        )


def _held_out(changes: Sequence[str]) -> float:
    """The share of the training subjects that a plan with these changes validates on.

    It is known before any data is, for the plan is made on what is left.
    """
    empty = Recipe(name=PLANNED, description="", validation=ValidationSettings(fraction=FRACTION))
    return changed_recipe(empty, changes, f"recipe '{PLANNED}'").validation.fraction


def planned_recipe(
    dataset: Dataset,
    *,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Planned:
    """The plan for the training part of a data set that has its split and settled masks.

    With `minutes` the proposed network is tried for a second or two, and what depends on time
    follows from how fast it is. Without, the plan is the same on any machine of this kind.
    `changes` replace what was planned.

    Raises:
        DelineateError: a change that no recipe takes, or a file that cannot be read.
    """
    import torch

    from delineate.inference.torch_segmenter import chosen_device
    from delineate.workflows.pace import measured_pace

    found = fingerprint(dataset, progress=progress)
    machine = Machine(
        device=chosen_device(device),
        threads=threads or torch.get_num_threads(),
        memory_gb=_memory_gb(),
        minutes=minutes,
    )
    where = f"recipe '{PLANNED}'"
    pace = None
    if minutes is not None:
        draft = changed_recipe(plan_of(found, machine).recipe, changes, where)
        pace = measured_pace(draft, dataset, machine)
    made = plan_of(found, machine, pace)
    recipe = changed_recipe(made.recipe, changes, where)
    for line in summary(found):
        progress.say(line)
    return Planned(recipe, _with_changes(made.choices, changes, recipe), found, machine, pace)


def summary(found: Fingerprint) -> list[str]:
    """What the plan rests on, in a few lines."""
    height, width = found.size_px
    lines = [
        f"planned for {counted(found.images, 'image')} of {height} x {width} px, "
        f"of which {found.looked_at} were looked at"
    ]
    for each in found.structures:
        lines.append(
            f"{each.name}: {each.pixel_share:.2%} of the pixels, in {each.image_share:.0%} of the "
            f"images, {each.width_px:.3g} px wide, {'lines' if each.is_slender else 'shapes'}"
        )
    return lines


def table(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each choice as setting, value and reason."""
    return [
        (each["setting"], _shown(each["value"]), each["reason"]) for each in document["choices"]
    ]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_shown(each) for each in value)
    return (
        "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _with_changes(
    choices: Sequence[Choice], changes: Sequence[str], recipe: Recipe
) -> tuple[Choice, ...]:
    """The choices, with value and reason of those that a change replaced."""
    document = recipe.model_dump(mode="json", exclude_none=True)

    def final(choice: Choice) -> Choice:
        for change in changes:
            key = change.partition("=")[0].strip()
            if f"{key}.".startswith(f"{choice.setting}.") or choice.setting.startswith(f"{key}."):
                value: Any = document
                for name in choice.setting.split("."):
                    value = value.get(name) if isinstance(value, dict) else None
                return Choice(choice.setting, value, f"as asked for: --set {change}")
        return choice

    return tuple(final(choice) for choice in choices)


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _targets(out: Path, *, overwrite: bool, inputs: Sequence[Path]) -> tuple[Path, Path]:
    """Where recipe and document go; a file by name replaces only a plan of ours."""
    if out.suffix.lower() != ".toml":
        folder = new_folder(out, overwrite=overwrite, inputs=inputs)
        return folder / RECIPE, folder / FILE
    recipe, document = out, out.with_suffix(".json")
    there = [file for file in (recipe, document) if file.exists()]
    if there and not overwrite:
        raise OutputExistsError(
            f"{there[0]}: the plan exists; choose another name, or replace it with --overwrite"
        )
    if there and not _is_plan(document):
        raise OutputExistsError(
            f"{there[0]}: --overwrite replaces only plans that `delineate plan` wrote, a TOML file "
            "with its JSON, and this is none; choose another name"
        )
    return recipe, document


def _is_plan(document: Path) -> bool:
    try:
        read_json(document, schema=SCHEMA)
    except UnreadableFileError:
        return False
    return True
