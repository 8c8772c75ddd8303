"""Models that note, image by image, what they saw and how long they looked."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import Any

from delineate.core.types import Image
from delineate.inference.looking import Look, Seen
from delineate.inference.model import Model
from delineate.workflows.run_folder import machine

TIME_RULE = (
    "median milliseconds from a decoded image to its probability, preparation included, one image "
    "after the other; the first image warms up and does not count"
)


class Timed:
    """Seconds of one thing, a figure an image."""

    def __init__(self) -> None:
        self._taken_s: list[float] = []

    def add(self, seconds: float) -> None:
        """Note the seconds of one image."""
        self._taken_s.append(seconds)

    @property
    def images(self) -> int:
        """How many count for the median."""
        return len(self._counting)

    @property
    def milliseconds(self) -> float | None:
        """The median over the images, None of none."""
        return round(1000 * median(self._counting), 2) if self._taken_s else None

    @property
    def _counting(self) -> list[float]:
        return self._taken_s[1:] or self._taken_s


class TimedLook:
    """A look that keeps what was seen last, and its times; an image at a time."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.timed = Timed()
        self.last: Seen | None = None

    def __call__(self, images: Sequence[Image]) -> list[Seen]:
        """What is seen; nothing is kept of an image that cannot be looked at."""
        self.last = None
        began_s = perf_counter()
        (seen,) = self._look(images)
        self.timed.add(perf_counter() - began_s)
        self.last = seen
        return [seen]


def mean_in(model: Model) -> Model | None:
    """The model whose members' mean segments, alone or behind a gate; None of one by itself."""
    if len(model.members) == 1:
        return mean_in(model.members[0])
    return model if model.members else None


def time_facts(threads: int | None) -> dict[str, Any]:
    """By which rule times were taken, and on which machine."""
    return {"rule": TIME_RULE, "processor": machine()["processor"], "threads": threads}
