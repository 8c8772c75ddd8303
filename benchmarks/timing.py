"""Timing of rivals side by side, in turns, so that a busy machine disturbs them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One comparison: medians in seconds, the peer's over ours, and what else is worth saying."""

    name: str
    ours_s: float
    peer: str
    peer_s: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes."""
        return self.peer_s / self.ours_s

    def __str__(self) -> str:
        """One line of a table."""
        note = f"  {self.note}" if self.note else ""
        return (
            f"{self.name}: {self.ours_s:.3f} s, {self.peer} {self.peer_s:.3f} s, "
            f"ratio of medians {self.ratio:.2f}{note}"
        )


def interleaved(
    rivals: Mapping[str, Callable[[], object]], *, rounds: int = 5, warm_up: int = 1
) -> dict[str, float]:
    """The median wall time of each rival, in seconds; in every round each runs once.

    The order turns from round to round, so that none always follows the same other.
    """
    names = list(rivals)
    for _ in range(warm_up):
        for name in names:
            rivals[name]()
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            started = time.perf_counter()
            rivals[name]()
            times[name].append(time.perf_counter() - started)
    return {name: median(each) for name, each in times.items()}
