"""Masks to rings of corners that run along the edges of pixels, so that nothing is lost.

Corners are (x, y) with the image's upper left corner as (0, 0): a single first pixel is the ring
(0, 0), (1, 0), (1, 1), (0, 1). One ring surrounds each piece whose pixels share edges. A hole is
part of that ring: a seam without width leads from the border to the hole, around it and back. COCO
knows no holes, its readers unite the rings of an object; along a seam they pass twice, which
leaves nothing, so that they find the hole. The border turns one way and the hole the other, so that
programs which count turns find it too.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask

Corners = NDArray[np.int64]


def rings_with_seams(mask: Mask) -> list[Corners]:
    """(N, 2) corners (x, y) of each piece, holes included; none for an empty mask."""
    count, pieces, boxes, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    rings = []
    for number in range(1, count):
        left, top, width, height = boxes[number, :4].tolist()
        piece = pieces[top : top + height, left : left + width] == number
        border, *holes = sorted(_rings(piece), key=_extent, reverse=True)
        border, holes = _turned(border, 1), [_turned(hole, -1) for hole in holes]
        rings.append(_joined(border, holes) + np.array([left, top]))
    return rings


def _extent(ring: Corners) -> int:
    # The border of a piece holds all its holes, so that no hole reaches as far.
    return int(np.prod(np.ptp(ring, axis=0)))


def _turned(ring: Corners, direction: int) -> Corners:
    """The ring run through so that the area which it surrounds has this sign."""
    x, y = ring.T
    area = int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    return ring if area * direction > 0 else ring[::-1]


def _joined(border: Corners, holes: Sequence[Corners]) -> Corners:
    """One ring: the border, and at the corner nearest to each hole a way there and back."""
    ring = border
    for hole in holes:
        near = int(np.square(ring - hole[0]).sum(axis=1).argmin())
        ring = np.concatenate([ring[: near + 1], hole, hole[:1], ring[near:]])
    return ring


def _rings(mask: Mask) -> list[Corners]:
    """Every closed line between a mask and what is not it, as its corners."""
    corners, by_row, by_column = _paired_corners(mask)
    is_met = bytearray(len(corners))
    rings = []
    for start in range(len(corners)):
        if is_met[start]:
            continue
        ring, at = [], start
        while not is_met[at]:
            beside = by_row[at]
            is_met[at] = is_met[beside] = True
            ring += [at, beside]
            at = by_column[beside]
        rings.append(corners[ring])
    return rings


def _paired_corners(mask: Mask) -> tuple[Corners, list[int], list[int]]:
    """Corners (x, y), and for each the number of the one at the other end of its edges.

    First of the edge along its row, then of the edge along its column. Where two pixels touch by
    a corner only, it counts twice, once for each of them.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    total = upper_left + upper_right + lower_left + lower_right
    is_double = (total == 2) & (upper_left == lower_right)
    y, x = np.nonzero((total % 2 == 1) | is_double)
    times = 1 + is_double[y, x].astype(np.int64)
    is_second = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    y, x = np.repeat(y, times), np.repeat(x, times)
    # The first of two ends the edges from the left and from above, the second begins the others.
    by_row = _partners(np.lexsort((is_second, x, y)))
    by_column = _partners(np.lexsort((is_second, y, x)))
    return np.stack([x, y], axis=1), by_row, by_column


def _partners(order: NDArray[np.intp]) -> list[int]:
    partner = np.empty(len(order), np.int64)
    partner[order[0::2]], partner[order[1::2]] = order[1::2], order[0::2]
    numbers: list[int] = partner.tolist()
    return numbers
