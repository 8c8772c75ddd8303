"""`delineate plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AllowLeakage,
    AsJson,
    Data,
    Device,
    DeviceName,
    Layout,
    Masks,
    Overlapping,
    Overwrite,
    Quiet,
    Review,
    Seed,
    SplitFile,
    Subjects,
    Threads,
)
from delineate.cli.tables import columns


def plan(
    source: Data,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Folder for recipe.toml and plan.json, or the name of the TOML file itself.",
            show_default=False,
        ),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="M",
            help="Time that the training will have: the network is tried for a second or two, and "
            "what depends on its speed is planned too.",
        ),
    ] = None,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    overlapping: Overlapping = False,
    review: Review = None,
    allow_leakage: AllowLeakage = False,
    seed: Seed = 0,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Propose a recipe for DATA, with a reason for each choice.

    Looks at the training images alone: sizes, tones, how much of them each class covers, how wide
    its shapes are, and whether images know what is up. `train` without --recipe makes the same
    plan by itself; the file is there to be read, changed, and given to `train --recipe`.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "no plan was written; start again"):
        from delineate.workflows.plan import plan as work
        from delineate.workflows.plan import table

        result = work(
            source,
            out,
            minutes=minutes,
            seed=seed,
            device=device.chosen,
            threads=threads,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            overlapping=overlapping,
            split_file=split_file,
            review=review,
            allow_leakage=allow_leakage,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, columns(table(result.document), ("setting", "value", "reason")))
