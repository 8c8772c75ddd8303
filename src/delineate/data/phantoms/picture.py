"""A phantom's place in its set, and its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Slot:
    """Where a sample stands: split, subject and number within the subject."""

    split: str
    subject: int
    number: int


@dataclass(frozen=True)
class Picture:
    """An image and masks of 0 and 255: truth, field of view, a second observer's truth."""

    image: Pixels
    mask: Pixels | None
    region: Pixels | None = None
    second: Pixels | None = None

    def mapped(
        self, change: Callable[[Pixels], Pixels], labels: Callable[[Pixels], Pixels] | None = None
    ) -> Picture:
        """All of it changed alike, or the masks by a change of their own."""
        masks = (self.mask, self.region, self.second)
        return Picture(
            change(self.image), *(None if m is None else (labels or change)(m) for m in masks)
        )
