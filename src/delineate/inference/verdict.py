"""Whether there is anything to find in an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """How probable it is that there is something to find in an image, and what that decides."""

    probability: float
    is_present: bool


def verdict_of(probability: float, threshold: float) -> Verdict:
    """Something is present from the threshold on."""
    return Verdict(probability, probability >= threshold)
