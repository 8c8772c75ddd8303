"""`delineate measure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from delineate.cli.structure_table import structure_table


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
    """Measure vessels in masks: length, branch points, width.

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
