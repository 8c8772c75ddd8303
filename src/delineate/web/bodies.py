"""How much of a request is read, and for how long: whoever sends more is refused meanwhile."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delineate.web.problems import API
from delineate.web.settings import ServeSettings

PAUSE_S = 30.0
# Boundaries, names and the fields beside a file.
_AROUND_A_FILE = 1 << 16
_FORM_OF_WORDS = 1 << 16


class Bodies:
    """Reads no more of a body than its address takes, and waits no longer than `pause_s` for more.

    The size is counted as it comes, so that it matters little what `Content-Length` says. What
    says there that it is too large is not read at all.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, *, pause_s: float = PAUSE_S) -> None:
        self._app, self._settings, self._pause_s = app, settings, pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse as soon as the body is found too large or too slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        taken = _announced(scope, most)
        is_read = False

        async def receive_bounded() -> Message:
            nonlocal taken, is_read
            if taken > most:
                raise _too_large(most)
            if is_read:  # what comes now is the end of the connection, which may take its time
                return await receive()
            message = await self._next(receive)
            taken += len(message.get("body", b""))
            if taken > most:
                raise _too_large(most)
            is_read = not message.get("more_body", False)
            return message

        await self._app(scope, receive_bounded, send)

    async def _next(self, receive: Receive) -> Message:
        try:
            async with asyncio.timeout(self._pause_s):
                return await receive()
        except TimeoutError:
            raise HTTPException(
                408,
                f"expected the rest of the request, found nothing for {self._pause_s:g} s; send "
                "it anew, with as many bytes as Content-Length says",
            ) from None

    def _most(self, path: str) -> int:
        if path.startswith(f"{API}/v1/jobs"):
            return self._settings.largest_request_bytes
        if path.startswith(API):
            return self._settings.largest_upload_bytes + _AROUND_A_FILE
        return _FORM_OF_WORDS


def _announced(scope: Scope, most: int) -> int:
    """More than `most` where Content-Length says so; else 0, for only what comes is believed."""
    said = Headers(scope=scope).get("content-length", "")
    is_more = said.isdecimal() and (len(said) > len(str(most)) or int(said) > most)
    return most + 1 if is_more else 0


def _too_large(most: int) -> HTTPException:
    # Of this kind, because FastAPI hands it on as it is from within its reading of a body.
    return HTTPException(
        413,
        f"expected a request of at most {most:,} bytes, found a larger one; send fewer or smaller "
        "files, or start the server with a larger --largest-upload",
    )
