"""`delineate queue`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Device,
    DeviceName,
    Layout,
    Masks,
    ModelFolder,
    OwnData,
    Quiet,
    Subjects,
    Threads,
)
from delineate.cli.tables import columns


def queue(
    model: ModelFolder,
    source: OwnData = None,
    *,
    review: Annotated[
        Path,
        typer.Option(
            "--review",
            metavar="AUDIT",
            help="Folder of an audit, or its review.sqlite; made where there is none.",
            show_default=False,
        ),
    ],
    count: Annotated[
        int,
        typer.Option("--count", metavar="N", min=1, help="At most so many findings of each kind."),
    ] = 20,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="NAME",
            help="The cases to look at: train, validation, test or all.",
        ),
    ] = "all",
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Add to a review what a model contradicts or doubts.

    `delineate review AUDIT` then lists these findings with those of the audit, and takes
    decisions on them. Called again, it replaces what a model found before; decisions stay.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{review} holds what it held before"):
        from delineate.workflows import queue as work

        result = work.queue(
            model,
            source,
            review=review,
            count=count,
            split=split,
            layout=layout,
            masks=masks,
            subjects=subjects,
            device=device.chosen,
            threads=threads,
            progress=console,
        )
    console.finish(result, columns([list(row) for row in work.summary(result.document)]))
