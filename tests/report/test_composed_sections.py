"""Sections of models with a gate and of models whose mean counts, from counts made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.cli.composed_tables import members_table, two_stage_table
from delineate.evaluation.members import ClassCounts, members_document
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.two_stage import ImageCounts
from delineate.evaluation.two_stage_document import Costs, WayCases, two_stage_document
from delineate.report.evaluation_page import write_evaluation_page
from delineate.report.members_section import members_section
from delineate.report.paired_cells import said
from delineate.report.two_stage_section import two_stage_section
from delineate.report.verdicts import verdict_of

SETTINGS = EvaluationSettings(resamples=100)
TIMES = {"rule": "timed", "processor": "a <processor>", "threads": 1, "images": 11}
GROUPS = [f"{place}" for place in range(12)]
# Twelve images, half of them with 10 pixels: the gate shuts out 0, and keeps back 6 and 7; the
# segmenter misses 1, outlines 2 to 5 with 8 of 10 pixels, and draws on 6 and 8.
TRUTH = np.array([10] * 6 + [0] * 6)
DRAWN = np.array([10, 0, 8, 8, 8, 8, 3, 0, 4, 0, 0, 0])
HIT = np.minimum(TRUTH, DRAWN)
PROBABILITY = np.array([0.2, 0.8, 0.9, 0.9, 0.95, 0.99, 0.3, 0.1, 0.6, 0.5, 0.6, 0.7])
FINE = np.zeros(12, bool)


def way(name: str, gate: str | None, threshold: float | None, failed: Any = FINE) -> WayCases:
    """One way over the twelve images."""
    is_open = ~failed if threshold is None else (threshold <= PROBABILITY) & ~failed
    drawn = np.where(failed, 0, DRAWN), np.where(failed, 0, HIT)
    return WayCases(
        name,
        gate,
        threshold,
        0.5,
        4 if gate is None else 0,
        "chosen <by hand>",
        ImageCounts(TRUTH, *drawn, failed),
        PROBABILITY,
        is_open,
    )


def two_stages(failed: Any = FINE, groups: list[str] | None = None) -> dict[str, Any]:
    """The document of two stages beside the segmenter without a gate."""
    ways = [
        way("two stages", "classifier", 0.5, failed),
        way("segmenter without a gate", None, None, failed),
    ]
    document = two_stage_document(
        ways, groups or GROUPS, Costs(gate_ms=2.0, segmenter_ms=30.0), settings=SETTINGS
    )
    return document | {"times": TIMES | {"gate_ms": 2.0, "segmenter_ms": 30.0}}


@pytest.fixture
def members() -> dict[str, Any]:
    """The document of two members and their mean, which draws what the truth holds."""
    none_failed = np.zeros(12, bool)
    truth = TRUTH[:, None]

    def drawn(missing: int) -> ClassCounts:
        found = np.maximum(truth - missing, 0)
        return ClassCounts(truth, found, found, none_failed)

    rows = [
        {
            "name": name,
            "parameters": parameters,
            "milliseconds_an_image": time_ms,
            "threshold": 0.5,
            "minimum_area_px": 0,
        }
        for name, parameters, time_ms in (
            ("members/fold1-seed0", 1000, 10.0),
            ("members/fold2-seed0", 1000, 14.0),
            ("mean of the members", 2000, 24.0),
        )
    ]
    document = members_document(
        rows,
        own=[drawn(4), drawn(6)],
        at_one_cut=[drawn(2), drawn(0)],
        mean=drawn(0),
        groups=GROUPS,
        settings=SETTINGS,
    )
    return document | {"rules": ["a rule"], "times": TIMES}


def rows_of(table: Any) -> dict[str, list[str]]:
    """The values of a table by the names of its rows."""
    (group,) = table.groups
    return {row.name: [cell.value for cell in row.cells] for row in group.rows}


def test_losses_are_said_and_tabled() -> None:
    """Every part stands with its images, and all of them add up to what lacks of the mean."""
    section = two_stage_section({"two_stage": two_stages()})
    assert section is not None
    assert section.summary == (
        "Of 6 images with foreground the gate missed 1, the segmenter behind it 1, and 4 were "
        "outlined at a mean Dice of 0.889. Of 6 images without, 1 was drawn on; the gate kept back "
        "2, and let through 3 on which the segmenter drew nothing."
    )
    rows = rows_of(section.losses)
    assert rows["Missed by the gate"] == ["1", "6 with foreground", "0.083", "29%"]
    assert rows["False alarm"] == ["1", "6 without foreground", "0.083", "29%"]
    assert rows["1 less the mean of 0.713"] == ["12", "all", "0.287", "–"]
    assert "Failed" not in rows
    assert section.effect == (
        "With masks cut as they are, the gate spared 1 false alarm (+0.083 of the Kaggle Dice) and "
        "shut out 1 find (−0.083): +0.000 together."
    )


def test_failures_have_a_row_of_their_own() -> None:
    """An image that failed is in no other part, and the sentence names it."""
    failed = np.arange(12) == 3
    section = two_stage_section({"two_stage": two_stages(failed)})
    assert section is not None
    assert rows_of(section.losses)["Failed"][:3] == ["1", "12 all", "0.083"]
    assert section.summary.endswith("Of all, 1 failed.")


def test_each_way_stands_with_cost_and_score() -> None:
    """Two stages run the segmenter on ten of twelve images less one, and it costs accordingly."""
    section = two_stage_section({"two_stage": two_stages()})
    assert section is not None
    rows = rows_of(section.ways)
    # 9 of 12 images are let through: 2 + 0.75 * 30.
    assert rows["Two stages"][:5] == ["75.0%", "24.5", "0.713", "–", "–"]
    assert rows["Segmenter without a gate"][:5] == [
        "100.0%",
        "30.0",
        "0.713",
        "+0.000",
        "not distinguishable",
    ]
    assert rows["Empty prediction"][5:] == ["0.0%", "100.0%", "0.000"]
    assert dict(section.points)["Segmenter without a gate"] == (
        "masks 0.500, objects of 4 px and more. Chosen <by hand>"
    )


def test_verdicts_say_when_nothing_can_be_told() -> None:
    """A difference is higher, lower, or not to be told from none, or has no interval."""
    known = {"low": 0.1, "high": 0.3, "why_no_interval": None}
    assert verdict_of({"value": 0.2, "is_distinguishable": True}) == "higher"
    assert verdict_of({"value": -0.2, "is_distinguishable": True}) == "lower"
    assert verdict_of({"value": 0.2, "is_distinguishable": False}) == "not distinguishable"
    assert said({"value": 0.2, "is_distinguishable": True, **known}) == (
        "+0.200 (95 % interval +0.100 to +0.300)"
    )
    few = two_stages(groups=["a", "b"] * 6)
    section = two_stage_section({"two_stage": few})
    assert section is not None
    assert rows_of(section.ways)["Segmenter without a gate"][4] == "no interval"
    assert section.ways.remarks == ("No interval from 2 subjects; at least 10 are needed",)


def test_figures_mark_what_is_in_use() -> None:
    """One figure has cost against score, the other the gate's thresholds and the one in use."""
    section = two_stage_section({"two_stage": two_stages()})
    assert section is not None
    (cost, cost_svg), (threshold, threshold_svg) = section.plots
    assert "two stages 24.5 ms, 0.713" in cost_svg
    assert "a description, and no way to choose a threshold" in cost
    assert "the one in use, 0.5" in threshold
    assert "in use is 0.5" in threshold_svg


