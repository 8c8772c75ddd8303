"""`delineate serve`."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from delineate.cli.console import Console, tell
from delineate.cli.options import (
    AsJson,
    Device,
    DeviceName,
    Layout,
    Masks,
    ModelFolder,
    Quiet,
    Subjects,
    Threads,
)
from delineate.cli.tables import columns, counted

if TYPE_CHECKING:
    from delineate.web.running import Running


def serve(
    model: ModelFolder,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Images and masks to review; the run's own data where not given.",
        ),
    ] = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    review: Annotated[
        Path | None,
        typer.Option(
            "--review",
            metavar="AUDIT",
            help="Where decisions are logged: an audit folder, or a review.sqlite, which is made "
            "where there is none. The log of the run's training where not given, else "
            "serve/review.sqlite in the run.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            metavar="FOLDER",
            help="Images to try the model on; held-out ones of the run's data where not given.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="NAME",
            help="Address to listen at; any but those of this machine alone asks for a token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 is any that is free."),
    ] = 8765,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="PEM", help="Serve over TLS with this certificate."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="PEM", help="The certificate's key, where it is apart."),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            "--queue",
            metavar="N",
            min=1,
            help="Images that may wait for the model; more are told to come again.",
        ),
    ] = 64,
    largest_upload: Annotated[
        int,
        typer.Option(
            "--largest-upload", metavar="MB", min=1, max=1024, help="Size that a file may have."
        ),
    ] = 64,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Serve MODEL in a browser: try it on images, and mend labels.

    It answers this machine alone unless --host says otherwise. Ctrl-C stops it.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: "the server had not begun to listen; start it again"):
        from delineate.web.listening import Place
        from delineate.web.running import serve as work
        from delineate.web.settings import ServeSettings

        def ready(running: Running) -> None:
            # What is loaded stays until the end. Left to the collector, all of torch would be
            # searched once more then, which holds up a stop, on a busy machine for long.
            gc.freeze()
            _tell(running, quiet=quiet, as_json=as_json)

        work(
            model,
            ready=ready,
            data=data,
            layout=layout,
            masks=masks,
            subjects=subjects,
            review=review,
            examples=examples,
            device=device.chosen,
            threads=threads,
            place=Place(host, port, certificate, key),
            settings=ServeSettings(queue=queue, largest_upload_bytes=largest_upload * 2**20),
            progress=console,
        )


def _tell(running: Running, *, quiet: bool, as_json: bool) -> None:
    """Where the server is, and what it serves."""
    desk = running.served.desk
    if as_json:
        document = {
            "address": running.address,
            "token": running.token,
            "model": running.served.document.name,
            "title": running.served.document.title,
            "data": None if desk is None else str(desk.reviewed.dataset.root),
            "review": None if desk is None else str(desk.log.path),
        }
        tell(json.dumps(document, ensure_ascii=False))
        return
    if not quiet:
        for line in _table(running):
            tell(line)
    tell(running.address if running.token is None else f"{running.address}?token={running.token}")


def _table(running: Running) -> Iterator[str]:
    served = running.served
    title, name = served.document.title, served.document.name
    rows = [] if title == name else [["title", title]]
    rows.append(["model", f"{name}, {served.document.kind}"])
    if served.document.scores and served.document.scored_on is not None:
        first = served.document.scores[0]
        value = "undefined" if first.value is None else f"{first.value:.3f}"
        rows.append(["scored", f"{first.name} {value} on {served.document.scored_on}"])
    if served.desk is None:
        rows.append(["review", "nothing: name the data with --data and the log with --review"])
    else:
        data = served.desk.reviewed.dataset
        rows.append(["data", f"{_short(data.root)}, {counted(len(data.samples), 'image')}"])
        rows.append(["decisions", _short(served.desk.log.path)])
    rows.append(["stop", "Ctrl-C"])
    yield from columns(rows)


def _short(path: Path) -> str:
    """The path from here on, where it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
