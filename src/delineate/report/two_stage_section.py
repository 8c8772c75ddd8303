"""A model with a gate on the page of an evaluation: who lost what, and cost against score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delineate.report.members_section import rules_of, threshold_text, time_text
from delineate.report.pages import number
from delineate.report.paired_cells import (
    NOTHING,
    difference_cell,
    interval_remarks,
    mean_cell,
    plain_table,
    signed,
    verdict_cell,
)
from delineate.report.score_tables import Cell, ScoreTable, sentence
from delineate.report.two_stage_plots import two_stage_plots

Document = Mapping[str, Any]
WAY_COLUMNS = (
    "Images segmented", "Time, ms an image", "Kaggle Dice", "Against the first", "Told apart?",
    "Drawn on, of present", "Left alone, of absent", "Dice of present",
)  # fmt: skip
LOSS_COLUMNS = ("Images", "Of", "Lost of the mean", "Share of the loss")
# The parts of a loss: the key in the document, what a person reads, and of which images it is.
PARTS = (
    ("missed_by_gate", "Missed by the gate", "present"),
    ("missed_by_segmenter", "Let through, missed by the segmenter", "present"),
    ("outlined", "Outlined, and not exactly", "present"),
    ("false_alarms", "False alarm", "absent"),
    ("failed", "Failed", "cases"),
)


@dataclass(frozen=True)
class TwoStageSection:
    """What the template draws."""

    summary: str
    losses: ScoreTable
    effect: str
    ways: ScoreTable
    plots: tuple[tuple[str, str], ...]
    points: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]


def two_stage_section(document: Document) -> TwoStageSection | None:
    """The section of an evaluation of a model with a gate, else None."""
    found = document.get("two_stage")
    if not found:
        return None
    return TwoStageSection(
        summary=losses_in_words(found),
        losses=_losses_table(found),
        effect=effect_in_words(found),
        ways=_ways_table(found),
        plots=two_stage_plots(found),
        points=tuple(_points(found)),
        rules=rules_of(found),
    )


def losses_in_words(found: Document) -> str:
    """How many of which images were missed by which stage, outlined, and drawn on for nothing."""
    losses = found["losses"]
    outlined, alarms = losses["outlined"]["images"], losses["false_alarms"]["images"]
    how = ""
    if outlined:
        beside = losses["beside"]
        touching = f", {beside:,} of them beside every true pixel" if beside else ""
        how = f" at a mean Dice of {number(losses['dice_of_outlined'])}{touching}"
    failed = losses["failed"]["images"]
    return (
        f"Of {_counted(losses['present'], 'image')} with foreground the gate missed "
        f"{losses['missed_by_gate']['images']:,}, the segmenter behind it "
        f"{losses['missed_by_segmenter']['images']:,}, and {_were(outlined)} outlined{how}. Of "
        f"{_counted(losses['absent'], 'image')} without, {_were(alarms)} drawn on; the gate kept "
        f"back {losses['closed_rightly']:,}, and let through {losses['nothing_drawn']:,} on which "
        "the segmenter drew nothing." + (f" Of all, {failed:,} failed." if failed else "")
    )


def effect_in_words(found: Document) -> str:
    """What the gate changed of the mean, all else left as it is."""
    effect = found["gate_effect"]
    return (
        "With masks cut as they are, the gate spared "
        f"{_counted(effect['alarms_spared'], 'false alarm')} ({signed(effect['gained'])} of the "
        f"Kaggle Dice) and shut out {_counted(effect['finds_lost'], 'find')} "
        f"({signed(-effect['cost'])}): {signed(effect['net'])} together."
    )


def _losses_table(found: Document) -> ScoreTable:
    losses = found["losses"]
    whole = 1.0 - found["kaggle_dice"]
    of = {"present": "with foreground", "absent": "without foreground", "cases": "all"}
    totals = {**losses, "cases": found["cases"]}
    rows = []
    for key, name, group in PARTS:
        part = losses[key]
        if key == "failed" and not part["images"]:
            continue
        share = f"{part['loss'] / whole:.0%}" if whole > 0 else "–"
        cells = (f"{part['images']:,}", f"{totals[group]:,} {of[group]}", f"{part['loss']:.3f}")
        rows.append((name, [*map(Cell, cells), Cell(share)]))
    total = (f"{found['cases']:,}", "all", f"{whole:.3f}")
    rows.append(
        (f"1 less the mean of {number(found['kaggle_dice'])}", [*map(Cell, total), NOTHING])
    )
    return plain_table(
        rows,
        LOSS_COLUMNS,
        corner="What became of the image",
        caption="Where the Kaggle Dice was lost: every image stands in one row, and losses add up",
        key="two-stage-losses",
    )


def _ways_table(found: Document) -> ScoreTable:
    ways = found["ways"]
    figures = [way["kaggle_dice"] for way in ways] + [way["difference"] for way in ways]
    return plain_table(
        [(sentence(way["name"]), _way_cells(way)) for way in ways],
        WAY_COLUMNS,
        corner="Way",
        caption=(
            "Cost against score: the same segmenter, each way at its own operating point, and "
            "drawing nothing; differences are paired, image by image, each way less the first"
        ),
        key="two-stage-ways",
        remarks=interval_remarks(figures),
    )


def _way_cells(way: Document) -> list[Cell]:
    return [
        Cell(f"{way['share_segmented']:.1%}"),
        Cell(time_text(way["milliseconds_an_image"])),
        mean_cell(way["kaggle_dice"]),
        difference_cell(way["difference"]),
        verdict_cell(way["difference"]),
        *(_share(way[name]) for name in ("sensitivity", "specificity")),
        Cell(number(way["dice_of_present"]), is_undefined=way["dice_of_present"] is None),
    ]


def _share(value: float | None) -> Cell:
    return Cell("undefined", is_undefined=True) if value is None else Cell(f"{value:.1%}")


def _points(found: Document) -> Iterator[tuple[str, str]]:
    """Name of each way and, in words, where it is cut and how that was chosen."""
    for way in found["ways"]:
        if way["operating_point"] is None:
            continue
        gate = "" if way["gate_threshold"] is None else f"gate {way['gate_threshold']:.3g}, "
        area_px = way["minimum_area_px"]
        area = f", objects of {area_px:,} px and more" if area_px else ""
        cut = f"{gate}masks {threshold_text(way['threshold'])}{area}"
        yield sentence(way["name"]), f"{cut}. {sentence(way['operating_point'])}"


def _counted(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return f"{count:,} {'was' if count == 1 else 'were'}"
