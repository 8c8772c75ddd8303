"""What a segmenter sees in an image: where something is, and perhaps whether there is anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.core.types import Image, Probability
from delineate.inference.presence import split_presence
from delineate.inference.segmenter import Segmenter


@dataclass(frozen=True)
class Seen:
    """Probability (C, H, W) at the size of the image, and that there is anything to find.

    `presence` is None without a head for it.
    """

    probability: Probability
    presence: float | None


# (H, W) or (H, W, C) images to what is seen in each.
Look = Callable[[Sequence[Image]], list[Seen]]


def look_of(segment: Segmenter, *, has_presence_head: bool) -> Look:
    """One segmenter; with a head for presence its last channel is told apart."""

    def seen(probability: Probability) -> Seen:
        return Seen(*split_presence(probability)) if has_presence_head else Seen(probability, None)

    def look(images: Sequence[Image]) -> list[Seen]:
        return [seen(each) for each in segment(images)]

    return look


def mean_look(looks: Sequence[Look]) -> Look:
    """The mean of what several see; the mean presence only where all have a head for it."""

    def look(images: Sequence[Image]) -> list[Seen]:
        totals: list[Probability] = []
        presences: list[list[float | None]] = [[] for _ in images]
        for one in looks:
            seen = one(images)
            maps = [each.probability for each in seen]
            totals = [a + b for a, b in zip(totals, maps, strict=True)] if totals else maps
            for said, each in zip(presences, seen, strict=True):
                said.append(each.presence)
        count = np.float32(len(looks))
        return [
            Seen(each / count, _mean(said)) for each, said in zip(totals, presences, strict=True)
        ]

    return look


def _mean(presences: Sequence[float | None]) -> float | None:
    """The mean presence, None unless all of them say one."""
    said = [each for each in presences if each is not None]
    return float(np.mean(said)) if len(said) == len(presences) else None
