"""Models whose mean counts on the page of an evaluation: what they cost and gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delineate.report.pages import number
from delineate.report.paired_cells import (
    NOTHING,
    Figure,
    difference_cell,
    interval_remarks,
    mean_cell,
    plain_table,
    said,
    verdict_cell,
)
from delineate.report.score_tables import Cell, ScoreTable, sentence

COLUMNS = (
    "Parameters", "Time, ms an image", "Threshold", "Dice, pooled", "Dice, mean per image",
    "Less the mean's", "Told apart?", "Cut like the mean", "Less the mean's",
)  # fmt: skip
CLASSIFIER_COLUMNS = (
    "Parameters", "Time, ms an image", "Threshold", "ROC AUC", "Brier score", "Less the mean's",
    "Told apart?",
)  # fmt: skip
CAPTION = (
    "Each member alone beside the mean of them all, first at its own threshold and minimum area, "
    "then at those of the mean"
)


@dataclass(frozen=True)
class MembersSection:
    """What the template draws."""

    summary: str
    table: ScoreTable
    rules: tuple[str, ...]


def members_section(document: Mapping[str, Any]) -> MembersSection | None:
    """The section of an evaluation of a mean of models, else None."""
    found = document.get("members")
    if not found:
        return None
    rows = found["rows"]
    figures = [row["dice_per_image"] for row in rows] + [row["difference"] for row in rows]
    table = plain_table(
        [(member_name(row["name"]), _cells(row)) for row in rows],
        COLUMNS,
        corner="Model",
        caption=CAPTION,
        key="members",
        remarks=interval_remarks(figures),
    )
    return MembersSection(summary_of(found), table, rules_of(found))


def classifier_members_section(document: Mapping[str, Any]) -> MembersSection | None:
    """The section of an evaluation of a mean of classifiers, else None."""
    found = document.get("members")
    if not found:
        return None
    rows = found["rows"]
    figures = [row[name] for row in rows for name in ("brier_score", "difference")]
    table = plain_table(
        [(member_name(row["name"]), _classifier_cells(row)) for row in rows],
        CLASSIFIER_COLUMNS,
        corner="Model",
        caption="Each member alone beside the mean of them all, on the same images",
        key="members",
        remarks=interval_remarks(figures),
    )
    summary = (
        f"The mean's Brier score less the average of its {len(rows) - 1} members', below 0 where "
        f"averaging helps: {said(found['gain'])}.{_cost(rows)}"
    )
    return MembersSection(summary, table, rules_of(found))


def summary_of(found: Mapping[str, Any]) -> str:
    """What the mean gains over its members' average, and what it costs."""
    rows = found["rows"]
    return (
        f"The mean's Dice per image less the average of its {len(rows) - 1} members': "
        f"{said(found['gain_at_one_cut'])} where all are cut like the mean, "
        f"{said(found['gain'])} where each is cut at its own threshold.{_cost(rows)}"
    )


def _cost(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many times what an average member costs the mean costs, where there is a cost."""
    costs = (("milliseconds_an_image", "time"), ("parameters", "parameters"))
    ratios = ((_times_a_member(rows, key), name) for key, name in costs)
    said = " and ".join(f"{ratio:.1f} times the {name}" for ratio, name in ratios if ratio)
    return f" It takes {said} of one member." if said else ""


def _times_a_member(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """The mean's figure by that of an average member; None of nothing, or where one is unknown."""
    *members, mean = (row[key] for row in rows)
    if mean is None or None in members or not sum(members):
        return None
    return float(mean / (sum(members) / len(members)))


def rules_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    """How scores and times were taken."""
    times = found["times"]
    machine = f"{times['rule']}; {times['images']:,} images, {_machine(times)}"
    return tuple(sentence(rule) for rule in (*found["rules"], machine))


def member_name(name: str) -> str:
    """The folder of a member without the folder that holds them all.

    Examples:
        >>> member_name("members/fold1-seed0"), member_name("mean of the members")
        ('fold1-seed0', 'mean of the members')
    """
    return name.rpartition("/")[2]


def _machine(times: Mapping[str, Any]) -> str:
    threads = f", {times['threads']} threads" if times["threads"] else ""
    return f"{times['processor']}{threads}"


def _cells(row: Mapping[str, Any]) -> list[Cell]:
    pooled: float | None = row["dice_pooled"]
    at_one_cut: Figure | None = row["difference_at_one_cut"]
    return [
        Cell(f"{row['parameters']:,}"),
        Cell(time_text(row["milliseconds_an_image"])),
        Cell(threshold_text(row["threshold"])),
        Cell(number(pooled), is_undefined=pooled is None),
        mean_cell(row["dice_per_image"]),
        difference_cell(row["difference"]),
        verdict_cell(row["difference"]),
        NOTHING if at_one_cut is None else Cell(number(row["dice_per_image_at_one_cut"])),
        difference_cell(at_one_cut),
    ]


def _classifier_cells(row: Mapping[str, Any]) -> list[Cell]:
    has_area = row["roc_auc"]["value"] is not None
    return [
        Cell(f"{row['parameters']:,}"),
        Cell(time_text(row["milliseconds_an_image"])),
        Cell(threshold_text(row["threshold"])),
        mean_cell(row["roc_auc"]) if has_area else Cell("undefined", is_undefined=True),
        mean_cell(row["brier_score"]),
        difference_cell(row["difference"]),
        verdict_cell(row["difference"]),
    ]


def time_text(milliseconds: float | None) -> str:
    """Milliseconds with one decimal, or that nothing was timed."""
    return "undefined" if milliseconds is None else f"{milliseconds:,.1f}"


def threshold_text(threshold: float | list[float] | None) -> str:
    """One threshold, one a class that overlaps, or that the likeliest class wins."""
    if threshold is None:
        return "none"
    values = threshold if isinstance(threshold, list | tuple) else [threshold]
    return ", ".join(f"{value:.3f}" for value in values)
