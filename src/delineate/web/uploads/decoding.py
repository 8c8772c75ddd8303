"""Image files that nobody has looked at, decoded by processes that may die of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from numpy.typing import NDArray

from delineate.core.types import Image
from delineate.files.shades import ShownWindow
from delineate.files.spacing import Spacing
from delineate.web.problems import RefusedError
from delineate.web.uploads.decoding_process import DecodingProcess


@dataclass(frozen=True)
class Decoded:
    """An image as `read_image` gives it, and as a viewer may window it.

    `image` is (H, W, C) uint8, uint16 or float32. `shades` are (H, W) uint8, (H, W, 3) uint8 or
    (H, W) uint16; the value of a shade is `slope * shade + intercept`.
    """

    name: str
    format: str
    image: Image
    shades: NDArray[Any]
    slope: float
    intercept: float
    window: ShownWindow
    spacing: Spacing | None


class Decoder:
    """Processes that decode files: without torch, without a way to write, and within limits.

    A process that dies of a file or takes longer than `limit_s` for it is replaced, and the file
    refused. At most `queue` files of `decode` wait.
    """

    def __init__(
        self, processes: int, largest_pixels: int, *, limit_s: float = 30.0, queue: int = 64
    ) -> None:
        self._queue, self._waiting = queue, 0
        self._processes = [DecodingProcess(largest_pixels, limit_s) for _ in range(processes)]
        self._idle: SimpleQueue[DecodingProcess] = SimpleQueue()
        for each in self._processes:
            self._idle.put(each)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="decoder")

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that run now."""
        return [each.pid for each in self._processes]

    async def decode(self, path: Path, *, name: str, frame: int | None = None) -> Decoded:
        """The image in a file; `name` is what messages call it.

        Raises:
            RefusedError: no image (415), one that is too large (413), one that cannot be read
                (422), or too many files wait (503).
        """
        if self._waiting >= self._queue:
            raise RefusedError(
                503,
                "busy",
                f"{name}: {self._waiting} files wait to be decoded already; try again in a moment",
                headers={"Retry-After": "2"},
            )
        self._waiting += 1
        try:
            task = self._threads.submit(self.decode_waiting, path, name=name, frame=frame)
            return await asyncio.wrap_future(task)
        finally:
            self._waiting -= 1

    def decode_waiting(self, path: Path, *, name: str, frame: int | None = None) -> Decoded:
        """As `decode`, for threads that may wait.

        Raises:
            RefusedError: as `decode`, but for the last.
        """
        with self._free() as process:
            header, arrays = process.answer(path, name, frame)
        image, shades = arrays[0], arrays[-1]
        if len(arrays) == 1 and image.shape[2] == 1:
            shades = image[..., 0]
        spacing = header["spacing"]
        return Decoded(
            name=name,
            format=header["format"],
            image=image,
            shades=shades,
            slope=header["slope"],
            intercept=header["intercept"],
            window=ShownWindow(*header["window"]),
            spacing=spacing and Spacing(*spacing),
        )

    def close(self) -> None:
        """End the processes, in the middle of whatever they do."""
        for each in self._processes:
            each.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for each in self._processes:
            each.close()

    @contextmanager
    def _free(self) -> Iterator[DecodingProcess]:
        process = self._idle.get()
        try:
            yield process
        finally:
            self._idle.put(process)
