"""Laying one picture on another to a fraction of a pixel: scale and shift along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.orientation import orientation_matrix, oriented
from delineate.core.geometry import Size
from delineate.core.types import as_image

Grey = NDArray[np.float32]
Axes = NDArray[np.float64]  # (2, 3) without shear: column and row each have scale and shift
Box = tuple[float, float, float, float]  # top, left, bottom, right, as edges of pixels

SIDES_PX = (128, 256)  # the longer side of the pictures that are laid on each other
ROUNDS = 12
STILL_PX = 0.01  # steps below this change nothing any more
SLIGHT_PX = 1.0  # farther, differences do not follow slopes
FLAT_LEVELS = 1.5  # contrast below this is noise and is not amplified


def box_axes(first: Box, second: Box) -> Axes:
    """The map of pixel centres that takes the edges of one box to those of the other."""
    rows = _axis((first[0], first[2]), (second[0], second[2]))
    columns = _axis((first[1], first[3]), (second[1], second[3]))
    return np.array([[columns[0], 0, columns[1]], [0, rows[0], rows[1]]], dtype=np.float64)


def whole_box(size_px: Size) -> Box:
    """The box that holds a whole picture."""
    return (0.0, 0.0, float(size_px[0]), float(size_px[1]))


def oriented_box(box: Box, orientation: str, size_px: Size) -> Box:
    """Where a box of a picture of this size lies once the picture is oriented."""
    corners = np.array([[box[1], box[0], 1.0], [box[3], box[2], 1.0]])
    # Edges lie half a pixel before centres; the map of centres is turned round to go there.
    there = inverted(orientation_matrix(orientation, size_px))
    moved = (corners - [0.5, 0.5, 0]) @ there.T + 0.5
    (left, top), (right, bottom) = moved.min(axis=0), moved.max(axis=0)
    return (float(top), float(left), float(bottom), float(right))


def inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) map that undoes this one."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, -linear @ matrix[:, 2:]])


def composed(then: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) map that does `first`, and `then` the other."""
    return np.hstack([then[:, :2] @ first[:, :2], then[:, :2] @ first[:, 2:] + then[:, 2:]])


def with_orientation(axes: Axes, orientation: str, size_px: Size) -> NDArray[np.float64]:
    """The map onto the picture itself, from the map onto the picture once it is oriented.

    `size_px` is the picture's own size.
    """
    return composed(orientation_matrix(orientation, size_px), axes)


def aligned(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    guess: Axes,
    *,
    sides_px: Sequence[int] = SIDES_PX,
) -> Axes:
    """The guess made better: from pixel centres of the first to those of the second.

    Both are (H, W) grey pictures, the second oriented like the first. A guess should be right
    to about 2 % of the side. What only one of them shows does not count.

    Source:
        Inverse compositional image alignment of Baker and Matthews (2004), "Lucas-Kanade 20
        years on", equation 35, on pictures whose local contrast is made even; ours weighs
        large differences down, and knows scale and shift along each axis only.
    """
    axes = guess
    for side in sides_px:
        small_first, small_second = level(first, side), level(second, side)
        start = composed(inverted(small_second.to_native), composed(axes, small_first.to_native))
        found = lay_on(even_contrast(small_first.grey), even_contrast(small_second.grey), start)
        axes = composed(small_second.to_native, composed(found, inverted(small_first.to_native)))
        if side >= max(*first.shape, *second.shape):
            break
    return axes


@dataclass(frozen=True)
class Level:
    """A picture made small, float32, and the map of its pixel centres to the native ones."""

    grey: NDArray[np.float32]
    to_native: Axes


def level(grey: NDArray[np.generic], side_px: int) -> Level:
    """The picture with its longer side shrunk to about this, by a whole factor; never enlarged.

    Rows and columns at the end that fill no whole pixel are left out: means over whole blocks
    cost a thirtieth of those over parts of pixels.
    """
    factor = max(1, round(max(grey.shape) / side_px))
    factor = max(1, min(factor, *grey.shape))
    size = (grey.shape[0] // factor, grey.shape[1] // factor)
    used = (size[0] * factor, size[1] * factor)
    small = as_levels(shrunk(grey[: used[0], : used[1]], size))
    return Level(np.asarray(small, dtype=np.float32), box_axes(whole_box(size), whole_box(used)))


def shrunk(grey: NDArray[np.generic], size_px: Size) -> NDArray[np.generic]:
    """The picture in a smaller size, each pixel the mean of those that it covers."""
    if size_px == grey.shape:
        return grey
    picture = as_image(grey)
    return as_image(cv2.resize(picture, size_px[::-1], interpolation=cv2.INTER_AREA))


def as_levels(grey: NDArray[np.generic]) -> NDArray[np.float32]:
    """Grey levels from 0 to 255 for any depth: 8-bit as it is, others over their own range."""
    if grey.dtype == np.uint8:
        return grey.astype(np.float32)
    values = grey.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) * np.float32(255 / max(high - low, 1e-6)), dtype=np.float32)


