"""Means and paired differences of an evaluation as cells of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from delineate.report.pages import number
from delineate.report.score_tables import Cell, Row, RowGroup, ScoreTable, sentence
from delineate.report.verdicts import NOT_DISTINGUISHABLE, verdict_of

Figure = Mapping[str, Any]
NOTHING = Cell("–")


def mean_cell(figure: Figure) -> Cell:
    """A mean with its interval below."""
    return Cell(number(figure["value"]), _interval(figure, ".3f"))


def difference_cell(figure: Figure | None) -> Cell:
    """A signed difference with its interval below; a dash for what all is compared with."""
    if figure is None:
        return NOTHING
    return Cell(signed(figure["value"]), _interval(figure, "+.3f"), between="\u00a0to ")


def verdict_cell(figure: Figure | None) -> Cell:
    """Whether the difference can be told from none, in words."""
    return NOTHING if figure is None else Cell(verdict_of(figure))


def said(figure: Figure) -> str:
    """A difference in running text, with its interval or why there is none."""
    value = signed(figure["value"])
    if figure["low"] is None:
        return f"{value} ({figure['why_no_interval']})"
    ending = "" if figure["is_distinguishable"] else f": {NOT_DISTINGUISHABLE}"
    low, high = signed(figure["low"]), signed(figure["high"])
    return f"{value} (95 % interval {low} to {high}{ending})"


def signed(value: float) -> str:
    """A difference with its sign, with three decimals.

    Examples:
        >>> signed(-0.25), signed(0.1)
        ('−0.250', '+0.100')
    """
    return f"{value:+.3f}".replace("-", "−")


def interval_remarks(figures: Sequence[Figure | None]) -> tuple[str, ...]:
    """What is to be said once of intervals: the rule, or why there are none."""
    known = [one for one in figures if one is not None]
    if any(one["low"] is not None for one in known):
        rule = "Below a value stands its 95 % interval, by resampling whole subjects"
        notes = [one["interval_note"] for one in known if one["interval_note"]]
        return (rule, *dict.fromkeys(sentence(note) for note in notes))
    reasons = [one["why_no_interval"] for one in known if one["why_no_interval"]]
    return tuple(dict.fromkeys(sentence(reason) for reason in reasons))


def plain_table(
    rows: Sequence[tuple[str, Sequence[Cell]]],
    columns: Sequence[str],
    *,
    corner: str,
    caption: str,
    key: str,
    remarks: Sequence[str] = (),
) -> ScoreTable:
    """A table of cells as the templates draw it, without groups."""
    return ScoreTable(
        title=caption,
        caption=caption,
        columns=tuple(columns),
        groups=(RowGroup("", (), tuple(Row(name, tuple(cells)) for name, cells in rows)),),
        notes=(),
        remarks=tuple(remarks),
        spans=(),
        is_led=False,
        corner=corner,
        key=key,
    )


def _interval(figure: Figure, form: str) -> tuple[str, str] | None:
    if figure["low"] is None:
        return None
    low, high = (format(figure[end], form).replace("-", "−") for end in ("low", "high"))
    return low, high
