"""What is said of two ways to answer the same cases, alike on a page and in plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOT_DISTINGUISHABLE = "not distinguishable"
# The score by which the recipes of a study are ordered and compared in pairs.
LED_BY = ("dice", "mean per image")


def verdict_of(figure: Mapping[str, Any]) -> str:
    """Higher, lower, not distinguishable, or that there is no interval to say so.

    Examples:
        >>> verdict_of({"value": -0.1, "is_distinguishable": True})
        'lower'
        >>> verdict_of({"value": -0.1, "is_distinguishable": None})
        'no interval'
    """
    if figure["is_distinguishable"] is None:
        return "no interval"
    if not figure["is_distinguishable"]:
        return NOT_DISTINGUISHABLE
    return "higher" if figure["value"] > 0 else "lower"


def better_of(pair: Mapping[str, Any]) -> str:
    """Which recipe of a pair is better, or why that cannot be said.

    Examples:
        >>> pair = {"first": "a", "second": "b", "value": -0.1, "is_distinguishable": True}
        >>> better_of(pair), better_of(pair | {"is_distinguishable": False})
        ('b is better', 'not distinguishable')
    """
    if pair["is_distinguishable"] is None:
        return str(pair["why_no_interval"])
    if not pair["is_distinguishable"]:
        return NOT_DISTINGUISHABLE
    return f"{pair['first'] if pair['value'] > 0 else pair['second']} is better"


def score_of(row: Mapping[str, Any], key: tuple[str, str]) -> Mapping[str, Any] | None:
    """The score of this name and pooling in a row of a board, where it was counted."""
    found = [each for each in row["scores"] if (each["score"], each["pooling"]) == key]
    return found[0] if found else None


def led_by(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The score by which the rows of a board are ordered; empty where it was not counted."""
    return score_of(row, LED_BY) or {}
