"""`delineate inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Data,
    Layout,
    Masks,
    Out,
    Overlapping,
    Overwrite,
    Quiet,
    Seed,
    Subjects,
)
from delineate.cli.tables import columns


def inspect(
    source: Data,
    *,
    out: Out,
    manifest: Annotated[
        bool,
        typer.Option("--manifest", help="Write manifest.csv too, which any verb takes as DATA."),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Most images on the contact sheet.")
    ] = 48,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    overlapping: Overlapping = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say what is in DATA and how its masks are encoded.

    Tells layout, pairs, sizes, classes, encodings and subjects, and writes inspect.json and
    inspect.html: a contact sheet with each image, its mask and both together.
    Files that cannot be used are listed, and the others are looked at.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{out} is unfinished; look again with --overwrite"):
        from delineate.workflows.inspect import inspect as work
        from delineate.workflows.inspect import table

        result = work(
            source,
            out,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            overlapping=overlapping,
            manifest=manifest,
            overwrite=overwrite,
            limit=limit,
            seed=seed,
            progress=console,
        )
    notes = [f"note: {note}" for note in result.document["notes"]]
    console.finish(result, [*columns(table(result.document)), *notes])
