"""Files that were sent: each in a file of its own under a name that nobody can guess."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fastapi import Request, UploadFile

from delineate.web.problems import RefusedError
from delineate.web.served import Served
from delineate.web.uploads.names import display_name

_PIECE = 1 << 20
_FORM = "multipart/form-data"


@dataclass(frozen=True)
class Received:
    """A file that was sent, and its name for people. Left, it is removed.

    Use it as `with await received(upload, served) as file:`; whoever wants to keep the file for
    longer moves it away meanwhile.
    """

    name: str
    path: Path

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it, where it is still there."""
        self.path.unlink(missing_ok=True)


async def received(upload: UploadFile, served: Served) -> Received:
    """The sent file in `served.scratch`, under a random name that its own name has no part in.

    Raises:
        RefusedError: it is larger than one file may be (413); nothing of it stays.
    """
    name = display_name(upload.filename)
    most = served.settings.largest_upload_bytes
    path = served.scratch / f"upload-{secrets.token_hex(16)}"
    if upload.size is not None and upload.size > most:
        raise _too_large(name, most)
    try:
        await _copied(upload, path, name, most)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Received(name, path)


async def _copied(upload: UploadFile, path: Path, name: str, most: int) -> None:
    taken = 0
    with path.open("xb") as file:
        while piece := await upload.read(_PIECE):
            taken += len(piece)
            if taken > most:
                raise _too_large(name, most)
            if len(piece) < _PIECE:
                file.write(piece)
            else:
                await asyncio.to_thread(file.write, piece)


def _too_large(name: str, most: int) -> RefusedError:
    return RefusedError(
        413,
        "upload_too_large",
        f"{name}: expected a file of at most {most:,} bytes, found a larger one; reduce it, or "
        "start the server with a larger --largest-upload",
    )


def require_form(request: Request) -> None:
    """Refuse a body that is no form with files in it: a dependency of routes that take files.

    Raises:
        RefusedError: 415, saying what came instead.
    """
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != _FORM:
        found = display_name(sent) if sent else "none"
        raise RefusedError(
            415,
            "no_form",
            f"Content-Type: expected {_FORM}, found {found}; send the files as a form, such as "
            "with curl --form",
        )


async def require_one_image(request: Request) -> None:
    """Refuse a form of several images, of which all but one would be lost without a word.

    Raises:
        RefusedError: 400 for several, 415 for what is no form.
    """
    require_form(request)
    count = len((await request.form()).getlist("image"))
    if count > 1:
        raise RefusedError(
            400,
            "several_images",
            f"image: expected one file, found {count}; send each by itself, or all as `images` to "
            "/api/v1/jobs",
        )
