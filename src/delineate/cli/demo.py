"""`delineate demo`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import AsJson, Out, Overwrite, Quiet, Seed


class Kind(StrEnum):
    """What the phantoms look like."""

    ULTRASOUND = "ultrasound"
    FUNDUS = "fundus"


def demo(
    *,
    out: Out,
    kind: Annotated[Kind, typer.Option("--kind", help="What to draw.")] = Kind.ULTRASOUND,
    minutes: Annotated[
        float, typer.Option("--minutes", metavar="M", help="Time for the training.")
    ] = 2.0,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Go the whole way on phantoms with planted faults, to a report."""
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{out} is unfinished; start again with --overwrite"):
        from delineate.study.demo import demo as work

        result = work(
            out,
            kind=kind.value,
            minutes=minutes,
            seed=seed,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result)
