"""A process that decodes, as the server sees it: asked, waited for, ended and replaced."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.web.problems import RefusedError
from delineate.web.uploads.decoding_worker import LENGTH, READY

_WORKER = "delineate.web.uploads.decoding_worker"
_START_S = 120.0  # a busy machine may take long to load libraries
_GRACE_S = 5.0  # beyond the limit that a process keeps by itself
_LAST_WORDS_S = 1.0
_LONGEST_HEADER = 1 << 16
_TYPES = ("uint8", "uint16", "float32")
# What a decoder must not know, and how many threads its libraries may start.
_SECRETS = frozenset({"DELINEATE_TOKEN"})
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Room for libraries, and for what the widest values and the copies of a conversion take.
_MEMORY_BYTES, _MEMORY_BYTES_PER_PIXEL = 2 << 30, 100


class _GoneError(Exception):
    """The process ended, was late, or answered what it never should."""


class _LateError(_GoneError):
    """The process does not answer."""


class DecodingProcess:
    """A process with limits on memory, time and rights, replaced whenever it ends.

    For one thread at a time, but for `close`.
    """

    def __init__(self, largest_pixels: int, limit_s: float) -> None:
        self._largest_pixels, self._limit_s = largest_pixels, limit_s
        self._lock = threading.Lock()
        self._is_closed = False
        self._life = _Life(largest_pixels, limit_s)

    @property
    def pid(self) -> int:
        """The number of the process that runs now."""
        return self._life.process.pid

    def answer(
        self, path: Path, name: str, frame: int | None
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """What the process says of a file: a header, and the arrays that it announces.

        Raises:
            RefusedError: what is wrong with the file, that the process ended of it, or that it
                could not be started.
        """
        life = self._life
        if life.process.poll() is not None:
            # It ended while it had nothing to do: no fault of this file.
            self._replace(life)
            life = self._life
        try:
            life.make_ready()
        except _GoneError:
            self._replace(life)
            raise RefusedError(
                503,
                "no_decoder",
                "no process could be started to decode images; look at the memory of the machine, "
                "and try again",
                headers={"Retry-After": "10"},
            ) from None
        try:
            header = life.ask({"path": str(path), "name": name, "frame": frame})
            if "refusal" not in header:
                return header, [life.array(each) for each in header["arrays"]]
            status, kind, message = header["refusal"]
        except (_GoneError, ValueError, KeyError, TypeError) as error:
            code = self._replace(life)
            is_late = code == -signal.SIGALRM or isinstance(error, _LateError)
            raise self._refusal(name, code, is_late=is_late) from None
        raise RefusedError(status, kind, message)

    def stop(self) -> None:
        """End the process, in the middle of whatever it does, and start none again."""
        with self._lock:
            self._is_closed = True
            self._life.process.kill()

    def close(self) -> None:
        """Let go of it, once nobody waits for an answer."""
        self.stop()
        self._life.end()

    def _replace(self, life: _Life) -> int:
        """How the process ended, once another runs in its place."""
        with self._lock:
            code = life.end()
            if self._is_closed:
                raise RefusedError(
                    503, "stopping", "the server stops; try again", headers={"Retry-After": "10"}
                )
            self._life = _Life(self._largest_pixels, self._limit_s)
        return code

    def _refusal(self, name: str, code: int, *, is_late: bool) -> RefusedError:
        if is_late:
            return RefusedError(
                422,
                "too_slow",
                f"{name}: expected an image that is decoded within {self._limit_s:g} s, found one "
                "that takes longer; export it anew",
            )
        return RefusedError(
            422,
            "unreadable_file",
            f"{name}: expected a whole image, found one of which the decoder ended (code {code}); "
            "export it anew",
        )


class _Life:
    """One process from its start to its end, and the link to it."""

    def __init__(self, largest_pixels: int, limit_s: float) -> None:
        self._largest_pixels, self._limit_s = largest_pixels, limit_s
        self._is_ready, self._deadline = False, math.inf
        self._link, theirs = socket.socketpair()
        memory_bytes = _MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * largest_pixels
        numbers = (theirs.fileno(), largest_pixels, memory_bytes, limit_s)
        known = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        with theirs:
            self.process = subprocess.Popen(
                # -P: what lies in the folder where the server was started is never imported.
                [sys.executable, "-P", "-m", _WORKER, *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=known | _ONE_THREAD,
                # Ctrl-C is for the server, which ends this when the work under way is done.
                start_new_session=True,
            )

    def make_ready(self) -> None:
        """Wait until its libraries are loaded and its rights gone."""
        if not self._is_ready:
            self._deadline = time.monotonic() + _START_S
            if self._exactly(1) != READY:
                raise _GoneError
            self._is_ready = True

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The header of its answer."""
        self._deadline = time.monotonic() + self._limit_s + _GRACE_S
        try:
            self._link.settimeout(self._limit_s)
            self._link.sendall(json.dumps(request).encode() + b"\n")
        except TimeoutError as error:
            raise _LateError from error
        except OSError as error:
            raise _GoneError from error
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if length > _LONGEST_HEADER:
            raise _GoneError
        header: dict[str, Any] = json.loads(self._exactly(length))
        return header

    def array(self, said: dict[str, Any]) -> NDArray[Any]:
        """An array of the shape and type that the header says, where these are an image's."""
        shape, kind = tuple(int(side) for side in said["shape"]), said["type"]
        is_image = len(shape) in (2, 3) and min(shape) > 0 and (*shape, 1)[2] in (1, 3)
        if not is_image or kind not in _TYPES or shape[0] * shape[1] > self._largest_pixels:
            raise _GoneError
        array = np.empty(shape, kind)
        self._fill(array.data.cast("B"))
        return array

    def end(self) -> int:
        """Its exit code. What still runs after a moment is killed."""
        try:
            code = self.process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._link.close()
        return code

    def _exactly(self, count: int) -> bytes:
        found = bytearray(count)
        self._fill(memoryview(found))
        return bytes(found)

    def _fill(self, room: memoryview) -> None:
        try:
            while room:
                self._link.settimeout(max(0.01, self._deadline - time.monotonic()))
                taken = self._link.recv_into(room)
                if not taken:
                    raise _GoneError
                room = room[taken:]
        except TimeoutError as error:
            raise _LateError from error
        except OSError as error:
            raise _GoneError from error