def even_contrast(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture without its coarse light and shade, with about one contrast everywhere."""
    side = max(5, round(max(grey.shape) / 12) | 1)
    detail = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), np.float32)
    detail = np.asarray(
        detail - cv2.blur(detail, (side, side), borderType=cv2.BORDER_REFLECT), np.float32
    )
    energy = cv2.blur(detail * detail, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(detail / np.sqrt(energy + FLAT_LEVELS**2), dtype=np.float32)


def lay_on(first: Grey, second: Grey, start: Axes) -> Axes:
    """The map with which the second differs least from the first; both of even contrast."""
    slopes = _slopes(first)
    height, width = first.shape
    halves = (max((width - 1) / 2, 0.5), max((height - 1) / 2, 0.5))
    columns, rows = (start[0, 0], start[0, 2]), (start[1, 1], start[1, 2])
    for _ in range(ROUNDS):
        axes = np.array([[columns[0], 0, columns[1]], [0, rows[0], rows[1]]])
        step = _step(slopes, _differences(first, second, axes))
        if step is None:
            return start
        columns = _stepped(columns, step[0], step[1], halves[0])
        rows = _stepped(rows, step[2], step[3], halves[1])
        if max(map(abs, step)) < STILL_PX:
            break
    return np.array([[columns[0], 0, columns[1]], [0, rows[0], rows[1]]])


def without_slight_shift(first: Grey, second: Grey) -> Grey:
    """The second less what a shift or stretch by part of a pixel explains; both in one tone."""
    slopes = _slopes(first)
    step = _step(slopes, (second - first, np.ones_like(first)))
    if step is None or max(map(abs, step)) > SLIGHT_PX:
        return second
    return np.asarray(
        second - (np.array(step, np.float32) @ slopes).reshape(first.shape), np.float32
    )


def _differences(first: Grey, second: Grey, axes: Axes) -> tuple[Grey, Grey]:
    """What differs, and the weight of each pixel: none where the second shows nothing."""
    height, width = first.shape
    there = cv2.warpAffine(
        second, axes, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    difference = np.asarray(there - first, np.float32)
    weights = np.asarray(1 / (1 + difference * difference), np.float32)
    for axis, length, other in ((0, width, second.shape[1]), (1, height, second.shape[0])):
        scale, shift = axes[axis, axis], axes[axis, 2]
        begin, end = int(np.ceil(-shift / scale)), int((other - 1 - shift) // scale) + 1
        lines = weights.T if axis == 0 else weights
        lines[: max(0, min(begin, length))] = 0
        lines[max(0, end) :] = 0
    return difference, weights


def _step(slopes: Grey, differences: tuple[Grey, Grey]) -> list[float] | None:
    """How scale and shift of columns and of rows must change, at the ends in pixels."""
    difference, weights = differences
    weighted = slopes * weights.reshape(1, -1)
    hessian = (weighted @ slopes.T).astype(np.float64) + _DAMPING
    try:
        step = np.linalg.solve(hessian, (weighted @ difference.ravel()).astype(np.float64))
    except np.linalg.LinAlgError:
        return None
    return [float(number) for number in step]


_DAMPING = 1e-3 * np.eye(4)


def _stepped(
    axis: tuple[float, float], stretch: float, shift: float, half: float
) -> tuple[float, float]:
    """Scale and shift of an axis after the inverse of a step of its first picture."""
    stretch, shift = (max(-half / 4, min(half / 4, number)) for number in (stretch, shift))
    scale = 1 + stretch / half
    return axis[0] / scale, axis[1] - axis[0] * (shift - stretch) / scale


def laid(
    second: NDArray[np.generic],
    matrix: NDArray[np.float64],
    shape: tuple[int, ...],
    interpolation: int = cv2.INTER_LINEAR,
) -> NDArray[np.float32]:
    """(H, W) float32: the second on the grid of the first; not a number where it shows nothing."""
    return np.asarray(
        cv2.warpAffine(
            second.astype(np.float32, copy=False), matrix, (shape[1], shape[0]),
            flags=interpolation | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan"),
        )
    )  # fmt: skip


def orient(grey: NDArray[np.generic], orientation: str) -> NDArray[np.generic]:
    """The oriented picture, in memory of its own as OpenCV wants it."""
    return np.ascontiguousarray(oriented(grey, orientation))


def snapped(axes: Axes, first_px: Size, second_px: Size) -> Axes:
    """The map by whole pixels that lies next to this one, where one does.

    Whole shifts at the same scale, or one whole picture on the other; else the map itself.
    """
    result = axes.copy()
    for axis, length, other in ((0, first_px[1], second_px[1]), (1, first_px[0], second_px[0])):
        scale, shift = axes[axis, axis], axes[axis, 2]
        ends = np.array([shift, scale * (length - 1) + shift])
        for exact in (_whole_shift(ends, length), _axis((0, length), (0, other))):
            if np.abs(np.array([0, length - 1]) * exact[0] + exact[1] - ends).max() < 0.6:
                result[axis, axis], result[axis, 2] = exact
                break
    return result


def _whole_shift(ends: NDArray[np.float64], length: int) -> tuple[float, float]:
    return 1.0, float(np.round((ends[0] + ends[1] - (length - 1)) / 2))


def _axis(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    scale = (second[1] - second[0]) / max(first[1] - first[0], 1e-9)
    return scale, (0.5 - first[0]) * scale + second[0] - 0.5


def _slopes(first: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, H W): how each pixel changes with scale and shift of columns, and of rows."""
    height, width = first.shape
    right = cv2.Sobel(first, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(first, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    columns, rows = _centred(width)[None, :], _centred(height)[:, None]
    return np.stack([right * columns, right, down * rows, down]).reshape(4, -1)


def _centred(length: int) -> NDArray[np.float32]:
    """From -1 to 1 along an axis: a step of scale then moves the ends by that many pixels."""
    return np.linspace(-1, 1, length, dtype=np.float32) if length > 1 else np.zeros(1, np.float32)
