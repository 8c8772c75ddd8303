"""The last channel of a network with a head for presence, told apart from those of classes."""

from __future__ import annotations

from delineate.core.types import Probability


def split_presence(probability: Probability) -> tuple[Probability, float]:
    """(K, H, W) probability of classes, and that there is anything to find, from (K + 1, H, W).

    The head speaks of each tile by itself: where an image has several, the surest counts.
    """
    return probability[:-1], float(probability[-1].max())
