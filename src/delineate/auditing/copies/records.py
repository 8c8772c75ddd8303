"""What the search for copies finds: pairs, twins, groups of twins, look-alikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = tuple[float, float, float, float, float, float]
SAME_PLACE: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Pair:
    """Two pictures of one size and type, under one orientation of the second.

    `distance` is the sum of the absolute differences of their grey levels at native size.
    `first` and `second` are places in the gallery, `first` the smaller.
    """

    first: int
    second: int
    orientation: str
    distance: float
    pixels: int

    @property
    def mean_distance(self) -> float:
        """The distance a pixel, in grey levels."""
        return self.distance / self.pixels


@dataclass(frozen=True)
class Transform:
    """How the second picture was made from the first.

    `matrix` is row by row the (2, 3) affine map that takes a pixel centre (column, row) of
    the FIRST picture to that of the SECOND, orientation included, so that
    `cv2.warpAffine(second, matrix, size_of_first, flags=... | cv2.WARP_INVERSE_MAP)` lays the
    second on the first. Tone: second = gain * first + offset, in grey levels, as nearly as a
    straight line can say it. `changes` are out of `CHANGES`; empty for equal pixels.
    """

    orientation: str
    matrix: Matrix
    gain: float
    offset: float
    changes: tuple[str, ...]
    words: str

    def as_array(self) -> NDArray[np.float64]:
        """The (2, 3) matrix."""
        return np.array(self.matrix, dtype=np.float64).reshape(2, 3)


CHANGES = (
    "flip",
    "turn",
    "tone",
    "recompression",  # small differences everywhere: JPEG, noise, rounding
    "resize",
    "letterbox",
    "crop",
    "shift",
)


@dataclass(frozen=True)
class Twin:
    """The verdict that two pictures are copies of one.

    `distance` is the mean absolute grey-level difference a pixel after the transform, tone
    included, on the area that both show, on the first's grid (0 to 255 for any depth);
    `similarity` the correlation of their fine detail there, 1 for equal pixels.
    """

    first: int
    second: int
    transform: Transform
    distance: float
    similarity: float
    is_same_file: bool  # byte for byte


@dataclass(frozen=True)
class LookAlike:
    """Two pictures that are alike and were judged not to be copies, with the reason.

    `matrix`, a map as that of a `Transform`, is how they lay on each other when they were judged.
    """

    first: int
    second: int
    similarity: float
    why: str
    matrix: Matrix = SAME_PLACE


@dataclass(frozen=True)
class TwinGroup:
    """Copies of one picture; `members` ascending, and from each to the first one its map.

    `matrices[k]` takes pixel centres of the first member to those of member k.
    """

    members: tuple[int, ...]
    twins: tuple[Twin, ...]
    matrices: tuple[Matrix, ...]

    def as_arrays(self) -> list[NDArray[np.float64]]:
        """The (2, 3) matrices."""
        return [np.array(each, np.float64).reshape(2, 3) for each in self.matrices]


@dataclass(frozen=True)
class FrameSequence:
    """Pictures numbered in a row whose neighbours are alike: frames of a video, slices.

    `name` is what their ids share. Similarities are medians of the same measure, between
    neighbours and between pictures far apart.
    """

    name: str
    members: tuple[int, ...]
    neighbour_similarity: float
    distant_similarity: float
