"""From a fingerprint to a recipe, each choice with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from delineate.data.listing import counted
from delineate.recipe.choices import Choice, recipe_of
from delineate.recipe.fingerprint import Fingerprint, Machine, Pace
from delineate.recipe.planner_augment import augment_choices
from delineate.recipe.planner_learning import expected_steps, learning_choices
from delineate.recipe.planner_sizes import frame_of, network_choice, size_choices
from delineate.recipe.recipe import Recipe

PLANNED = "planned"


@dataclass(frozen=True)
class Plan:
    """A recipe, and why it is as it is."""

    recipe: Recipe
    choices: tuple[Choice, ...]


def plan_of(fingerprint: Fingerprint, machine: Machine, pace: Pace | None = None) -> Plan:
    """The plan for this data on this machine; the same for the same numbers.

    Without `pace` nothing depends on how fast the machine is.
    """
    choices = tuple(_choices(fingerprint, machine, pace))
    recipe = recipe_of(choices, name=PLANNED, description=_description(fingerprint))
    return Plan(recipe, choices)


def _choices(fingerprint: Fingerprint, machine: Machine, pace: Pace | None) -> Iterator[Choice]:
    unhurried = frame_of(fingerprint, machine)
    steps = expected_steps(machine, pace)
    frame = frame_of(fingerprint, machine, steps)
    if steps is not None:  # a step takes as long as it has pixels
        steps = round(steps * unhurried.patch_area_px / frame.patch_area_px)
    yield from size_choices(fingerprint, machine, frame)
    yield from augment_choices(fingerprint)
    yield network_choice(fingerprint, machine, steps)
    yield from learning_choices(fingerprint, machine, pace, frame, steps)


def _description(fingerprint: Fingerprint) -> str:
    kind = "lines" if fingerprint.is_of_lines else "shapes"
    names = ", ".join(each.name for each in fingerprint.classes)
    return f"Planned for {counted(fingerprint.images, 'image')} with {kind} of {names}."
