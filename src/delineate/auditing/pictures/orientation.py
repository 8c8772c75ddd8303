"""The eight ways to lay a picture on itself: flips and quarter turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size

# Name -> quarter turns to the left, and whether it is flipped left to right after them.
ORIENTATIONS: dict[str, tuple[int, bool]] = {
    "as it is": (0, False),
    "turned left": (1, False),
    "turned upside down": (2, False),
    "turned right": (3, False),
    "flipped left to right": (0, True),
    "flipped along the main diagonal": (3, True),
    "flipped top to bottom": (2, True),
    "flipped along the other diagonal": (1, True),
}
"""Every orientation by its name; a test holds that they are the eight of the square."""

UPRIGHT = "as it is"


def oriented(array: NDArray[Any], orientation: str) -> NDArray[Any]:
    """The array with its first two axes turned and flipped; a view, nothing is copied.

    Examples:
        >>> oriented(np.array([[1, 2], [3, 4]]), "flipped top to bottom").tolist()
        [[3, 4], [1, 2]]
    """
    turns, is_flipped = ORIENTATIONS[orientation]
    turned = np.rot90(array, turns)
    return turned[:, ::-1] if is_flipped else turned


def inverse(orientation: str) -> str:
    """The orientation that undoes this one.

    Examples:
        >>> inverse("turned left")
        'turned right'
    """
    # A flip is its own inverse; so are the upright and the upside-down position.
    return {"turned left": "turned right", "turned right": "turned left"}.get(
        orientation, orientation
    )


def swaps_sides(orientation: str) -> bool:
    """Whether height and width change places."""
    return ORIENTATIONS[orientation][0] % 2 == 1


def oriented_size(size_px: Size, orientation: str) -> Size:
    """The size of a picture after this orientation."""
    return size_px[::-1] if swaps_sides(orientation) else size_px


def orientation_matrix(orientation: str, size_px: Size) -> NDArray[np.float64]:
    """(2, 3): from a pixel centre (column, row) of the oriented picture to that of the picture.

    `size_px` is the picture's own size. Pixel centres have whole coordinates.
    """
    height, width = size_px
    # What a turn does to the square of four pixels, it does to every picture.
    rows, columns = (oriented(grid, orientation) for grid in np.indices((2, 2)))
    right = (columns[0, 1] - columns[0, 0], rows[0, 1] - rows[0, 0])
    down = (columns[1, 0] - columns[0, 0], rows[1, 0] - rows[0, 0])
    origin = (columns[0, 0] * (width - 1), rows[0, 0] * (height - 1))
    return np.array([right, down, origin], dtype=np.float64).T
