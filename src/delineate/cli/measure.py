"""`delineate measure`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Layout,
    Masks,
    Out,
    Overlapping,
    Overwrite,
    Quiet,
)
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


def measure(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Data set in any known layout, or a folder of masks as predict writes them.",
            show_default=False,
        ),
    ],
    *,
    out: Out,
    spacing_mm: Annotated[
        str | None,
        typer.Option(
            "--spacing-mm",
            metavar="MM",
            help="Height and width of a pixel, such as 0.02 or 0.02,0.03, in place of what the "
            "images state.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="NAME",
            help="The masks to measure: train, validation, test or all, which is the default.",
            show_default=False,
        ),
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures", help="Draw the centre lines of each mask, or not."
        ),
    ] = True,
    layout: Layout = None,
    masks: Masks = None,
    overlapping: Overlapping = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure vessels: length, branch points, width along the centre line, tortuosity.

    Writes a row a case, a row a segment and the width at every pixel of the way. A mask that
    cannot be read is listed at the end, and the others are done.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{out} is unfinished; measure again with --overwrite"):
        from delineate.workflows.measure import measure as work

        result = work(
            source,
            out,
            split=split,
            layout=layout,
            masks=masks or None,
            overlapping=overlapping,
            spacing_mm=spacing_mm,
            pictures=pictures,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, structure_table(result.document))


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
        yield f"{counted(without, 'mask')} without a size of a pixel are in px alone"


def _short(value: float | None, key: str) -> str:
    if value is None:
        return "undefined"
    return f"{value:.3f}" if "width" in key or key == "tortuosity" else f"{value:,.1f}"
