"""Candidates compared on thumbnails of their contents: cheap, and rid of nearly all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import (
    Axes,
    Box,
    box_axes,
    composed,
    even_contrast,
    inverted,
    laid,
    lay_on,
    oriented_box,
    whole_box,
    without_slight_shift,
)
from delineate.auditing.copies.tone_curve import in_one_tone
from delineate.auditing.copies.verdict import local_differences
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.auditing.pictures.signature import THUMB_SIDE_PX
from delineate.core.geometry import Size

Grey = NDArray[np.float32]
Even = Grey  # of even contrast

AT_ONCE = 4096
ALIKE = 0.85  # copies reach 0.94 once they lie on each other, nearly all look-alikes less
SAME = np.array([[1.0, 0, 0], [0, 1, 0]])


@dataclass(frozen=True)
class Candidate:
    """Two pictures that may be copies, the second oriented.

    `axes` takes pixel centres of the first's thumbnail to those of the second's once that is
    oriented; None where contents that fill their pictures should lie on each other. Axes that
    are exact, if the two are copies at all, need no finer laying; rough ones need more. `why`
    says what already speaks against copies on the thumbnails.
    """

    first: int
    second: int
    orientation: str
    score: float
    axes: Axes | None = None
    is_exact: bool = False
    is_rough: bool = False
    why: str = ""


def alike_on_thumbnails(gallery: Gallery, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those candidates whose thumbnails are alike in detail, with score and axes found there.

    Where the contents should lie on each other, all eight orientations are tried: coarse shapes
    can be most alike under a wrong one.
    """
    rest = iter(candidates)
    while batch := list(islice(rest, AT_ONCE)):
        thumbs = grey_thumbnails(gallery, sorted({p for c in batch for p in (c.first, c.second)}))
        even = {position: even_contrast(thumb) for position, thumb in thumbs.items()}
        for candidate in batch:
            axes = candidate.axes
            found = _as_it_is(even, candidate) if axes is None else _laid(even, candidate, axes)
            if found.score >= ALIKE:
                is_telling = (
                    axes is None and found.score < SURELY_ALIKE and _is_fine_enough(gallery, found)
                )
                yield replace(found, why=_objection(thumbs, found)) if is_telling else found


def grey_thumbnails(gallery: Gallery, positions: Sequence[int]) -> dict[int, Grey]:
    """(64, 64) float32 thumbnails, by position."""
    thumbs = gallery.thumbs(positions).astype(np.float32)
    return dict(zip(positions, thumbs, strict=True))


def even_thumbnails(gallery: Gallery, positions: Sequence[int]) -> dict[int, Even]:
    """(64, 64) float32 thumbnails of even contrast, by position."""
    thumbs = grey_thumbnails(gallery, positions)
    return {position: even_contrast(thumb) for position, thumb in thumbs.items()}


def correlation(first: Even, second: Even) -> float:
    """Of two pictures of one shape, where the second shows something."""
    shown = np.isfinite(second)
    if shown.all():
        one, other = first.ravel(), second.ravel()
    else:
        one, other = first[shown], second[shown]
    if one.size < first.size // 4:
        return 0.0
    norms = float(np.sqrt(np.dot(one, one) * np.dot(other, other)))
    return float(np.dot(one, other)) / norms if norms > 0 else 0.0


def picture_box(gallery: Gallery, position: int) -> Box:
    """The content box of a picture."""
    row = gallery.table[position]
    return (float(row["top"]), float(row["left"]), float(row["bottom"]), float(row["right"]))


def picture_size(gallery: Gallery, position: int) -> Size:
    """Height and width of a picture."""
    row = gallery.table[position]
    return int(row["height"]), int(row["width"])


def is_whole(gallery: Gallery, position: int) -> bool:
    """Whether the content fills the whole picture."""
    return picture_box(gallery, position) == whole_box(picture_size(gallery, position))


def native_axes(gallery: Gallery, candidate: Candidate) -> Axes:
    """The candidate's axes between the pictures themselves, the second oriented."""
    first, second = _to_native(gallery, candidate)
    axes = SAME if candidate.axes is None else candidate.axes
    return composed(second, composed(axes, inverted(first)))


