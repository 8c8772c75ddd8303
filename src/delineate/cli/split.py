"""`delineate split`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Data,
    Labels,
    Layout,
    Masks,
    Overlapping,
    Overwrite,
    Quiet,
    Review,
    Seed,
    Subjects,
)
from delineate.cli.tables import columns
from delineate.core.errors import SettingsError

_PARTS = ("train", "validation", "test")


def split(
    source: Data,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Folder for split.csv, or the name of the CSV itself.",
            show_default=False,
        ),
    ],
    fractions: Annotated[
        str,
        typer.Option(
            "--fractions",
            metavar="TRAIN,VALIDATION,TEST",
            help="Shares of the images; 0 leaves a part out.",
        ),
    ] = "0.7,0.15,0.15",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Split anew even where DATA states a split.")
    ] = False,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    overlapping: Overlapping = False,
    labels: Labels = None,
    review: Review = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Divide DATA by subject into train, validation and test.

    No subject stands in two parts, and the parts are alike in empty masks and areas, or in image
    labels. A split that DATA states is kept; where it has no validation part, subjects of train
    move there.
    """
    console = Console(quiet=quiet, as_json=as_json)
    shares = _shares(fractions)
    with console.work(lambda: "no split was written; start again"):
        from delineate.workflows.split import split as work
        from delineate.workflows.split import table

        result = work(
            source,
            out,
            fractions=shares,
            fresh=fresh,
            seed=seed,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            overlapping=overlapping,
            labels=labels,
            review=review,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, columns(table(result.document)))


def _shares(text: str) -> dict[str, float]:
    try:
        numbers = [float(number) for number in text.split(",")]
        return dict(zip(_PARTS, numbers, strict=True))
    except ValueError:
        raise SettingsError(
            f"--fractions {text}: expected three numbers for train, validation and test, "
            "such as 0.7,0.15,0.15"
        ) from None
