"""`delineate evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AllowLeakage,
    AsJson,
    Depth,
    Device,
    DeviceName,
    Labels,
    Layout,
    Masks,
    ModelFolder,
    Objects,
    Overlapping,
    Overwrite,
    OwnData,
    PaletteName,
    Quiet,
    Repeats,
    Review,
    Seed,
    Split,
    SplitFile,
    Structure,
    Subjects,
    Threads,
    Threshold,
)
from delineate.cli.scores import table_of


def evaluate(
    model: ModelFolder,
    source: OwnData = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Folder to write to; evaluation-SPLIT beside the model where not given.",
        ),
    ] = None,
    split: Split = None,
    threshold: Threshold = None,
    repeats: Repeats = None,
    depth: Depth = None,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    labels: Labels = None,
    review: Review = None,
    allow_leakage: AllowLeakage = False,
    overlapping: Overlapping = False,
    objects: Objects = None,
    structure: Structure = False,
    palette: Annotated[
        PaletteName | None,
        typer.Option(
            "--palette",
            help="Colours of the overlays; default where not given, and pneumothorax (truth green, "
            "prediction red) of a model with a gate.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Score MODEL on a split of DATA beside trivial baselines.

    Scores are taken at native size, against every observer, with 95 % intervals over
    subjects. Every scoring of a run is logged in its scorings.jsonl.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "the model is untouched; evaluate again with --overwrite"):
        from delineate.workflows.evaluate import evaluate as work

        result = work(
            model,
            source,
            out=out,
            split=split,
            threshold=threshold,
            repeats=repeats.value if repeats else None,
            depth=depth,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            labels=labels,
            review=review,
            allow_leakage=allow_leakage,
            overlapping=overlapping,
            objects=objects,
            structure=structure,
            split_file=split_file,
            palette=palette.value if palette else None,
            overwrite=overwrite,
            seed=seed,
            device=device.chosen,
            threads=threads,
            progress=console,
        )
    console.finish(result, table_of(result.document))
