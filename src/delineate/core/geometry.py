"""Sizes and borders: (height, width), in whole pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


def round_up(length_px: int, multiple: int) -> int:
    """The smallest multiple that is not below the length.

    Examples:
        >>> round_up(565, 16)
        576
    """
    return -(-length_px // multiple) * multiple


def border_to_multiple(size_px: Size, multiple: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right border that bring both sides to a multiple.

    Examples:
        >>> border_to_multiple((584, 565), 16)
        (4, 4, 5, 6)
    """
    height, width = size_px
    more_rows = round_up(height, multiple) - height
    more_columns = round_up(width, multiple) - width
    top, left = more_rows // 2, more_columns // 2
    return top, more_rows - top, left, more_columns - left


def unpadded_output_px(length_px: int, stride_px: int, lost_px: int) -> int:
    """The smallest output of an unpadded network that holds the length, along one axis.

    Unpadded convolutions take `lost_px` from each side, and pooling then fits only where the
    output and the border of one side are whole strides together.

    Examples:
        >>> unpadded_output_px(512, 16, 92)
        516
        >>> unpadded_output_px(1, 16, 92)
        4
    """
    smallest_px = -lost_px % stride_px or stride_px
    return smallest_px + round_up(max(length_px - smallest_px, 0), stride_px)


def mirrored(array: NDArray[np.float32], border: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """A (C, H, W) array with its edges reflected outwards.

    The outermost row is not repeated. A border wider than the array reflects back and
    forth, so that any size of image can be brought to any larger size.
    """
    top, bottom, left, right = border
    return np.pad(array, ((0, 0), (top, bottom), (left, right)), mode="reflect")
