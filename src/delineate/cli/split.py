"""`delineate split`."""

from __future__ import annotations

from delineate.cli.console import Console
from delineate.cli.options import (
    AsJson,
    Data,
    Layout,
    Masks,
    Out,
    Overwrite,
    Quiet,
    Seed,
    Subjects,
    one_or_all,
)


def split(
    source: Data,
    *,
    out: Out,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Divide DATA by subject into train, validation and test."""
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "nothing was written"):
        from delineate.workflows.split import split as work

        result = work(
            source,
            out,
            layout=layout,
            masks=one_or_all(masks),
            subjects=subjects,
            seed=seed,
            overwrite=overwrite,
            progress=console,
        )
    console.finish(result)
