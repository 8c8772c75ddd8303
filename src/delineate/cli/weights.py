"""`delineate weights import`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from delineate.cli.console import Console
from delineate.cli.options import AsJson, Overwrite, Quiet
from delineate.cli.tables import columns


class NetworkName(StrEnum):
    """What Keras weights can be of; a test holds these to `NETWORKS`."""

    DENSENET121 = "densenet121"
    VGG16 = "vgg16"


class PreprocessingName(StrEnum):
    """What a Keras network can have been fed; a test holds these to `PREPROCESSINGS`."""

    IMAGENET = "imagenet"
    CAFFE = "caffe"
    UNIT = "unit"


def import_weights(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="What Keras saved: .h5, .weights.h5 or .keras.", show_default=False
        ),
    ],
    *,
    network: Annotated[
        NetworkName,
        typer.Option("--as", help="The network that they are of.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file to write, a name that ends in .safetensors.",
            show_default=False,
        ),
    ],
    preprocessing: Annotated[
        PreprocessingName | None,
        typer.Option(
            "--preprocessing",
            help="What the network was fed: imagenet is Keras' mode torch (densenet121's where "
            "not given), caffe its mode of that name (vgg16's), unit a division by 255.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Turn Keras weights into safetensors, for --encoder-weights.

    Each layer of FILE finds its place in the network, and none is left over or missing. Keras is
    not needed, and nothing in FILE is run.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "no weights were written; start again"):
        from delineate.workflows.import_weights import import_weights as work
        from delineate.workflows.import_weights import table

        result = work(
            source,
            out,
            network=network.value,
            preprocessing=preprocessing.value if preprocessing else None,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result, columns(list(table(result.document))))
