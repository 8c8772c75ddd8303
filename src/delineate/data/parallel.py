"""Many files at a time: decoding releases Python's lock, so threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress, track

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 8
WAITING = 4  # tasks a thread, so that finished arrays never pile up


def in_threads(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    label: str,
    progress: Progress = SILENT,
) -> Iterator[tuple[Item, Result | DelineateError]]:
    """Each item with its result, in their order; a `DelineateError` is handed on as a result."""

    def guarded(item: Item) -> Result | DelineateError:
        try:
            return function(item)
        except DelineateError as problem:
            return problem

    threads = min(MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        rest = iter(items)
        waiting = [pool.submit(guarded, item) for item in islice(rest, threads * WAITING)]
        for item in track(items, label, progress):
            result = waiting.pop(0).result()
            waiting.extend(pool.submit(guarded, following) for following in islice(rest, 1))
            yield item, result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
