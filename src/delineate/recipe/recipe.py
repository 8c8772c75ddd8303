"""A recipe: everything that decides what a training does, as strict TOML."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ValidationError

from delineate.core.checks import sha256_of_text
from delineate.core.errors import SettingsError, unknown_name
from delineate.inference.about import About
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.document import (
    Document,
    apply_change,
    change_parts,
    check_names,
    find_weights,
    parsed,
)
from delineate.recipe.network_recipe import Recipe, Task
from delineate.recipe.two_stage_recipe import TwoStageRecipe

__all__ = [
    "DEFAULT",
    "AnyRecipe",
    "Recipe",
    "Task",
    "changed_recipe",
    "load_recipe",
    "recipe_digest",
    "recipe_names",
    "recipe_text",
]

AnyRecipe = Recipe | ClassicalRecipe | TwoStageRecipe

DEFAULT = "general"
# The section by which a recipe without a network is known, and those of one with two networks.
CLASSICAL = "classical"
STAGES = ("gate", "segmenter")
# What a stage names to take another recipe's settings.
_BASE = "recipe"

_CLASSICAL_SECTIONS = ClassicalRecipe.model_fields.keys()


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    folder = files("delineate.recipe") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load_recipe(name_or_file: str = DEFAULT, changes: tuple[str, ...] = ()) -> AnyRecipe:
    """A recipe by its name or from a TOML file, with `key=value` changes such as `train.batch=4`.

    One with a section `classical` has no network, and none of the sections of networks. One with
    sections `gate` and `segmenter` has two: each holds all the sections of a network, or names a
    `recipe` and what replaces its settings.
    A file of `model.encoder_weights`, or a recipe that is named, is found from the folder of the
    TOML file, or where it is a change, from the working directory; the recipe holds the whole
    path of weights.

    Raises:
        SettingsError: an unknown recipe, section or setting (the nearest is proposed), or a
            value that does not fit.
    """
    document, where = _document(name_or_file)
    has_stages = any(stage in document for stage in STAGES)
    if has_stages:
        folder = Path(name_or_file).parent if _is_file(name_or_file) else Path()
        _take_bases(document, where, folder)
    for change in changes:
        path, text = change_parts(change)
        if has_stages and path in [[stage, _BASE] for stage in STAGES]:
            document[path[0]] = _base(text, Path(), f"--set {change}")
        else:
            apply_change(change, document)
    for each in (document, *(document.get(stage) for stage in STAGES)):
        if isinstance(each, dict):
            find_weights(each, Path())
    return _validated(document, where, has_stages=has_stages)


def changed_recipe(recipe: Recipe, changes: Sequence[str], where: str) -> Recipe:
    """The recipe of one network with `key=value` changes; `where` says whose settings these are.

    Raises:
        SettingsError: as `load_recipe`.
    """
    document = recipe.model_dump(mode="json", exclude_none=True)
    for change in changes:
        apply_change(change, document)
    find_weights(document, Path())
    changed = _validated(document, where, has_stages=False)
    assert isinstance(changed, Recipe)  # with sections of a network it is nothing else
    return changed


def recipe_text(recipe: AnyRecipe) -> str:
    """The recipe as TOML that `load_recipe` reads back to an equal one."""
    return tomlkit.dumps(recipe.model_dump(mode="json", exclude_none=True))


def recipe_digest(recipe: AnyRecipe) -> str:
    """The SHA-256 of all that decides a training: the recipe without words about its models."""
    silent = {"about": About()}
    if isinstance(recipe, TwoStageRecipe):
        silent |= {stage: getattr(recipe, stage).model_copy(update=silent) for stage in STAGES}
    return sha256_of_text(recipe_text(recipe.model_copy(update=silent)))


def _is_file(name_or_file: str) -> bool:
    return name_or_file.endswith(".toml") or "/" in name_or_file


def _document(name_or_file: str) -> tuple[Document, str]:
    """A recipe as it is written, with whole paths of weights, and where it is from, in words."""
    if _is_file(name_or_file):
        path = Path(name_or_file)
        document = parsed(_read(path), name_or_file)
        for each in (document, *(document.get(stage) for stage in STAGES)):
            if isinstance(each, dict):
                find_weights(each, path.parent)
        return document, name_or_file
    if name_or_file not in recipe_names():
        raise unknown_name("recipe", name_or_file, recipe_names())
    where = f"recipe '{name_or_file}'"
    file = files("delineate.recipe") / "recipes" / f"{name_or_file}.toml"
    return parsed(file.read_text("utf-8"), where), where


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: cannot be read as a recipe ({error}); give a TOML file or one of "
            + ", ".join(recipe_names())
        ) from error


def _take_bases(document: Document, where: str, folder: Path) -> None:
    """Put the settings of the recipe that a stage names under those that the stage has itself."""
    for stage in STAGES:
        own = document.get(stage)
        if isinstance(own, dict) and _BASE in own:
            base = _base(own.pop(_BASE), folder, f"{where}: {stage}.{_BASE}")
            document[stage] = _replaced(base, own)


def _base(name_or_file: Any, folder: Path, where: str) -> Document:
    """The settings of a recipe of one network, by its name or from a file.

    Raises:
        SettingsError: a recipe of another kind, or none.
    """
    if not isinstance(name_or_file, str):
        raise SettingsError(f"{where}: expected the name of a recipe, found {name_or_file!r}")
    is_file = _is_file(name_or_file)
    document, _ = _document(str(folder / name_or_file) if is_file else name_or_file)
    if other := [each for each in (CLASSICAL, *STAGES) if each in document]:
        raise SettingsError(
            f"{where}: expected a recipe of one network, found '{name_or_file}' with a section "
            f"[{other[0]}]; name another"
        )
    return document


def _replaced(base: Document, own: Document) -> Document:
    """The base with settings replaced, each as a whole: new `arguments` leave none of the old."""
    result = dict(base)
    for name, value in own.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = {**before, **value}
        result[name] = value
    return result


def _validated(document: Document, where: str, *, has_stages: bool) -> AnyRecipe:
    kind: type[Recipe] | type[ClassicalRecipe] | type[TwoStageRecipe] = Recipe
    if has_stages:
        kind = TwoStageRecipe
    elif CLASSICAL in document:
        _refuse_sections_of_networks(document, where)
        kind = ClassicalRecipe
    check_names(document, kind)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ": ".join([where, ".".join(str(part) for part in first["loc"])]).rstrip(": ")
        if first["type"] == "value_error":  # one of ours, which says what was found
            raise SettingsError(f"{where}: {first['ctx']['error']}; see docs/recipes.md") from error
        found = f", found {first['input']!r}" if first["type"] != "missing" else ""
        raise SettingsError(f"{where}: {first['msg']}{found}; see docs/recipes.md") from error


def _refuse_sections_of_networks(document: Document, where: str) -> None:
    """Say of settings that only a network has what there is instead."""
    only = [name for name in document if name in Recipe.model_fields.keys() - _CLASSICAL_SECTIONS]
    only += [
        f"{section}.{name}"
        for section in ("validation", "predict")
        if isinstance(document.get(section), dict)
        for name in document[section]
        if name in _fields(Recipe, section) and name not in _fields(ClassicalRecipe, section)
    ]
    if only:
        raise SettingsError(
            f"{where}: {', '.join(only)}: only a network has a use for it, and a recipe with a "
            f"section [{CLASSICAL}] has none; leave it out"
        )


def _fields(model: type[BaseModel], section: str) -> dict[str, Any]:
    annotation = model.model_fields[section].annotation
    assert isinstance(annotation, type)  # every section is a model of its own
    assert issubclass(annotation, BaseModel)
    return dict(annotation.model_fields)
