"""Candidates for copies by their coarse shapes: of the content, and of the whole picture.

What is bar and what is content can be told differently in two copies: noise hides a bar, and
bars around dark margins make two. So a picture with bars takes part twice, and its whole may be
like another's content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from delineate.audit.alignment import Axes, Box, box_axes, oriented_box, whole_box
from delineate.audit.gallery import Gallery
from delineate.audit.likeness import alike
from delineate.audit.orientation import ORIENTATIONS, inverse
from delineate.audit.signature import SIDE, cut_lines
from delineate.audit.thumbnails import (
    Candidate,
    is_whole,
    picture_box,
    picture_size,
    thumbnail_axes,
)
from delineate.core.progress import Progress

# Correlations of 11 x 11 block means: what tone curves, compression and resizing leave.
AT_LEAST = 0.95


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
    for first, second, name, score in zip(
        found.first, found.second, found.orientation, found.correlation, strict=True
    ):
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
    """With the axes that lay the boxes which were alike on each other; None for contents."""
    if not any(wholes):
        return candidate
    first = _box(gallery, candidate.first, wholes[0])
    size = picture_size(gallery, candidate.second)
    second = oriented_box(_box(gallery, candidate.second, wholes[1]), candidate.orientation, size)
    axes: Axes = thumbnail_axes(gallery, candidate, box_axes(first, second))
    return replace(candidate, axes=axes)


def _box(gallery: Gallery, position: int, is_all: bool) -> Box:
    size = picture_size(gallery, position)
    return whole_box(size) if is_all else picture_box(gallery, position)
