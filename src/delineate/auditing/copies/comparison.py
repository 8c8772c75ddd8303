"""Two pictures laid on each other and judged: what find_twins does with each candidate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import (
    Axes,
    Box,
    aligned,
    as_levels,
    box_axes,
    composed,
    even_contrast,
    inverted,
    laid,
    level,
    orient,
    oriented_box,
    snapped,
    whole_box,
    with_orientation,
)
from delineate.auditing.copies.records import Matrix, Transform
from delineate.auditing.copies.thumbnails import correlation
from delineate.auditing.copies.tone_curve import MANY, straight_line, tone_curve
from delineate.auditing.copies.transform_words import Parts, changes_of, words_of
from delineate.auditing.copies.verdict import Verdict, judged
from delineate.auditing.pictures.orientation import UPRIGHT
from delineate.core.geometry import Size

NEAR_SHARE = 0.02  # of the longer side: starts that lie closer lead to the same place
ROUGH_PX, FINE_PX = 128, 256  # the longer sides on which pictures are laid on each other
ROUGHLY_ALIKE = 0.6  # of detail there; beside bars even contrast is another one
LEAST_TONE = 0.3  # grey levels a pixel that a tone must explain at least
EXACT = np.array([[1.0, 0, 0], [0, 1, 0]])


Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """Grey levels (H, W) and the box that holds its content."""

    grey: NDArray[np.generic]
    box: Box

    def oriented(self, orientation: str) -> Picture:
        """The picture after an orientation."""
        if orientation == UPRIGHT:
            return self
        box = oriented_box(self.box, orientation, _size(self))
        return Picture(orient(self.grey, orientation), box)


@dataclass(frozen=True)
class Comparison:
    """The verdict on two pictures, with the orientation and the axes under which it fell.

    `axes` takes pixel centres of the first to those of the oriented second. `same_pixels` says
    that nothing differs but the orientation.
    """

    orientation: str
    axes: Axes
    verdict: Verdict
    same_pixels: bool = False


def compared(
    first: Picture, second: Picture, orientation: str, guess: Axes | None = None
) -> Comparison:
    """The best that can be said for two pictures under one orientation of the second.

    Without a guess the whole pictures, then their contents are laid on each other.
    """
    turned = second.oriented(orientation)
    if first.grey.shape == turned.grey.shape and np.array_equal(first.grey, turned.grey):
        return Comparison(orientation, EXACT, Verdict(1.0, 0.0, 0.0, 1.0, ""), same_pixels=True)
    best: Comparison | None = None
    for start in _starts(first, turned, guess):
        found = _from(first.grey, turned.grey, orientation, start)
        if best is None or _goodness(found) > _goodness(best):
            best = found
        if found.verdict.is_copy:
            break
    if best is None:  # pragma: no cover - there is always a start
        raise RuntimeError("no way to lay the pictures on each other was tried")
    return best


def transform_of(first: Picture, second: Picture, found: Comparison) -> tuple[Transform, float]:
    """How the second was made from the first, and the mean distance a pixel once undone.

    The distance is in grey levels from 0 to 255, after the tone, where both show something.
    """
    turned = second.oriented(found.orientation)
    levels = as_levels(first.grey), as_levels(turned.grey)
    on_first = levels[1] if found.same_pixels else _laid(levels[1], found.axes, first.grey.shape)
    shown = np.isfinite(on_first)
    source, target = levels[0][shown], on_first[shown]
    gain, offset, distance, is_toned = _tone(source, target)
    parts = Parts(
        (_size(first), _size(turned)), (first.box, turned.box),
        found.orientation, found.axes, is_toned, gain, offset, distance,
    )  # fmt: skip
    return as_transform(parts, _size(second)), distance


def as_transform(parts: Parts, second_px: Size) -> Transform:
    """What is told of a pair of copies, from its parts and the second's own size."""
    matrix = with_orientation(parts.axes, parts.orientation, second_px)
    return Transform(
        parts.orientation, as_matrix(matrix), parts.gain, parts.offset,
        changes_of(parts), words_of(parts),
    )  # fmt: skip


