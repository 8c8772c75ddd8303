"""What was read last stays in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class _HasBytes(Protocol):
    @property
    def bytes(self) -> int: ...


T = TypeVar("T", bound=_HasBytes)


class RecentlyUsed(Generic[T]):
    """A function of an index that keeps its latest results, up to a number of bytes.

    Safe between threads; the latest result is kept however large it is.
    """

    def __init__(self, read: Callable[[int], T], most_bytes: int) -> None:
        self._read = read
        self._most_bytes = most_bytes
        self._bytes = 0
        self._cases: OrderedDict[int, T] = OrderedDict()
        self._lock = Lock()

    def __call__(self, index: int) -> T:
        """What `read` gives for the index, now or when it was read."""
        with self._lock:
            if index in self._cases:
                self._cases.move_to_end(index)
                return self._cases[index]
        case = self._read(index)
        with self._lock:
            if index not in self._cases:
                self._cases[index] = case
                self._bytes += case.bytes
            while self._bytes > self._most_bytes and len(self._cases) > 1:
                self._bytes -= self._cases.popitem(last=False)[1].bytes
        return case
