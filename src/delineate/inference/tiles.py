"""Images of any size in passes of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import (
    border_to_multiple,
    mirrored,
    round_up,
    unpadded_output_px,
)
from delineate.core.types import Probability
from delineate.inference.settings import PredictSettings

# (N, C, H, W) network input to (N, K, H, W) probability.
Pass = Callable[[NDArray[np.float32]], Probability]


def tiled(one_pass: Pass, settings: PredictSettings, stride: int, *, lost_px: int = 0) -> Pass:
    """The pass for images of any size, in tiles that overlap and blend.

    Tiles start at multiples of `stride`, so each pooling cell lies as it would in the whole
    image. Where two tiles meet, the outer `margin_px` of each is thrown away and the next
    `blend_px` fade into each other. With a margin not below the network's context the
    result equals that of the whole image but for rounding. Tiles are no larger than
    `tile_px` says, unless two margins, a blend and one stride of gain need more.

    A network that loses `lost_px` at each side sees that much of every tile's surroundings,
    mirrored beyond the image. Its tiles need neither margin nor blend: whatever the settings,
    the result equals that of the whole image but for rounding.
    """
    if lost_px:
        return _unpadded(one_pass, settings.tile_px, stride, lost_px)
    least_px = round_up(2 * settings.margin_px + settings.blend_px, stride) + stride
    tile_px = max(settings.tile_px // stride * stride, least_px)

    def whole(images: NDArray[np.float32]) -> Probability:
        height, width = images.shape[-2:]
        if max(height, width) <= tile_px:
            return one_pass(images)
        top, bottom, left, right = border_to_multiple((height, width), stride)
        padded = np.stack([mirrored(image, (top, bottom, left, right)) for image in images])
        result = _blended(one_pass, padded, tile_px, settings, stride)
        return np.ascontiguousarray(result[:, :, top : top + height, left : left + width])

    return whole


def _blended(
    one_pass: Pass,
    images: NDArray[np.float32],
    tile_px: int,
    settings: PredictSettings,
    stride: int,
) -> Probability:
    height, width = images.shape[-2:]
    rows = list(_places(height, tile_px, settings, stride))
    columns = list(_places(width, tile_px, settings, stride))
    total: Probability | None = None
    weights = np.zeros((height, width), np.float32)
    for row, row_weight in rows:
        for column, column_weight in columns:
            here = (slice(row, row + len(row_weight)), slice(column, column + len(column_weight)))
            part = one_pass(np.ascontiguousarray(images[..., here[0], here[1]]))
            if total is None:
                total = np.zeros((len(images), part.shape[1], height, width), np.float32)
            weight = row_weight[:, None] * column_weight[None, :]
            total[..., here[0], here[1]] += part * weight
            weights[here] += weight
    assert total is not None  # an image has at least one tile
    return total / weights


def _places(
    length: int, tile_px: int, settings: PredictSettings, stride: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Start and weights of each tile along one axis whose length is a multiple of stride."""
    size = min(tile_px, length)
    last = length - size
    # A tile shorter than `tile_px` is the only one of its axis, and its step is not used.
    step = (tile_px - 2 * settings.margin_px - settings.blend_px) // stride * stride
    starts = [*range(0, last, step), last]
    margin, blend = settings.margin_px, settings.blend_px
    # Distance from the tile's edge, as a weight: 0 in the margin, then rising to 1.
    rise = np.clip((np.arange(size, dtype=np.float32) + 1 - margin) / (blend + 1), 0, 1)
    for start in starts:
        weight = np.ones(size, np.float32)
        if start > 0:
            weight *= rise
        if start < last:
            weight *= rise[::-1]
        yield start, weight


def _unpadded(one_pass: Pass, tile_px: int, stride: int, lost_px: int) -> Pass:
    """The pass for images of any size, of a network whose output is smaller than its input."""

    def whole(images: NDArray[np.float32]) -> Probability:
        height, width = images.shape[-2:]
        # Only the bottom and the right grow to a size that fits, so that cells lie alike
        # whatever the tiles. An output that starts at a row sees the border's rows from there on.
        rows, high = _output_places(height, tile_px, stride, lost_px)
        columns, wide = _output_places(width, tile_px, stride, lost_px)
        full_height, full_width = rows[-1] + high, columns[-1] + wide
        border = (lost_px, lost_px + full_height - height, lost_px, lost_px + full_width - width)
        padded = np.stack([mirrored(image, border) for image in images])
        result: Probability | None = None
        for row, column in product(rows, columns):
            seen = padded[..., row : row + high + 2 * lost_px, column : column + wide + 2 * lost_px]
            part = one_pass(np.ascontiguousarray(seen))
            if result is None:
                result = np.empty((*part.shape[:2], full_height, full_width), np.float32)
            result[..., row : row + high, column : column + wide] = part
        assert result is not None  # an image has at least one tile
        return np.ascontiguousarray(result[..., :height, :width])

    return whole


def _output_places(length: int, tile_px: int, stride: int, lost_px: int) -> tuple[list[int], int]:
    """Where the outputs of tiles start along one axis, and the size they have in common.

    Starts are multiples of the stride: 384 px for the 388 px that come of 572 px at stride 16.
    There are as few tiles as `tile_px` allows, and they are as small as so many can be. Where
    several are needed each gains at least one stride, even if `tile_px` leaves no room for it.
    """
    smallest = unpadded_output_px(1, stride, lost_px)
    most_strides = max((tile_px - 2 * lost_px - smallest) // stride, 1)
    strides = (unpadded_output_px(length, stride, lost_px) - smallest) // stride
    tiles = max(-(-strides // most_strides), 1)
    step = -(-strides // tiles) * stride
    return [step * index for index in range(tiles)], step + smallest
