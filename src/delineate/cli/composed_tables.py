"""What an evaluation says of a gate and of members, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delineate.cli.tables import columns, counted
from delineate.report.verdicts import verdict_of

_LOSSES = {
    "missed_by_gate": "missed by the gate",
    "missed_by_segmenter": "missed behind it",
    "outlined": "outlined",
    "false_alarms": "false alarms",
    "failed": "failed",
}
_WAYS = ("way", "segmented", "ms an image", "Kaggle Dice", "against the first")


def two_stage_table(found: Mapping[str, Any]) -> Iterator[str]:
    """Where the mean was lost, and below it each way to use the segmenter with cost and score."""
    losses = found["losses"]
    rows = [
        [name, f"{losses[key]['images']:,}", f"{losses[key]['loss']:.4f}"]
        for key, name in _LOSSES.items()
    ]
    rows.append(["together", f"{found['cases']:,}", f"{1 - found['kaggle_dice']:.4f}"])
    yield from columns(rows, ["two stages", "images", "Kaggle Dice lost"])
    yield (
        f"{counted(losses['present'], 'image')} with foreground, {losses['absent']:,} without; of "
        f"those the gate kept back {losses['closed_rightly']:,}"
    )
    yield ""
    yield from columns([_way(way) for way in found["ways"]], _WAYS)
    yield "each way at its own operating point; differences are paired, their intervals on the page"
    yield from _why_none(way["difference"] for way in found["ways"])


def members_table(found: Mapping[str, Any]) -> Iterator[str]:
    """A row a member and their mean, and what the mean gains."""
    rows = [
        [
            row["name"].rpartition("/")[2],
            f"{row['parameters']:,}",
            _time(row["milliseconds_an_image"]),
            "undefined" if row["dice_pooled"] is None else f"{row['dice_pooled']:.4f}",
            f"{row['dice_per_image']['value']:.4f}",
            _difference(row["difference"]),
            f"{row['dice_per_image_at_one_cut']:.4f}",
        ]
        for row in found["rows"]
    ]
    header = ("Dice", "parameters", "ms", "pooled", "per image", "against the mean", "cut alike")
    yield from columns(rows, header)
    yield "each at its own threshold, last at the mean's; ms: milliseconds an image"
    gain = found["gain_at_one_cut"]
    yield f"the mean less its members' average, all cut alike: {_difference(gain)}"
    yield from _why_none([gain])


def classifier_members_table(found: Mapping[str, Any]) -> Iterator[str]:
    """A row a classifier and their mean, and what the mean gains."""
    rows = [
        [
            row["name"].rpartition("/")[2],
            f"{row['parameters']:,}",
            _time(row["milliseconds_an_image"]),
            "undefined" if row["roc_auc"]["value"] is None else f"{row['roc_auc']['value']:.4f}",
            f"{row['brier_score']['value']:.4f}",
            _difference(row["difference"]),
        ]
        for row in found["rows"]
    ]
    header = ("member", "parameters", "ms", "ROC AUC", "Brier score", "against the mean")
    yield from columns(rows, header)
    yield "Brier score: lower is better; ms: milliseconds an image"
    gain = found["gain"]
    yield f"the mean's Brier score less its members' average: {_difference(gain)}"
    yield from _why_none([gain])


def _way(way: Mapping[str, Any]) -> list[str]:
    return [
        way["name"],
        f"{way['share_segmented']:.1%}",
        _time(way["milliseconds_an_image"]),
        f"{way['kaggle_dice']['value']:.4f}",
        _difference(way["difference"]),
    ]


def _difference(figure: Mapping[str, Any] | None) -> str:
    """The difference, and whether it can be told from none; empty for what it is taken from."""
    return "" if figure is None else f"{figure['value']:+.4f}, {verdict_of(figure)}"


def _time(milliseconds: float | None) -> str:
    return "undefined" if milliseconds is None else f"{milliseconds:,.1f}"


def _why_none(figures: Iterator[Any] | Sequence[Any]) -> Iterator[str]:
    yield from dict.fromkeys(
        figure["why_no_interval"] for figure in figures if figure and figure["why_no_interval"]
    )
