"""`delineate study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    Accept,
    AllowLeakage,
    AsJson,
    Data,
    Device,
    DeviceName,
    Epochs,
    Layout,
    Masks,
    Out,
    Overlapping,
    Overwrite,
    PaletteName,
    Quiet,
    Review,
    Split,
    SplitFile,
    Steps,
    Subjects,
    Threads,
)
from delineate.cli.study_table import study_table


def study(
    source: Data,
    *,
    out: Out,
    recipes: Annotated[
        str | None,
        typer.Option(
            "--recipes",
            metavar="A,B,...",
            help="Names or TOML files, separated by commas; with --resume those to add.",
            show_default=False,
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="RECIPE:KEY=VALUE",
            help="Change one setting of one recipe, such as vessel:train.batch=8. Repeatable.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            metavar="S",
            min=1,
            help="Trainings of each recipe, seeds counted from --seed; 1 where not given.",
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="M", help="Time for each training.")
    ] = None,
    epochs: Epochs = None,
    steps: Steps = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            metavar="K",
            min=2,
            max=20,
            help="Score every image of train and validation by models of the other folds, and "
            "leave the test images alone.",
        ),
    ] = None,
    accept: Accept = None,
    split: Split = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the study in the --out folder."),
    ] = False,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    review: Review = None,
    allow_leakage: AllowLeakage = False,
    overlapping: Overlapping = False,
    palette: Annotated[
        PaletteName | None,
        typer.Option(
            "--palette",
            help="Colours of the overlays; default where not given.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            min=0,
            help="Start of the split and of the first training; 0 where not given.",
        ),
    ] = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compare recipes on one split of DATA, on one leader board.

    Every recipe is trained with every seed and stands beside trivial predictions and further
    observers, with intervals over subjects and paired differences. What was interrupted goes on
    with --resume.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: _what_remains(source, out)):
        from delineate.study.study import study as work

        result = work(
            source,
            out,
            recipes=_names(recipes),
            changes=tuple(changes or ()),
            seeds=seeds,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            folds=folds,
            split=split,
            resume=resume,
            overwrite=overwrite,
            seed=seed,
            device=device.chosen,
            threads=threads,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            split_file=split_file,
            review=review,
            allow_leakage=allow_leakage,
            accept=tuple(accept or ()),
            overlapping=overlapping,
            palette=None if palette is None else palette.value,
            progress=console,
        )
    console.finish(result, study_table(result.document))


def _names(recipes: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (recipes or "").split(",") if name.strip())


def _what_remains(source: Path, out: Path) -> str:
    if not (out / "asked.json").is_file():
        return "nothing was trained yet; start again"
    return (
        f"{out} keeps what is finished, and the training up to its last checkpoint; "
        f"go on with: delineate study {source} --out {out} --resume"
    )
