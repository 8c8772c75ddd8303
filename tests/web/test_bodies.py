"""Bodies are read up to their limit, and waited for no longer than is decent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from delineate.web.bodies import Bodies
from delineate.web.settings import ServeSettings

SETTINGS = ServeSettings(largest_upload_bytes=1000, largest_request_bytes=300_000)
AROUND = 1 << 16


def read(
    path: str, pieces: Sequence[int | None], *, said: bytes | None = None, pause_s: float = 5.0
) -> int:
    """How many bytes an application reads that is sent pieces; None stands for silence."""
    waiting = list(pieces)
    counted = 0

    async def receive() -> dict[str, Any]:
        piece = waiting.pop(0)
        if piece is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": bytes(piece or 0), "more_body": bool(waiting)}

    async def application(
        scope: Any, receive: Callable[[], Awaitable[dict[str, Any]]], send: Any
    ) -> None:
        nonlocal counted
        while True:
            message = await receive()
            counted += len(message["body"])
            if not message["more_body"]:
                return

    async def send(message: Any) -> None:
        pass

    headers = [] if said is None else [(b"content-length", said)]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(Bodies(application, SETTINGS, pause_s=pause_s)(scope, receive, send))  # type: ignore[arg-type]
    return counted


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/v1/predictions", 1000 + AROUND),
        ("/api/v1/decisions", 1000 + AROUND),
        ("/api/v1/jobs", 300_000),
        ("/login", AROUND),
    ],
)
def test_each_address_has_its_limit(path: str, most: int) -> None:
    """As many bytes as it takes are read, in whatever pieces; one more is 413."""
    assert read(path, [most // 2, most - most // 2]) == most
    with pytest.raises(HTTPException, match=rf"413: expected .* at most {most:,} bytes"):
        read(path, [most // 2, most - most // 2, 1])


def test_what_is_said_to_be_too_much_is_not_read() -> None:
    """The first look at the body is refused, before a byte of it was waited for."""
    with pytest.raises(HTTPException, match="413"):
        read("/login", [None], said=b"70000")
    with pytest.raises(HTTPException, match="413"):
        read("/login", [None], said=b"9" * 5000)


@pytest.mark.parametrize("said", [b"5", b"-5", b"x", b"1" * 30 + b"x", "٣".encode()])
def test_what_is_said_may_be_wrong(said: bytes) -> None:
    """Only what comes is counted: a small or senseless number changes nothing."""
    assert read("/login", [AROUND], said=said) == AROUND
    with pytest.raises(HTTPException, match="413"):
        read("/login", [AROUND, 1], said=said)


def test_silence_has_an_end() -> None:
    """A body that does not go on is 408, in words."""
    with pytest.raises(HTTPException, match=r"408: .* found nothing for 0.05 s"):
        read("/login", [10, None], pause_s=0.05)


def test_the_end_of_a_connection_is_waited_for() -> None:
    """Once the body is whole, silence is no fault: streams wait for their readers to leave."""

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.sleep(0.2)
            return {"type": "http.disconnect"}
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])

    asked: list[bool] = []
    seen: list[str] = []
    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(Bodies(application, SETTINGS, pause_s=0.05)(scope, receive, None))  # type: ignore[arg-type]
    assert seen == ["http.request", "http.disconnect"]
