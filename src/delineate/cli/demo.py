"""`delineate demo`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import AsJson, Overwrite, Quiet, Seed, Threads
from delineate.cli.scores import side_by_side


class Kind(StrEnum):
    """What the phantoms look like; a test holds these to `delineate.study.demo.KINDS`."""

    ULTRASOUND = "ultrasound"
    FUNDUS = "fundus"


def demo(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder to write to; demo-KIND where not given."
        ),
    ] = None,
    kind: Annotated[
        Kind, typer.Option("--kind", help="What to draw: necks or the backs of eyes.")
    ] = Kind.ULTRASOUND,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes",
            metavar="M",
            help="Time for the first training; the second takes as many steps.",
        ),
    ] = 2.0,
    seed: Seed = 0,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Go the whole way on phantoms with planted faults, to a report.

    Draws them, inspects, audits, trains before and after decisions on what was found, evaluates
    and predicts, and says at each step which command does the same.
    """
    console = Console(quiet=quiet, as_json=as_json)
    folder = out or Path(f"demo-{kind.value}")
    with console.work(lambda: f"{folder} is unfinished; start again with --overwrite"):
        from delineate.study.demo import demo as work

        result = work(
            folder,
            kind=kind.value,
            minutes=minutes,
            overwrite=overwrite,
            seed=seed,
            threads=threads,
            progress=console,
        )
    console.finish(result, side_by_side(result.document["headline"]))
