"""Clients that post images over connections that they keep: a process of its own, and a cheap one.

`python -m benchmarks.http_clients` reads from standard input a JSON object with `address`, `path`,
`images`, `clients` and `seconds`, and prints one with `statuses` (how often each came),
`waited_s` (of each image that was answered), `took_s` (until the last answer), `used_s` (of
processors, by the clients) and `without_retry_after`. A client that is told to come again waits as
long as it is told.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter, process_time
from urllib.parse import urlsplit

BOUNDARY = "delineate-benchmark"


@dataclass
class Counted:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    waited_s: list[float] = field(default_factory=list)
    without_retry_after: int = 0


def request_of(file: Path, host: str, path: str) -> bytes:
    """A whole HTTP request that posts one image."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; '
        f'filename="{file.name}"\r\nContent-Type: {kind}\r\n\r\n'
    ).encode() + file.read_bytes()
    body += f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    return head.encode() + body


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, str | None]:
    """Status and `Retry-After` of the next answer, whose body is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    await reader.readexactly(int(fields["content-length"]))
    return int(head[0].split()[1]), fields.get("retry-after")


async def client(host: str, requests: Iterator[bytes], until_s: float, counted: Counted) -> None:
    """Post one image after the other until the time is over."""
    name, port = host.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(name, int(port))
    while perf_counter() < until_s:
        began_s = perf_counter()
        writer.write(next(requests))
        status, retry_after = await answer_of(reader)
        counted.statuses[status] += 1
        if status < 300:
            counted.waited_s.append(perf_counter() - began_s)
        elif status == 503 and retry_after is not None:
            await asyncio.sleep(max(0.0, min(float(retry_after), until_s - perf_counter())))
        else:
            counted.without_retry_after += status == 503
    writer.close()
    await writer.wait_closed()


async def load(
    address: str, path: str, files: Sequence[Path], *, clients: int, seconds: float
) -> dict[str, object]:
    """Let so many clients post these images for so long; what came of it."""
    host = urlsplit(address).netloc
    requests, counted = cycle([request_of(file, host, path) for file in files]), Counted()
    began_s, used_s = perf_counter(), process_time()
    await asyncio.gather(
        *(client(host, requests, began_s + seconds, counted) for _ in range(clients))
    )
    return {
        "statuses": counted.statuses,
        "waited_s": counted.waited_s,
        "took_s": perf_counter() - began_s,
        "used_s": process_time() - used_s,
        "without_retry_after": counted.without_retry_after,
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    found = asyncio.run(
        load(
            asked["address"],
            asked["path"],
            [Path(each) for each in asked["images"]],
            clients=asked["clients"],
            seconds=asked["seconds"],
        )
    )
    print(json.dumps(found))
