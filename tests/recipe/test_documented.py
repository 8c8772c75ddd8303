"""docs/recipes.md says what the settings are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from delineate.classical.catalogue import METHODS
from delineate.losses.catalogue import LOSSES
from delineate.models.catalogue import MODELS
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import Recipe, recipe_names
from delineate.recipe.two_stage_recipe import TwoStageRecipe

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")


def _as_toml(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value)


def _settings() -> list[tuple[str, str, str, str]]:
    found = []
    for section, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for name, setting in field.annotation.model_fields.items():
                default = setting.get_default(call_default_factory=True)
                found.append((section, name, _as_toml(default), setting.description or ""))
    return found


@pytest.mark.parametrize(("section", "name", "default", "meaning"), _settings())
def test_every_setting_stands_in_its_section(
    section: str, name: str, default: str, meaning: str
) -> None:
    """Name, default and meaning of a setting are those of the code."""
    start = PAGE.index(f"### `[{section}]`")
    rows = PAGE[start : PAGE.find("\n### ", start + 1)]
    assert f"| `{name}` | `{default}` | {meaning} |" in rows


def _classical_settings() -> list[tuple[str, str, str]]:
    """Those that only a recipe without a network has, and those it has in common with others."""
    found = []
    for section in ("classical", "validation", "predict"):
        settings = ClassicalRecipe.model_fields[section].annotation
        assert isinstance(settings, type)
        assert issubclass(settings, BaseModel)
        for name, setting in settings.model_fields.items():
            shown = name if section == "classical" else f"{section}.{name}"
            default = "–" if setting.is_required() else f"`{_as_toml(_default(setting))}`"
            found.append((shown, default, setting.description or ""))
    return found


def _default(setting: Any) -> Any:
    return setting.get_default(call_default_factory=True)


def _two_stage_settings() -> list[tuple[str, str, str, str]]:
    """Those that only a recipe of two stages has; each stage has those of a network."""
    found = []
    for section in ("folds", "budget", "operating"):
        settings = TwoStageRecipe.model_fields[section].annotation
        assert isinstance(settings, type)
        assert issubclass(settings, BaseModel)
        for name, setting in _flat(settings):
            found.append((section, name, _as_toml(_default(setting)), setting.description or ""))
    return found


def _flat(settings: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, setting in settings.model_fields.items():
        inner = setting.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, setting


@pytest.mark.parametrize(("section", "name", "default", "meaning"), _two_stage_settings())
def test_every_setting_of_two_stages_stands_in_its_section(
    section: str, name: str, default: str, meaning: str
) -> None:
    """Name, default and meaning of what only a model of two stages has are those of the code."""
    start = PAGE.index(f"### `[{section}]`")
    rows = PAGE[start : PAGE.find("\n### ", start + 1)]
    assert f"| `{name}` | `{default}` | {meaning} |" in rows


def _parameters() -> list[tuple[str, str, str, str]]:
    """Each parameter of each method, with its default and meaning."""
    return [
        (method, name, _as_toml(_default(parameter)), parameter.description or "")
        for method, kind in METHODS.items()
        for name, parameter in kind.parameters_type.model_fields.items()
    ]


@pytest.mark.parametrize(("name", "default", "meaning"), _classical_settings())
def test_every_setting_without_a_network_stands_in_its_section(
    name: str, default: str, meaning: str
) -> None:
    """Name, default and meaning of a setting of a method are those of the code."""
    rows = PAGE[PAGE.index("### `[classical]`") :]
    assert f"| `{name}` | {default} | {meaning} |" in rows


@pytest.mark.parametrize(("method", "name", "default", "meaning"), _parameters())
def test_every_parameter_of_a_method_is_listed(
    method: str, name: str, default: str, meaning: str
) -> None:
    """A row tells name, default and meaning, under the method or under all of them."""
    rows = PAGE[PAGE.index("### `[classical]`") :]
    assert f"`{method}`" in rows
    assert f"| `{name}` | `{default}` | {meaning} |" in rows


@pytest.mark.parametrize("name", [*recipe_names(), *MODELS, *LOSSES])
def test_every_name_is_listed(name: str) -> None:
    """Recipes, architectures and losses each have a row."""
    assert f"| `{name}` |" in PAGE
