"""`delineate phantoms`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import AsJson, Out, Overwrite, Quiet, Seed
from delineate.cli.tables import columns
from delineate.core.errors import SettingsError


class Kind(StrEnum):
    """What is drawn; a test holds these to `delineate.workflows.phantoms.KINDS`."""

    FUNDUS = "fundus"
    ULTRASOUND = "ultrasound"
    CHEST = "chest"


class Form(StrEnum):
    """How chest films lie; a test holds these to `chest_writing.FORMS`."""

    FOLDERS = "folders"
    SIIM = "siim"


def phantoms(
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="KIND",
            help="fundus: photographs of the back of the eye, with vessels; ultrasound: necks, a "
            "nerve in every other frame; chest: films, with gas beside a lung in one of five.",
            show_default=False,
        ),
    ],
    *,
    out: Out,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            metavar="N",
            min=1,
            help="How many; 40 fundus, 100 ultrasound or 100 chest where not given.",
        ),
    ] = None,
    test: Annotated[
        int | None,
        typer.Option(
            "--test",
            metavar="N",
            min=0,
            help="How many of them go into the test part; of fundus half, at most 20, else a fifth "
            "where not given.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="PX",
            help="Side of an image, or HEIGHTxWIDTH; that of the real ones where not given: "
            "584x565 fundus, 420x580 ultrasound, 1024 chest.",
        ),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--form",
            help="Of chest: folders of PNG images and masks, or DICOM with a CSV of run lengths as "
            "SIIM-ACR has them; folders where not given.",
            show_default=False,
        ),
    ] = None,
    per_subject: Annotated[
        int | None,
        typer.Option(
            "--per-subject",
            metavar="N",
            min=1,
            help="Of ultrasound: frames of each neck; 10 where not given.",
        ),
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Of fundus and ultrasound: plant a fault such as twin, jpeg_mask or leaked_twin. "
            "Repeatable.",
        ),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Draw images that never were, to try things on.

    They come with masks and subjects, and lie as the real ones do, so that every verb reads them
    without options; of DICOM films alone the subjects stand in a table of their own.
    """
    console = Console(quiet=quiet, as_json=as_json)
    size_px = None if size is None else _size(size)
    with console.work(lambda: "no images were kept; start again"):
        from delineate.workflows.phantoms import phantoms as work
        from delineate.workflows.phantoms import table

        result = work(
            kind.value,
            out,
            images=images,
            test=test,
            size_px=size_px,
            form=None if form is None else form.value,
            per_subject=per_subject,
            faults=faults or (),
            seed=seed,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, columns(table(result)))


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise SettingsError(
            f"--size {text}: expected a number of pixels, or height and width, such as 256 or "
            "420x580"
        )
    height, width = int(sides[0]), int(sides[-1])
    return height, width
