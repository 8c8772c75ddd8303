"""One setting of a recipe with the reason for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from delineate.recipe.recipe import Recipe


@dataclass(frozen=True)
class Choice:
    """A setting by its whole name, such as `train.batch`, its value and why it has that."""

    setting: str
    value: Any
    reason: str

    def document(self) -> dict[str, Any]:
        """The same in plain JSON values."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"setting": self.setting, "value": value, "reason": self.reason}


def recipe_of(choices: Iterable[Choice], *, name: str, description: str) -> Recipe:
    """The recipe whose settings are these, and the default of a setting for all others."""
    document: dict[str, Any] = {"name": name, "description": description}
    for choice in choices:
        section, _, setting = choice.setting.partition(".")
        if setting:
            document.setdefault(section, {})[setting] = choice.value
        else:
            document[section] = choice.value
    return Recipe.model_validate(document)
