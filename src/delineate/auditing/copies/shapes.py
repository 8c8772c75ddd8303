"""Candidates for copies by their coarse shapes: of the content, and of the whole picture.

What is bar and what is content can be told differently in two copies: noise hides a bar, and
bars around dark margins make two. So a picture with bars takes part twice, and its whole may be
like another's content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import Axes, Box, box_axes, oriented_box, whole_box
from delineate.auditing.copies.thumbnails import (
    Candidate,
    is_whole,
    picture_box,
    picture_size,
    thumbnail_axes,
)
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.likeness import alike
from delineate.auditing.pictures.orientation import ORIENTATIONS, inverse, oriented_size
from delineate.auditing.pictures.signature import SIDE, THUMB_SIDE_PX, cut_lines
from delineate.core.progress import Progress

# Correlations of 11 x 11 block means: what tone curves, compression and resizing leave.
AT_LEAST = 0.95
MOST = 30  # candidates a picture; photographs of one organ are all alike in shape
NEAR_SHARE = 0.03


def alike_in_shape(
    gallery: Gallery, positions: Sequence[int], progress: Progress
) -> Iterator[Candidate]:
    """Pairs of these pictures whose contents or wholes have nearly the same shape."""
    framed = [p for p in positions if not is_whole(gallery, p)]
    places = [*positions, *framed]
    pool = replace(
        gallery,
        samples=tuple(gallery.samples[p] for p in places),
        shapes=np.concatenate(
            [gallery.shapes[list(positions)], *(whole_shape(gallery, p)[None] for p in framed)]
        ),
    )
    names = list(ORIENTATIONS)
    found = alike(pool, at_least=AT_LEAST, progress=progress)
    columns = (found.first, found.second, found.orientation, found.correlation)
    # The most alike come first, and copies are among them.
    for first, second, name, score in islice(zip(*columns, strict=True), MOST * len(places)):
        ends = sorted([(places[first], first), (places[second], second)])
        if ends[0][0] != ends[1][0]:
            wholes = [place >= len(positions) for _, place in ends]
            # Every orientation but the two quarter turns is its own inverse.
            is_swapped = ends[0][1] != first
            orientation = inverse(names[name]) if is_swapped else names[name]
            candidate = Candidate(ends[0][0], ends[1][0], orientation, float(score))
            yield _placed(gallery, candidate, wholes)


def whole_shape(gallery: Gallery, position: int) -> NDArray[np.float16]:
    """(121,): the block means of the whole picture, of mean 0 and norm 1; 0 for a flat one."""
    height, width = picture_size(gallery, position)
    areas = np.outer(np.diff(cut_lines(height)), np.diff(cut_lines(width))).ravel()
    means = gallery.sums[position].astype(np.float64) / np.maximum(areas, 1)
    means -= means.mean()
    norm = float(np.linalg.norm(means))
    return np.asarray(means / norm if norm > 1e-3 * SIDE else 0 * means, dtype=np.float16)


def _placed(gallery: Gallery, candidate: Candidate, wholes: Sequence[bool]) -> Candidate:
    """With the axes that lay the boxes which were alike on each other.

    Where contents and wholes lead to the same axes and sizes are equal, the wholes are exact.
    """
    if is_whole(gallery, candidate.first) and is_whole(gallery, candidate.second):
        return candidate
    whole = _axes(gallery, candidate, (True, True))
    if any(wholes) and not all(wholes):
        return replace(candidate, axes=_axes(gallery, candidate, wholes))
    content = _axes(gallery, candidate, (False, False))
    corners = np.array([[0, 0, 1], [THUMB_SIDE_PX, THUMB_SIDE_PX, 1]])
    if np.abs(corners @ (whole - content).T).max() < NEAR_SHARE * THUMB_SIDE_PX or all(wholes):
        return replace(candidate, axes=whole, is_exact=_are_of_one_size(gallery, candidate))
    return replace(candidate, axes=content)


def _are_of_one_size(gallery: Gallery, candidate: Candidate) -> bool:
    second = picture_size(gallery, candidate.second)
    return picture_size(gallery, candidate.first) == oriented_size(second, candidate.orientation)


def _axes(gallery: Gallery, candidate: Candidate, wholes: Sequence[bool]) -> Axes:
    """Between the thumbnails, so that the wholes or contents lie on each other."""
    first = _box(gallery, candidate.first, wholes[0])
    second = _box(gallery, candidate.second, wholes[1])
    size = picture_size(gallery, candidate.second)
    there = box_axes(first, oriented_box(second, candidate.orientation, size))
    return thumbnail_axes(gallery, candidate, there)


def _box(gallery: Gallery, position: int, is_all: bool) -> Box:
    size = picture_size(gallery, position)
    return whole_box(size) if is_all else picture_box(gallery, position)
