"""What recipes of every kind begin with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from delineate.inference.about import About


class NamedRecipe(BaseModel):
    """The name of a recipe, what it does, and words about the models that it makes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    about: About = About()

    @model_serializer(mode="wrap")
    def _without_empty_words(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """No section `about` where it would be empty, so that it is in no recipe without one."""
        document: dict[str, Any] = dump(self)
        if self.about == About():
            document.pop("about", None)
        return document
