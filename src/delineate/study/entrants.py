"""The recipes of a study: resolved once, kept beside the runs, trained from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import SettingsError, unknown_name
from delineate.files.writing import write_text
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.planner import PLANNED
from delineate.recipe.recipe import load_recipe, recipe_text
from delineate.recipe.two_stage_recipe import TwoStageRecipe

RECIPES = "recipes"


@dataclass(frozen=True)
class Entrant:
    """One recipe of a study: its name there, where it was given, and its whole text.

    A planned one has no text yet: `train` makes it from the data, under these `changes`. One of two
    stages parts train and validation into folds by itself.
    """

    name: str
    given: str
    text: str | None
    changes: tuple[str, ...] = ()
    is_classical: bool = False
    has_own_folds: bool = False

    def recipe_in(self, folder: Path) -> str:
        """What `train` is to be given as its recipe."""
        return PLANNED if self.text is None else str(self._file(folder))

    def write(self, folder: Path) -> None:
        """Keep the recipe in the folder of the study.

        Raises:
            SettingsError: another recipe of that name is there.
        """
        if self.text is None:
            return
        file = self._file(folder)
        if file.is_file() and file.read_text(encoding="utf-8") != self.text:
            raise SettingsError(
                f"{self.given}: this study holds another recipe called {self.name}; "
                "leave it out, or give the file another name"
            )
        file.parent.mkdir(exist_ok=True)
        write_text(file, self.text)

    def _file(self, folder: Path) -> Path:
        return folder / RECIPES / f"{self.name}.toml"


def entrants_of(given: Sequence[str], changes: Sequence[str] = ()) -> list[Entrant]:
    """The recipes by name or TOML file, with `NAME:key=value` changes.

    Raises:
        SettingsError: an unknown recipe or setting, a recipe that classifies, two of one name, or
            a change for none of them.
    """
    names = [name_of(each) for each in given]
    for whole, name in zip(given, names, strict=True):
        if name == PLANNED and whole != PLANNED:
            raise SettingsError(
                f"--recipes {whole}: {PLANNED} stands for a plan made from the data; give the file "
                "another name"
            )
        if names.count(name) > 1:
            raise SettingsError(
                f"--recipes: two are called {name}; name one, or give the file another name"
            )
    by_name: dict[str, list[str]] = {name: [] for name in names}
    for change in changes:
        name, colon, setting = change.partition(":")
        if not colon or "=" in name:
            raise SettingsError(
                f"--set {change}: expected RECIPE:section.setting=value, "
                f"such as {next(iter(names), 'general')}:train.batch=4"
            )
        if name not in by_name:
            raise unknown_name("recipe of this study", name, by_name)
        by_name[name].append(setting)
    return [_entrant(each, name_of(each), tuple(by_name[name_of(each)])) for each in given]


def kept_entrants(names: Sequence[str], folder: Path, changes: Sequence[str]) -> list[Entrant]:
    """The recipes that a study began with, from its own folder."""
    kept = []
    for name in names:
        if name == PLANNED:
            its_own = (change.partition(":") for change in changes)
            said = tuple(setting for whose, _, setting in its_own if whose == PLANNED)
            kept.append(Entrant(name, name, None, said))
            continue
        kept.append(_entrant(str(folder / RECIPES / f"{name}.toml"), name, ()))
    return kept


def name_of(given: str) -> str:
    """What a recipe is called in a study: its name, or that of its file.

    Examples:
        >>> name_of("vessel"), name_of("mine/wider.toml")
        ('vessel', 'wider')
    """
    return Path(given).stem if given.endswith(".toml") else given


def _entrant(given: str, name: str, changes: tuple[str, ...]) -> Entrant:
    if given == PLANNED:
        return Entrant(name, given, None, changes)
    plan = load_recipe(given, changes)
    if getattr(plan, "task", "segment") != "segment":
        raise SettingsError(
            f"--recipes {given}: it classifies whole images, and a study compares masks; "
            "train and evaluate it by itself"
        )
    return Entrant(
        name,
        given,
        recipe_text(plan),
        is_classical=isinstance(plan, ClassicalRecipe),
        has_own_folds=isinstance(plan, TwoStageRecipe),
    )
