"""The real application on a real port, in this process, with small limits."""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from delineate.web.app import create_app
from delineate.web.listening import Place, access_at, listen
from delineate.web.opening import Asked, opened
from delineate.web.served import Served
from delineate.web.settings import ServeSettings

PREDICTIONS = "/api/v1/predictions"
BOUNDARY = b"a-line-between"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON in it."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Sent:
    """A server, its port, and the folder for everything that it may write for a while."""

    served: Served
    port: int
    folder: Path

    def ask(
        self, path: str, body: bytes | None = None, *, method: str = "", **headers: str
    ) -> Answer:
        """One request; `Content_Type` of the keywords is the header `Content-Type`."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            link.request(method or ("GET" if body is None else "POST"), path, body, named)
            answer = link.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            link.close()

    def post(self, content: bytes, name: bytes = b"image.png", path: str = PREDICTIONS) -> Answer:
        """An image, sent as a form."""
        return self.form([part(content, name=name)], path=path)

    def form(self, parts: Sequence[bytes], path: str = PREDICTIONS) -> Answer:
        """A form of these parts."""
        return self.ask(path, joined(parts), Content_Type=form_type())

    def left_behind(self) -> list[str]:
        """Every file in the folder, but for the lock of the server's own."""
        found = (each for each in self.folder.rglob("*") if each.is_file())
        return sorted(str(each) for each in found if each.name != ".lock")


def form_type(boundary: bytes = BOUNDARY) -> str:
    """The header of a form."""
    return f"multipart/form-data; boundary={boundary.decode()}"


def part(content: bytes, *, field: bytes = b"image", name: bytes | None = b"image.png") -> bytes:
    """A file of a form, or a field where there is no name."""
    about = b'form-data; name="' + field + b'"'
    if name is not None:
        about += b'; filename="' + name + b'"\r\nContent-Type: image/png'
    return b"Content-Disposition: " + about + b"\r\n\r\n" + content


def joined(parts: Sequence[bytes], *, boundary: bytes = BOUNDARY) -> bytes:
    """The body of a form."""
    between = b"--" + boundary
    lines = b"".join(between + b"\r\n" + each + b"\r\n" for each in parts)
    return lines + between + b"--\r\n"


@contextmanager
def sent_to(model: Path, folder: Path, **settings: Any) -> Iterator[Sent]:
    """A server for a model, whose temporary files lie in `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        asked = Asked(model=model, device="cpu", threads=1)
        with listen(Place(port=0)) as bound, opened(asked, ServeSettings(**settings)) as served:
            app = create_app(served, access_at(bound, is_encrypted=False))
            config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
            thread.start()
            try:
                yield Sent(served, bound.getsockname()[1], folder)
            finally:
                server.should_exit = True
                thread.join(30)
