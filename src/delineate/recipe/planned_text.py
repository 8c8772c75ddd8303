"""A planned recipe as TOML in which every choice has its reason above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import tomlkit
from tomlkit.items import Table

from delineate.recipe.choices import Choice
from delineate.recipe.recipe import Recipe

WIDTH = 96


def planned_text(recipe: Recipe, choices: Sequence[Choice]) -> str:
    """The recipe as TOML that `load_recipe` reads back to an equal one.

    Above each setting stands the reason of the choice of that name. Those of a whole section, and
    of settings that have no value, stand above its first.
    """
    reasons = {choice.setting: choice.reason for choice in choices}
    document = tomlkit.document()
    for name, value in recipe.model_dump(mode="json", exclude_none=True).items():
        if isinstance(value, dict):
            document.add(name, _section(name, value, reasons))
        else:
            document.add(name, value)
    return tomlkit.dumps(document)


def _section(name: str, settings: Mapping[str, Any], reasons: Mapping[str, str]) -> Table:
    table = tomlkit.table()
    left_out = [each for each in reasons if each.startswith(f"{name}.")]
    left_out = [each for each in left_out if each.removeprefix(f"{name}.") not in settings]
    above = [reasons.get(name, "")]
    above += [f"no {each.removeprefix(f'{name}.')}: {reasons[each]}" for each in left_out]
    for reason in above:
        _explain(table, reason)
    for setting, value in settings.items():
        _explain(table, reasons.get(f"{name}.{setting}", ""))
        table.add(setting, _item(value))
    return table


def _item(value: Any) -> Any:
    """Tables within a section in one line, so that their settings stay beside each other."""
    if not isinstance(value, dict):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline


def _explain(table: Table, reason: str) -> None:
    for line in wrap(reason, WIDTH, break_on_hyphens=False):
        table.add(tomlkit.comment(line))