def test_members_stand_beside_their_mean(members: dict[str, Any]) -> None:
    """A row a member with cost, score and difference; the sentence has gain and cost."""
    section = members_section({"members": members})
    assert section is not None
    rows = rows_of(section.table)
    # 6 of 10 pixels found: 2 * 6 / 16 on half of the images, and 1 on the others.
    assert rows["fold1-seed0"][:6] == ["1,000", "10.0", "0.500", "0.750", "0.875", "−0.125"]
    assert rows["mean of the members"][3:6] == ["1.000", "1.000", "–"]
    assert "cut like the mean, +0." in section.summary
    assert section.summary.endswith(
        "It takes 2.0 times the time and 2.0 times the parameters of one member."
    )


@pytest.mark.parametrize(
    ("unknown", "ending"),
    [
        ({"parameters": 0}, "own threshold. It takes 2.0 times the time of one member."),
        ({"milliseconds_an_image": None}, " It takes 2.0 times the parameters of one member."),
        (
            {"parameters": 0, "milliseconds_an_image": None},
            " where each is cut at its own threshold.",
        ),
    ],
)
def test_methods_without_parameters_have_a_mean_too(
    members: dict[str, Any], unknown: dict[str, Any], ending: str
) -> None:
    """A cost that is nothing, or not known, is left out of the sentence."""
    for row in members["rows"]:
        row.update(unknown)
    section = members_section({"members": members})
    assert section is not None
    assert section.summary.endswith(ending)


def test_other_evaluations_have_no_such_sections() -> None:
    """Documents from before, and those of single models, stay as they are."""
    assert two_stage_section({}) is None
    assert members_section({"members": None}) is None


def test_the_page_holds_both_without_fault(
    tmp_path: Path,
    document: dict[str, Any],
    members: dict[str, Any],
    faults: Callable[[str], list[str]],
) -> None:
    """Hostile words are escaped, and every table and figure stands in a whole page."""
    file = tmp_path / "evaluation.html"
    write_evaluation_page(
        file, document={**document, "two_stage": two_stages(), "members": members}
    )
    text = file.read_text(encoding="utf-8")
    assert faults(text) == []
    assert "Two stages, end to end" in text
    assert "Members and their mean" in text
    assert "a &lt;processor&gt;" in text
    assert "Chosen &lt;by hand&gt;" in text


def test_terminals_show_the_same_in_short(members: dict[str, Any]) -> None:
    """Losses, ways and members as plain tables no wider than a terminal's 100 columns."""
    lines = [*two_stage_table(two_stages()), *members_table(members)]
    assert "missed by the gate  1       0.0833" in lines
    assert (
        "segmenter without a gate  100.0%     30.0         0.7130       "
        "+0.0000, not distinguishable" in lines
    )
    assert (
        "fold1-seed0          1,000       10.0  0.7500  0.8750     -0.1250, lower    0.9444"
        in lines
    )
    assert max(map(len, lines)) <= 100
    few = list(two_stage_table(two_stages(groups=["a", "b"] * 6)))
    assert "no interval from 2 subjects; at least 10 are needed" in few
