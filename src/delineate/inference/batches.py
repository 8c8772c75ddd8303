"""Images of one size together through a network, the others apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Probability
from delineate.inference.tiles import Pass

# What several images in one pass have together at most: two of 256 px square. Beyond that the maps
# of a U-Net no longer fit the caches of a processor, and passes of more images get slower, not
# faster; memory stays below that of a single tile of the default size.
SHARED_PX = 2**17


def in_passes(one_pass: Pass, inputs: Sequence[NDArray[np.float32]]) -> list[Probability]:
    """What the pass makes of each (C, H, W) input, in their order.

    Inputs of one shape share passes of at most `SHARED_PX` pixels; a larger one has its own.
    """
    found: dict[int, Probability] = {}
    for places in _together(inputs):
        results = one_pass(np.stack([inputs[place] for place in places]))  # (N, K, H, W)
        found |= dict(zip(places, results, strict=True))
    return [found[place] for place in range(len(inputs))]


def _together(inputs: Sequence[NDArray[np.float32]]) -> Iterator[list[int]]:
    """The places of inputs that go through in one pass."""
    of_shape: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(inputs):
        of_shape.setdefault(each.shape, []).append(place)
    for (_, height, width), places in of_shape.items():
        most = max(1, SHARED_PX // (height * width))
        for start in range(0, len(places), most):
            yield places[start : start + most]
