"""`delineate audit`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from shlex import join
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
    SplitFile,
    Subjects,
    Threads,
)
from delineate.cli.tables import columns


class Search(StrEnum):
    """How far copies are looked for."""

    QUICK = "quick"
    THOROUGH = "thorough"


def audit(
    source: Data,
    *,
    out: Out,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="DATA",
            help="A second data set, such as that of another paper: what both hold is a leak.",
        ),
    ] = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(
            "--threshold",
            metavar="D",
            min=0.0,
            help="List every pair whose summed grey-level difference lies under this; "
            "repeatable. 100 and 1000 where not given.",
        ),
    ] = None,
    search: Annotated[
        Search,
        typer.Option(
            "--search",
            help="quick: copies that were flipped, turned, recompressed, resized, letterboxed or "
            "changed in tone; thorough: cropped and shifted ones too.",
        ),
    ] = Search.THOROUGH,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Write audit.html, the page to look at.")
    ] = True,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="Where signatures are kept between audits; the user's cache where not given.",
        ),
    ] = None,
    keep_signatures: Annotated[
        bool,
        typer.Option("--keep/--no-keep", help="Keep signatures for the next audit at all."),
    ] = True,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    overlapping: Overlapping = False,
    seed: Seed = 0,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find copies, contradictory masks, leaks and odd images in DATA.

    Writes audit.json, audit.html and review.sqlite, on which `delineate review` takes
    decisions. Files that cannot be read are findings too: the audit goes on, lists them and
    exits with 1. An audit that is repeated with --overwrite keeps all decisions.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{out} is unfinished; audit again with --overwrite"):
        from delineate.workflows.audit import THRESHOLDS, table
        from delineate.workflows.audit import audit as work

        result = work(
            source,
            out,
            against=against,
            thresholds=threshold or THRESHOLDS,
            crops_and_shifts=search is Search.THOROUGH,
            page=page,
            cache=cache,
            keep_signatures=keep_signatures,
            split_file=split_file,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            overlapping=overlapping,
            overwrite=overwrite,
            seed=seed,
            threads=threads,
            progress=console,
        )
    lines = columns(table(result.document))
    if result.findings:
        lines.append(join(["decide", "with:", "delineate", "review", str(out)]))
    console.finish(result, lines)
