"""A figure, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Either a value or why it is undefined; undefined is never zero."""

    value: float | None
    why_undefined: str | None = None

    def __str__(self) -> str:
        """The value with four decimals, or `undefined` and the reason."""
        return (
            f"{self.value:.4f}" if self.value is not None else f"undefined ({self.why_undefined})"
        )


def undefined(reason: str) -> Score:
    """The score that has no value, for this reason."""
    return Score(None, reason)
