"""Images of one size together through a network, the others apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Probability
from delineate.inference.tiles import Pass


def in_passes(
    one_pass: Pass, inputs: Sequence[NDArray[np.float32]], *, tile_px: int
) -> list[Probability]:
    """What the pass makes of each (C, H, W) input, in their order.

    Inputs of one shape share passes. None of these has more pixels than one square tile of
    `tile_px`, unless a single input has: memory is bounded by what a tile needs.
    """
    found: dict[int, Probability] = {}
    for places in _together(inputs, most_px=tile_px**2):
        results = one_pass(np.stack([inputs[place] for place in places]))  # (N, K, H, W)
        found |= dict(zip(places, results, strict=True))
    return [found[place] for place in range(len(inputs))]


def _together(inputs: Sequence[NDArray[np.float32]], *, most_px: int) -> Iterator[list[int]]:
    """The places of inputs that go through in one pass."""
    of_shape: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(inputs):
        of_shape.setdefault(each.shape, []).append(place)
    for (_, height, width), places in of_shape.items():
        most = max(1, most_px // (height * width))
        for start in range(0, len(places), most):
            yield places[start : start + most]
