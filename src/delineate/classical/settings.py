"""Which method, and the values among which its parameters are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from delineate.classical.catalogue import find_method
from delineate.classical.method import Method, Parameters
from delineate.core.errors import SettingsError, unknown_name

Value = bool | int | float | str
# More would take hours and find the training images' chances rather than what holds.
_MOST_COMBINATIONS = 500


class ClassicalSettings(BaseModel):
    """A method without a network, and the few values that are tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(description="a name in the catalogue of methods")
    images: int = Field(
        8, ge=1, description="training images to learn from, evenly spaced where there are more"
    )
    parameters: dict[str, tuple[Value, ...]] = Field(
        default_factory=dict,
        description="a value or several for each; every combination is tried on these images",
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        """A single value is a list of one."""
        if not isinstance(given, dict):
            return given
        return {
            name: each if isinstance(each, list | tuple) else (each,)
            for name, each in given.items()
        }

    @model_validator(mode="after")
    def _of_the_method(self) -> ClassicalSettings:
        """Every value is one that the method can take."""
        known = find_method(self.method).parameters_type.model_fields
        for name, values in self.parameters.items():
            if name not in known:
                raise unknown_name(f"parameter of {self.method}", name, known)
            if not values:
                raise ValueError(f"parameters.{name}: expected at least one value, found none")
        count = prod(len(values) for values in self.parameters.values())
        if count > _MOST_COMBINATIONS:
            raise ValueError(
                f"parameters: expected at most {_MOST_COMBINATIONS} combinations, found {count:,}"
            )
        for _ in self._combinations():
            pass
        return self

    @property
    def kind(self) -> type[Method]:
        """The method itself."""
        return find_method(self.method)

    def candidates(self, channels: int) -> tuple[Parameters, ...]:
        """Every combination for images of so many channels, the first values first.

        Raises:
            SettingsError: only tones of colour are asked for, and the images are grey.
        """
        found = tuple(each for each in self._combinations() if channels > 1 or _is_grey(each))
        if not found:
            raise SettingsError(
                "classical.parameters.tone: the images are grey, so that red, green and blue are "
                f"not there; found {', '.join(map(str, self.parameters['tone']))}; give grey"
            )
        return found

    def _combinations(self) -> Iterator[Parameters]:
        names = list(self.parameters)
        for values in product(*self.parameters.values()):
            given = dict(zip(names, values, strict=True))
            try:
                yield self.kind.parameters_type.model_validate(given)
            except ValidationError as error:
                first = error.errors()[0]
                name = ".".join(map(str, first["loc"]))
                found = given.get(name, given)
                raise ValueError(f"parameters.{name}: {first['msg']}, found {found!r}") from error


def _is_grey(parameters: Parameters) -> bool:
    return getattr(parameters, "tone", "grey") == "grey"