def thumbnail_axes(gallery: Gallery, candidate: Candidate, axes: Axes) -> Axes:
    """Axes between two pictures, the second oriented, as axes between their thumbnails."""
    first, second = _to_native(gallery, candidate)
    return composed(inverted(second), composed(axes, first))


def _to_native(gallery: Gallery, candidate: Candidate) -> tuple[Axes, Axes]:
    """From thumbnails to pictures: of the first, and of the second oriented."""
    thumb = whole_box((THUMB_SIDE_PX, THUMB_SIDE_PX))
    size = picture_size(gallery, candidate.second)
    box = oriented_box(picture_box(gallery, candidate.second), candidate.orientation, size)
    return box_axes(thumb, picture_box(gallery, candidate.first)), box_axes(thumb, box)


def _as_it_is(even: dict[int, Even], candidate: Candidate) -> Candidate:
    first, second = even[candidate.first], even[candidate.second]
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    scores = second.ravel()[ORDERS] @ first.ravel() / max(norms, 1e-9)
    place = int(np.argmax(scores))
    return replace(candidate, orientation=NAMES[place], score=float(scores[place]))


def _is_fine_enough(gallery: Gallery, candidate: Candidate) -> bool:
    """Whether compression and noise leave little of themselves on these thumbnails.

    Contents that bars surround are cut to the pixel in one copy and not in the other, and a
    thumbnail moved by a part of its pixel is another one where the detail is fine.
    """
    return all(
        is_whole(gallery, p) and min(picture_size(gallery, p)) >= FINE_ENOUGH_PX
        for p in (candidate.first, candidate.second)
    )


def _objection(thumbs: dict[int, Grey], candidate: Candidate) -> str:
    """What speaks against copies, in words: detail that is new nearly everywhere."""
    first = thumbs[candidate.first]
    second = np.ascontiguousarray(oriented(thumbs[candidate.second], candidate.orientation))
    one, other = in_one_tone(first, second, ALL)
    other = without_slight_shift(one, other)
    unlike, _, _ = local_differences(one, other, ALL)
    if float(np.median(unlike)) <= MOST_TYPICAL:
        return ""
    return f"the fine detail differs everywhere: it correlates by {candidate.score:.3f}"


def _laid(even: dict[int, Even], candidate: Candidate, axes: Axes) -> Candidate:
    first = even[candidate.first]
    second = np.ascontiguousarray(oriented(even[candidate.second], candidate.orientation))
    if candidate.is_rough:
        smooth = _smooth(first), _smooth(second)
        axes = lay_on(*smooth, axes)
        score = correlation(smooth[0], laid(smooth[1], axes, first.shape))
        if score < ROUGHLY_ALIKE:
            return replace(candidate, axes=axes, score=score)
    if not candidate.is_exact:
        axes = lay_on(first, second, axes)
    return replace(candidate, axes=axes, score=correlation(first, laid(second, axes, first.shape)))


def _smooth(even: Even) -> Even:
    """Without the finest detail, which finds its way over a pixel or two only."""
    return np.asarray(cv2.GaussianBlur(even, (0, 0), SMOOTH_PX), np.float32)


NAMES = list(ORIENTATIONS)
# (8, 4096): where the pixels of a thumbnail come from in each orientation.
ORDERS = np.stack(
    [oriented(np.arange(THUMB_SIDE_PX**2).reshape(THUMB_SIDE_PX, -1), n).ravel() for n in NAMES]
)
SMOOTH_PX = 2.0
ROUGHLY_ALIKE = 0.8
ALL = np.ones((THUMB_SIDE_PX, THUMB_SIDE_PX), np.bool_)
SURELY_ALIKE = 0.98
FINE_ENOUGH_PX = 2 * THUMB_SIDE_PX
# Of the local share of what differs: whole copies reach 0.005, frames of one film begin at 0.011.
MOST_TYPICAL = 0.009
