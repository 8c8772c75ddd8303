"""Even bars that fill a picture up to its size, told apart from dark surroundings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from delineate.auditing.pictures.gallery import Gallery
from delineate.core.errors import DelineateError
from delineate.core.types import Image

SIDES = ("top", "left", "bottom", "right")
THINNEST_SHARE = 0.02
THINNEST_PX = 3
MOST_LOOKED_AT = 5
"""Pictures with the very same bars whose pixels are read; the others are taken to be alike."""
MOST_KINDS = 100
STRIP_SHARE = 0.03
THINNEST_STRIP_PX = 4
EVEN_SHARE = 0.04
STRAIGHT_SHARE = 0.75

Widths = tuple[int, int, int, int]


@dataclass(frozen=True)
class Bars:
    """Widths in pixels along the top, left, bottom and right side; 0 where there is none."""

    position: int
    widths_px: Widths


def bars_of(gallery: Gallery) -> tuple[Bars, ...]:
    """The pictures with even bars along their sides, by position.

    A bar ends at a straight line, at which the picture begins along most of its length. What
    is black around a round field of view or around a head ends at a curve and is no bar.
    Of pictures with one size and the very same bars a few are looked at, and of the hundred
    commonest kinds alone.
    """
    found: list[Bars] = []
    kinds = sorted(_kinds(gallery).items(), key=lambda kind: -len(kind[1]))
    for (_, widths), positions in kinds[:MOST_KINDS]:
        true = _true_widths(gallery, positions, widths)
        if any(true):
            found.extend(Bars(position, true) for position in positions)
    return tuple(sorted(found, key=lambda bars: bars.position))


def _kinds(gallery: Gallery) -> dict[tuple[tuple[int, int], Widths], list[int]]:
    """Positions by size and by what the content box leaves, where that is not too thin."""
    kinds: dict[tuple[tuple[int, int], Widths], list[int]] = defaultdict(list)
    for position in np.flatnonzero(gallery.table["is_read"]).tolist():
        row = gallery.table[position]
        height, width = int(row["height"]), int(row["width"])
        sides = (
            (int(row["top"]), height),
            (int(row["left"]), width),
            (height - int(row["bottom"]), height),
            (width - int(row["right"]), width),
        )
        top, left, bottom, right = (
            bar if bar >= max(THINNEST_PX, THINNEST_SHARE * length) else 0 for bar, length in sides
        )
        if top or left or bottom or right:
            kinds[(height, width), (top, left, bottom, right)].append(position)
    return kinds


def _true_widths(gallery: Gallery, positions: Sequence[int], widths: Widths) -> Widths:
    chosen = np.linspace(0, len(positions) - 1, MOST_LOOKED_AT).round().astype(int)
    votes = [
        _are_straight(gallery, positions[place], widths) for place in np.unique(chosen).tolist()
    ]
    kept = np.mean(votes, axis=0) > 0.5
    top, left, bottom, right = (
        width if keep else 0 for width, keep in zip(widths, kept.tolist(), strict=True)
    )
    return top, left, bottom, right


def _are_straight(gallery: Gallery, position: int, widths: Widths) -> list[bool]:
    """Whether there is a bar on each side at which the picture begins in a straight line."""
    try:
        grey = gallery.grey(position)
    except DelineateError:
        return [False] * len(SIDES)
    row = gallery.table[position]
    even = EVEN_SHARE * float(row["maximum"] - row["minimum"])
    across = slice(int(row["left"]), int(row["right"]))
    down = slice(int(row["top"]), int(row["bottom"]))
    # Each side in turn as if it were the top, cut to where there is content.
    inwards = (grey[:, across], grey[down].T, grey[::-1, across], grey.T[::-1, down])
    box = grey[down, across].shape
    return [
        width > 0 and _straightness(picture, width, (even, box[place % 2])) >= STRAIGHT_SHARE
        for place, (picture, width) in enumerate(zip(inwards, widths, strict=True))
    ]


def _straightness(picture: Image, width_px: int, box: tuple[float, int]) -> float:
    """Share of the columns that differ from the bar at the top soon after its end.

    `box` is how even a bar is, in grey levels, and how high the content.
    """
    even, height_px = box
    level = float(np.median(picture[:width_px]))
    strip = picture[width_px : width_px + max(THINNEST_STRIP_PX, round(STRIP_SHARE * height_px))]
    steps = np.abs(strip.astype(np.float32) - level)
    # Two rows at least, for a line of dots from a scanner is no edge of a picture.
    return float(np.mean(np.sort(steps, axis=0)[-2:].min(axis=0) > even))
