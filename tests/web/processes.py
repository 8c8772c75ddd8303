"""`delineate serve` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple


class Serving(NamedTuple):
    """A server in a process of its own."""

    address: str
    process: subprocess.Popen[str]
    said: dict[str, Any]


Serve = Callable[..., AbstractContextManager[Serving]]


@contextmanager
def serving(*arguments: object, first: str = "") -> Iterator[Serving]:
    """`delineate serve` with these arguments on a free port, until the block ends.

    `first` is a line of Python for its process to begin with.
    """
    program = f"{first}\nfrom delineate.cli.main import run; run()"
    command = [sys.executable, "-c", program, "serve", *map(str, arguments)]
    command += ["--port", "0", "--json", "--device", "cpu", "--threads", "1"]
    # A group of its own: pools of processes go down with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ}
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline() or '{"address": ""}')
        assert said["address"], f"the server ended with {process.wait(10)}"
        yield Serving(said["address"].rstrip("/"), process, said)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
