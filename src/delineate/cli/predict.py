"""`delineate predict`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Depth,
    Device,
    DeviceName,
    ModelFolder,
    Out,
    Overwrite,
    Palette,
    PaletteName,
    Quiet,
    Repeats,
    Structure,
    Threads,
    Threshold,
)
from delineate.cli.tables import columns, counted


def predict(
    model: ModelFolder,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES", help="Files, folders or quoted patterns.", show_default=False
        ),
    ],
    *,
    out: Out,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Write STEM_prob.png too, 16 bits, 65535 = certain."),
    ] = False,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Write STEM_overlay.png, or not.")
    ] = True,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="Write masks as rle, rle-nerve, rle-siim, coco or coco-polygons too; "
            "repeat it, or put commas between.",
            show_default=False,
        ),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Which frame of DICOM files of several, counted from 1.",
            show_default=False,
        ),
    ] = None,
    structure: Structure = False,
    objects: Annotated[
        bool,
        typer.Option(
            "--objects",
            help="Write objects.csv: area, perimeter, axes and place of each object.",
        ),
    ] = False,
    threshold: Threshold = None,
    gate_threshold: Annotated[
        float | None,
        typer.Option(
            "--gate-threshold",
            metavar="P",
            min=0.0,
            max=1.0,
            help="The probability from which an image is segmented, in place of the gate's own.",
            show_default=False,
        ),
    ] = None,
    no_gate: Annotated[
        bool, typer.Option("--no-gate", help="Segment every image, whatever the gate would say.")
    ] = False,
    heat_maps: Annotated[
        bool,
        typer.Option("--heat-maps", help="Write STEM_cam.png: where the gate has looked."),
    ] = False,
    repeats: Repeats = None,
    depth: Depth = None,
    palette: Palette = PaletteName.DEFAULT,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write a mask for each of IMAGES, at its own size.

    An image that cannot be read is listed at the end, and the others are done.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: f"whole masks stay in {out}; predict all again with --overwrite"):
        from delineate.workflows.predict import predict as work

        result = work(
            model,
            images,
            out,
            probabilities=probabilities,
            overlays=overlays,
            formats=formats or [],
            structure=structure,
            objects=objects,
            palette=palette.value,
            frame=frame,
            threshold=threshold,
            gate_threshold=gate_threshold,
            gate=not no_gate,
            heat_maps=heat_maps,
            repeats=repeats.value if repeats else None,
            depth=depth,
            device=device.chosen,
            threads=threads,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, _table(result.document))


def _table(document: Mapping[str, Any]) -> Iterator[str]:
    """How many masks there are, and in how many of them each class was found, or verdicts."""
    if document.get("task") == "classify":
        yield from _verdicts(document)
        return
    areas = [row["area_px"] for row in document["images"]]
    rows = [["masks", counted(len(areas), "image")]]
    for name in document["classes"][1:]:
        found = sum(area[name] > 0 for area in areas)
        rows.append([name, f"found in {found} of {len(areas)}"])
    rows += _gate(document["gate"], len(areas))
    for form, name in document["formats"].items():
        rows.append([form, name])
    if document["objects"] is not None:
        rows.append(["objects", document["objects"]])
    if document["failures"]:
        rows.append(["failed", counted(len(document["failures"]), "image")])
    rows += _doubts(document["doubts"])
    yield from columns(rows)


def _doubts(doubts: Sequence[str]) -> list[list[str]]:
    """How many images the model can hardly have seen, and what is odd about the first."""
    if not doubts:
        return []
    return [["doubtful", f"{counted(len(doubts), 'image')}, see predictions.json; {doubts[0]}"]]


def _gate(gate: Mapping[str, Any] | None, images: int) -> list[list[str]]:
    """What the gate let through, and what that cost."""
    if gate is None:
        return []
    times = gate["milliseconds"]
    return [
        [
            "gate",
            f"present in {gate['present']} of {images} at {gate['threshold']:.3f}"
            f"{_median(times['gate'])}",
        ],
        ["segmented", f"{gate['segmented']} of {images}{_median(times['segmenter'])}"],
    ]


def _median(milliseconds: float | None) -> str:
    """What one image takes; nothing of what did not run by itself."""
    return "" if milliseconds is None else f", median {milliseconds:.0f} ms an image"


def _verdicts(document: Mapping[str, Any]) -> Iterator[str]:
    """How many images were called present."""
    images = document["images"]
    present = sum(row["verdict"] == document["classes"][1] for row in images)
    rows = [
        ["verdicts", counted(len(images), "image")],
        [document["classes"][1], f"{present} of {len(images)} at {document['threshold']:.3f}"],
    ]
    if document["failures"]:
        rows.append(["failed", counted(len(document["failures"]), "image")])
    rows += _doubts(document["doubts"])
    yield from columns(rows)
