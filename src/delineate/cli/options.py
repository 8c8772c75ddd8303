"""The options that several verbs share, each declared once.

A verb names the type (`out: Out`) and, where it has one, the default.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class DeviceName(StrEnum):
    """Where the network computes."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"

    @property
    def chosen(self) -> str | None:
        """The device asked for, or None where the workflow is to choose."""
        return None if self is DeviceName.AUTO else self.value


class RepeatsName(StrEnum):
    """Which flipped and turned copies are averaged; a test holds these to `Repeats`."""

    SINGLE = "single"
    FLIPS = "flips"
    TURNS = "turns"


class PaletteName(StrEnum):
    """The named palettes; a test holds these to `delineate.report.overlays.PALETTES`."""

    DEFAULT = "default"
    NERVE = "nerve"
    VESSEL = "vessel"
    PNEUMOTHORAX = "pneumothorax"


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Folder of images and masks in any known layout, or a manifest CSV.",
        show_default=False,
    ),
]
OwnData = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        help="Folder or manifest CSV, in any known layout; the run's own data where not given.",
        show_default=False,
    ),
]
ModelFolder = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="Run folder of a training, or a model folder.", show_default=False
    ),
]

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FOLDER", help="Folder to write to.", show_default=False),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace what an earlier call wrote there."),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Start of every random choice.")
]
Device = Annotated[
    DeviceName,
    typer.Option("--device", help="Where to compute; auto takes a GPU where there is one."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, help="Processor threads; all cores where not given."
    ),
]

Layout = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="NAME",
        help="Read DATA in this layout, such as coco or folders, instead of recognising it; images "
        "reads all pictures without masks.",
    ),
]
Masks = Annotated[
    list[str] | None,
    typer.Option(
        "--masks",
        metavar="ENCODING",
        help="Confirm how masks are encoded: index, binary, invert, threshold:128, colours:FILE; "
        "with ,ignore:V for a value that does not count; OBSERVER=ENCODING for one observer. "
        "Repeatable.",
    ),
]
Overlapping = Annotated[
    bool,
    typer.Option(
        "--overlapping",
        help="Declare that classes overlap: a pixel may belong to several, at most seven.",
    ),
]
Subjects = Annotated[
    str | None,
    typer.Option(
        "--subjects",
        metavar="REGEX|CSV",
        help="Who is who: an expression with one group, searched in each id, such as '^(\\d+)_', "
        "or a CSV of id and subject.",
    ),
]
SplitFile = Annotated[
    Path | None,
    typer.Option(
        "--split-file",
        metavar="CSV",
        help="Which image belongs to which split, as `delineate split` writes it.",
    ),
]
AllowLeakage = Annotated[
    bool,
    typer.Option(
        "--allow-leakage",
        help="Go on where copies or subjects stand in several splits; scores are then given with "
        "and without the leaked cases.",
    ),
]
Objects = Annotated[
    bool | None,
    typer.Option(
        "--objects/--no-objects",
        help="Count objects too: average precision and recall as COCO has them, and how many "
        "there are. Where not said, if the data has single objects.",
        show_default=False,
    ),
]
Structure = Annotated[
    bool,
    typer.Option(
        "--structure",
        help="Measure vessels too: centre lines, branch points, lengths, widths, tortuosity.",
    ),
]
Review = Annotated[
    Path | None,
    typer.Option(
        "--review",
        metavar="AUDIT",
        help="Apply the decisions of `delineate review`: an audit folder, or its review.sqlite. "
        "The files of DATA stay as they are.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="CSV",
        help="For a classifier: whether there is anything to find, by id and label (0 or 1), "
        "in the place of masks.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", metavar="N", min=1, help="Passes over the training images."),
]
Steps = Annotated[
    int | None, typer.Option("--steps", metavar="N", min=1, help="Steps of the optimiser.")
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="FINDING",
        help="Train in spite of what the preflight calls so, such as masks-inverted. Repeatable.",
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="N",
        min=1,
        help="Prune a network of nested U-Nets to this depth: shallower is faster.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="NAME",
        help="The images to score: train, validation, test or all. Test where there is one.",
        show_default=False,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="P",
        min=0.0,
        max=1.0,
        help="Probability from which a pixel is foreground, in place of the model's own.",
    ),
]
Repeats = Annotated[
    RepeatsName | None,
    typer.Option(
        "--repeats",
        help="Average over flips (2 passes) or flips and quarter turns (8); the model's own "
        "setting where not given.",
    ),
]
Palette = Annotated[PaletteName, typer.Option("--palette", help="Colours of the overlays.")]

Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but the path of the main result.")
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print the document on standard output, and all else on standard error."
    ),
]
