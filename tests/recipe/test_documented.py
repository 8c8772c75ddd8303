"""docs/recipes.md says what the settings are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from delineate.losses.catalogue import LOSSES
from delineate.models.catalogue import MODELS
from delineate.recipe.recipe import Recipe, recipe_names

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


@pytest.mark.parametrize("name", [*recipe_names(), *MODELS, *LOSSES])
def test_every_name_is_listed(name: str) -> None:
    """Recipes, architectures and losses each have a row."""
    assert f"| `{name}` |" in PAGE
