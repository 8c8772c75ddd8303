"""What each depth of a network that can be pruned costs and reaches, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delineate.report.score_tables import SCORE_NAMES, Document

_SHOWN = ("dice", "roc_auc")
_CAPTION = (
    "The same network pruned to each depth, under the rules of the headline scores and cut at the "
    "threshold that was chosen for that depth on validation. Time is the median of this machine "
    "over a few images; its share of the whole network's says more."
)


@dataclass(frozen=True)
class DepthTable:
    """A table as the template draws it: a row a depth."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def depth_table(document: Document) -> DepthTable | None:
    """Cost and scores of every depth; None where there is but one."""
    depths = document.get("depths")
    if not depths:
        return None
    keys = [(one["score"], one["pooling"]) for one in depths[0]["scores"] if one["score"] in _SHOWN]
    names = tuple(f"{SCORE_NAMES[score]}, {pooling}" for score, pooling in keys)
    columns = ("Parameters", "Time, ms an image", "Share of time", "Threshold", *names)
    return DepthTable(_CAPTION, columns, tuple(_row(each, keys) for each in depths))


def _row(depth: Mapping[str, Any], keys: list[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    found = {(one["score"], one["pooling"]): one["value"] for one in depth["scores"]}
    cells = (
        f"{depth['parameters']:,}",
        _number(depth["milliseconds_an_image"], ".1f"),
        _number(depth["share_of_time"], ".2f"),
        _thresholds(depth),
        *(_number(found.get(key), ".4f") for key in keys),
    )
    return str(depth["depth"]), cells


def _thresholds(depth: Mapping[str, Any]) -> str:
    """The threshold; one a class, in the order of classes, where they overlap."""
    if depth["thresholds"] is not None:
        return ", ".join(format(value, ".3f") for value in depth["thresholds"])
    return "none" if depth["threshold"] is None else format(depth["threshold"], ".3f")


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)
