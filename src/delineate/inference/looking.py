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


# (H, W) or (H, W, C) image to what is seen in it.
Look = Callable[[Image], Seen]


def look_of(segment: Segmenter, *, has_presence_head: bool) -> Look:
    """One segmenter; with a head for presence its last channel is told apart."""

    def look(image: Image) -> Seen:
        probability = segment(image)
        return Seen(*split_presence(probability)) if has_presence_head else Seen(probability, None)

    return look


def mean_look(looks: Sequence[Look]) -> Look:
    """The mean of what several see; the mean presence only where all have a head for it."""

    def look(image: Image) -> Seen:
        first = looks[0](image)
        total, presences = first.probability, [first.presence]
        for other in looks[1:]:
            seen = other(image)
            total = total + seen.probability
            presences.append(seen.presence)
        said = [each for each in presences if each is not None]
        presence = float(np.mean(said)) if len(said) == len(looks) else None
        return Seen(total / np.float32(len(looks)), presence)

    return look
