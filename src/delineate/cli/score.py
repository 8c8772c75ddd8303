"""`delineate score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AllowLeakage,
    AsJson,
    Data,
    Layout,
    Masks,
    Objects,
    Out,
    Overlapping,
    Overwrite,
    Palette,
    PaletteName,
    Quiet,
    Review,
    Seed,
    Split,
    SplitFile,
    Structure,
    Subjects,
    Threshold,
)
from delineate.cli.scores import score_table


def score(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS",
            help="Folder of masks, probability maps or both: ID_mask.*, ID_prob.* or ID.* for each "
            "ID.",
            show_default=False,
        ),
    ],
    source: Data,
    *,
    out: Out,
    split: Split = None,
    threshold: Threshold = None,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    review: Review = None,
    allow_leakage: AllowLeakage = False,
    overlapping: Overlapping = False,
    objects: Objects = None,
    structure: Structure = False,
    palette: Palette = PaletteName.DEFAULT,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Score masks or probabilities that anything else made.

    The scores are those of evaluate. Probability maps without masks beside them need
    --threshold, chosen on other images than these.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"{out} is unfinished; score again with --overwrite"):
        from delineate.workflows.score import score as work

        result = work(
            predictions,
            source,
            out=out,
            split=split,
            threshold=threshold,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            review=review,
            allow_leakage=allow_leakage,
            overlapping=overlapping,
            objects=objects,
            structure=structure,
            split_file=split_file,
            palette=palette.value,
            overwrite=overwrite,
            seed=seed,
            progress=console,
        )
    console.finish(result, score_table(result.document))