def _tone(source: Grey, target: Grey) -> tuple[float, float, float, bool]:
    """Gain, offset, what is left as the mean distance a pixel, and whether the tone differs."""
    if not source.size:
        return 1.0, 0.0, 0.0, False
    plain = float(np.abs(source - target).mean())
    if plain * 0.7 <= LEAST_TONE:
        return 1.0, 0.0, plain, False
    step = max(1, source.size // MANY)  # as many pixels as a curve needs
    gain, offset = straight_line(source[::step], target[::step])
    toned = tone_curve(source[::step], target[::step])(source)
    distance = float(np.abs(toned - target).mean())
    if distance < 0.7 * plain - LEAST_TONE and (abs(gain - 1) > 0.02 or plain - distance > 1):
        return gain, offset, distance, True
    return 1.0, 0.0, plain, False


def as_matrix(matrix: NDArray[np.float64]) -> Matrix:
    """Six plain numbers, row by row."""
    a, b, c, d, e, f = (float(number) for number in matrix.ravel())
    return (a, b, c, d, e, f)


def _size(picture: Picture) -> Size:
    return (picture.grey.shape[0], picture.grey.shape[1])


def _starts(first: Picture, turned: Picture, guess: Axes | None) -> Iterator[Axes]:
    """The guess, the contents on each other, the wholes; those near earlier ones are left out."""
    sizes = [_size(first), _size(turned)]
    content = box_axes(first.box, turned.box)
    whole = box_axes(whole_box(sizes[0]), whole_box(sizes[1]))
    tried: list[Axes] = []
    # Wholes of one size that lie on each other are the commonest by far, and exact.
    order = [whole, content] if sizes[0] == sizes[1] else [content, whole]
    corners = np.array([[0, 0, 1], [sizes[0][1], sizes[0][0], 1]])
    for start in order if guess is None else [_rounded(guess, whole, corners)]:
        if all(
            np.abs(corners @ (start - other).T).max() > NEAR_SHARE * max(sizes[0])
            for other in tried
        ):
            tried.append(start)
            yield start


def _rounded(guess: Axes, whole: Axes, corners: NDArray[np.float64]) -> Axes:
    # What was found on thumbnails is right to a pixel of theirs.
    near = np.abs(corners @ (guess - whole).T).max() < NEAR_SHARE * corners.max()
    return whole if near else guess


def _from(
    first: NDArray[np.generic], second: NDArray[np.generic], orientation: str, start: Axes
) -> Comparison:
    if first.shape == second.shape and np.array_equal(start, EXACT):
        # Most copies lie on each other as they are: no laying, and no harm if they do not.
        at_once = Comparison(orientation, EXACT, judged(first, second, EXACT))
        if at_once.verdict.is_copy:
            return at_once
    rough = aligned(first, second, start, sides_px=(ROUGH_PX,))
    score = _likeness(first, second, rough)
    if score < ROUGHLY_ALIKE:
        why = f"the detail differs everywhere: it correlates by {score:.3f}"
        return Comparison(orientation, rough, Verdict(score, 1.0, 1.0, 1.0, why))
    sizes = (first.shape[0], first.shape[1]), (second.shape[0], second.shape[1])
    if sizes[0] == sizes[1] and np.array_equal(snapped(rough, *sizes), EXACT):
        return Comparison(orientation, EXACT, judged(first, second, EXACT))
    axes = snapped(aligned(first, second, rough, sides_px=(FINE_PX,)), *sizes)
    return Comparison(orientation, axes, judged(first, second, axes))


def _likeness(first: NDArray[np.generic], second: NDArray[np.generic], axes: Axes) -> float:
    """The correlation of detail on small pictures."""
    one, other = level(first, ROUGH_PX), level(second, ROUGH_PX)
    small = composed(inverted(other.to_native), composed(axes, one.to_native))
    there = laid(even_contrast(other.grey), small, one.grey.shape)
    return correlation(even_contrast(one.grey), there)


def _goodness(found: Comparison) -> tuple[bool, float]:
    return found.verdict.is_copy, found.verdict.similarity


def _laid(levels: NDArray[np.float32], axes: Axes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if shape == levels.shape and np.array_equal(axes, EXACT):
        return levels
    return laid(levels, axes, shape)
