"""One mask out of several of the same picture: union, intersection, majority."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.masks.contradictions import laid, snapped
from delineate.auditing.review.decisions import INTERSECTION, UNION
from delineate.core.overlapping import classes_in, code, is_class
from delineate.core.types import IGNORE, Labels


def merged(labels: Sequence[Labels], rule: str, *, is_overlapping: bool = False) -> Labels:
    """(H, W) one mask of several on one grid, by `union`, `intersection` or `majority`.

    Masks that know nothing of a pixel have no vote on it; it stays unknown where none knows.
    Where votes are even, a majority is background. Where masks give different classes, a
    union takes the class that most of them give, and of equally many that of the first mask.
    Classes that overlap are merged each for itself.

    Examples:
        >>> one, other = np.array([[1, 1, 0]], np.uint8), np.array([[0, 1, 0]], np.uint8)
        >>> [merged([one, other], rule).tolist() for rule in ("union", "intersection", "majority")]
        [[[1, 1, 0]], [[0, 1, 0]], [[0, 1, 0]]]
    """
    stack = np.stack(labels)
    if is_overlapping:
        return _merged_codes(stack, rule)
    known = np.count_nonzero(stack != IGNORE, axis=0)
    classes = np.array([c for c in np.unique(stack) if c not in (0, IGNORE)], dtype=np.uint8)
    result = np.zeros(stack.shape[1:], dtype=np.uint8)
    if classes.size:
        votes = np.stack([np.count_nonzero(stack == c, axis=0) for c in classes])
        best, most = classes[votes.argmax(axis=0)], votes.max(axis=0)
        if rule == UNION:
            result = _union(stack, classes, votes)
        elif rule == INTERSECTION:
            result = np.where(most == known, best, result)
        else:
            background = np.count_nonzero(stack == 0, axis=0)
            is_single = np.count_nonzero(votes == most, axis=0) == 1
            result = np.where((most > background) & is_single, best, result)
    result[known == 0] = IGNORE
    return result


def on_grid_of(
    place: int, labels: Sequence[Labels], matrices: Sequence[Sequence[float]]
) -> list[Labels]:
    """All masks laid on the grid of one of them, that one as it is.

    `matrices` take pixel centres (column, row) of the first picture to those of each, as a
    `TwinGroup` has them. What a mask does not show is `IGNORE`.
    """
    here = np.linalg.inv(_square(matrices[place]))
    size_px = (labels[place].shape[0], labels[place].shape[1])
    return [
        labels[place]
        if k == place
        else laid(each, snapped((_square(m) @ here)[:2], size_px)[0], size_px)
        for k, (each, m) in enumerate(zip(labels, matrices, strict=True))
    ]


def _merged_codes(stack: Labels, rule: str) -> Labels:
    known = np.count_nonzero(stack != IGNORE, axis=0)
    result = np.zeros(stack.shape[1:], dtype=np.uint8)
    for index in classes_in(stack, is_overlapping=True):
        votes = np.count_nonzero(is_class(stack, index, is_overlapping=True), axis=0)
        if rule == UNION:
            is_held = votes > 0
        else:
            is_held = votes == known if rule == INTERSECTION else 2 * votes > known
        result[is_held & (known > 0)] |= np.uint8(code(index))
    result[known == 0] = IGNORE
    return result


def _union(stack: Labels, classes: NDArray[np.uint8], votes: NDArray[np.intp]) -> Labels:
    result = np.zeros(stack.shape[1:], dtype=np.uint8)
    most = votes.max(axis=0)
    # From the last mask to the first, so that the first has the last word.
    for own in stack[::-1]:
        for index, count in zip(classes, votes, strict=True):
            result[(own == index) & (count == most)] = index
    return result


def _square(matrix: Sequence[float]) -> NDArray[np.float64]:
    """(3, 3) of the six numbers of a (2, 3) map."""
    return np.vstack([np.array(matrix, dtype=np.float64).reshape(2, 3), [0.0, 0.0, 1.0]])
