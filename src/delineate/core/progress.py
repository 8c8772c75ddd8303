"""How long work tells what it does, without knowing where that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """One piece of work of known size."""

    def reach(self, done: float, text: str = "") -> None:
        """Say how much of the total is done, and what is worth knowing just now."""


class Progress(Protocol):
    """Where lines and bars go: a terminal, a log, nowhere."""

    def say(self, text: str) -> None:
        """Print one line."""

    def bar(self, label: str, total: float) -> AbstractContextManager[Bar]:
        """Show work of a known total until the context ends."""


class _Silence:
    def say(self, text: str) -> None:
        """Keep quiet."""

    def reach(self, done: float, text: str = "") -> None:
        """Keep quiet."""

    def bar(self, label: str, total: float) -> AbstractContextManager[Bar]:
        """Show nothing."""
        return nullcontext(self)


SILENT: Progress = _Silence()


def track(
    items: Iterable[T], label: str, progress: Progress, total: int | None = None
) -> Iterator[T]:
    """The items themselves, with a bar that follows them."""
    size = total if total is not None else len(items) if isinstance(items, Sized) else 0
    with progress.bar(label, size) as bar:
        for done, item in enumerate(items, start=1):
            yield item
            bar.reach(done)
