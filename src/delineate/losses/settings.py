"""Which losses are added, each with its weight and arguments. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]


class LossTerm(BaseModel):
    """One loss of a sum: a number, its weight, or a table with weight and arguments.

    Arguments are checked where the loss is built; one without a value has its default.

    Examples:
        >>> LossTerm.model_validate(0.5).weight
        0.5
        >>> LossTerm.model_validate({"weight": 2, "gamma": 1.5}).arguments
        {'gamma': 1.5}
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    weight: NonNegativeFloat = 1.0

    @property
    def arguments(self) -> dict[str, Any]:
        """What goes to the loss besides logits and labels."""
        return dict(self.model_extra or {})

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: each for name, each in value.items() if each is not None}
        return value if isinstance(value, LossTerm) else {"weight": value}

    @model_serializer
    def _as_written(self) -> float | dict[str, Any]:
        return {"weight": self.weight, **self.arguments} if self.arguments else self.weight


def _require_some_weight(terms: dict[str, LossTerm]) -> dict[str, LossTerm]:
    if not any(term.weight for term in terms.values()):
        raise PydanticCustomError(
            "no_weight", "expected a loss with a weight above 0, or nothing is learnt"
        )
    return terms


LossTerms = Annotated[
    dict[str, LossTerm], Field(min_length=1), AfterValidator(_require_some_weight)
]
