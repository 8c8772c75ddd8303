"""What was measured of vessels as tables: figures of those who drew, and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delineate.cli.tables import columns, counted

_FIGURES = {
    "length": "length_px",
    "segments": "segments",
    "branch points": "branch_points",
    "free ends": "end_points",
    "mean width": "mean_width_px",
    "median": "median_width_px",
    "95 %": "p95_width_px",
    "tortuosity": "tortuosity",
}
_ERRORS = ("true length", "predicted", "missed", "false", "true width", "error", "95 % limits")


def structure_table(document: Mapping[str, Any]) -> Iterator[str]:
    """The mean over cases of what was measured, a row for each who drew and each class."""
    summary: Sequence[Mapping[str, Any]] = document["summary"]
    if not summary:
        yield "nothing could be measured"
        return
    several = len(document["classes"]) > 1
    header = ["mean of a case", *(["class"] if several else []), "cases", *_FIGURES]
    rows = []
    for row in summary:
        name = [row["class"]] if several else []
        figures = [_short(row[key], key) for key in _FIGURES.values()]
        rows.append([row["who"], *name, f"{row['cases']:,}", *figures])
    yield from columns(rows, header)
    yield "lengths and widths in px; quantiles are over the length"
    in_mm = [row for row in summary if row["length_mm"] is not None]
    for row in in_mm:
        who = f"{row['who']}, {row['class']}" if several else row["who"]
        width = "undefined" if row["mean_width_mm"] is None else f"{row['mean_width_mm']:.4f} mm"
        yield f"{who}: length {row['length_mm']:.2f} mm, mean width {width}"
    without = sum(not case["spacing_origin"] for case in document["cases"])
    if in_mm and without:
        yield f"{counted(without, 'mask')} without a size of a pixel: in px alone"


def error_table(structure: Mapping[str, Any]) -> list[str]:
    """Lengths and errors of width of all cases together, a row a predictor and a truth."""
    errors: Sequence[Mapping[str, Any]] = structure["errors"]
    several = len({each["class"] for each in errors}) > 1
    rows = []
    for each in errors:
        name = f"{each['who']} against {each['against']}"
        lengths = [
            f"{each['truth_length_px']:,.0f}",
            f"{each['predicted_length_px']:,.0f}",
            f"{each['missed_length_px']:,.0f}",
            f"{each['false_length_px']:,.0f}",
        ]
        widths = ["undefined"] * 3
        if each["width_error_px"] is not None:
            limits = (each["width_error_low_px"], each["width_error_high_px"])
            widths = [
                f"{each['mean_true_width_px']:.2f}",
                f"{each['width_error_px']:+.2f}",
                "{:+.2f} to {:+.2f}".format(*limits),
            ]
        rows.append([f"{each['class']}, {name}" if several else name, *lengths, *widths])
    return columns(rows, ["vessels, px", *_ERRORS])


def _short(value: float | None, key: str) -> str:
    if value is None:
        return "undefined"
    return f"{value:.3f}" if "width" in key or key == "tortuosity" else f"{value:,.1f}"
