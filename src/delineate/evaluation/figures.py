"""What the figures of every evaluation have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar


class Figure(Protocol):
    """One figure, a frozen dataclass that says by which rule it was counted."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def value(self) -> float | None:
        """None where it is undefined."""

    @property
    def why_undefined(self) -> str | None:
        """The reason, where there is no value."""

    @property
    def low(self) -> float | None:
        """The lower end of the interval, where there is one."""

    @property
    def high(self) -> float | None:
        """Its upper end."""

    @property
    def rule(self) -> str:
        """How the figure came about, in one sentence."""


F = TypeVar("F", bound=Figure)


@dataclass(frozen=True)
class ViewScores(Generic[F]):
    """The headline scores of one set of predictions over one set of cases and labels."""

    name: str
    cases: int
    subjects: int
    records: tuple[F, ...]

    def to_document(self) -> dict[str, Any]:
        """The view in plain JSON values."""
        return {
            "name": self.name,
            "cases": self.cases,
            "subjects": self.subjects,
            "records": [figure_document(record) for record in self.records],
        }


def figure_words(figure: Figure) -> str:
    """The value with its interval, or `undefined` and the reason."""
    if figure.value is None:
        return f"undefined ({figure.why_undefined})"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def figure_document(figure: Figure) -> dict[str, Any]:
    """The figure and its rule in plain JSON values."""
    return {**asdict(figure), "rule": figure.rule}


def having(figures: Iterable[F], **fields: str) -> tuple[F, ...]:
    """The figures whose fields have these values, such as `score="dice"`."""
    return tuple(
        figure
        for figure in figures
        if all(getattr(figure, name) == value for name, value in fields.items())
    )
