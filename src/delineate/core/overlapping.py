"""Classes that overlap, in one array: a bit of its own for each of them.

A pixel of classes 1 and 3 has the code 0b101; 0 belongs to none; `IGNORE` stays what it is. So
labels of overlapping classes are resized, turned and cut like any others.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from delineate.core.types import IGNORE, DrawnObject, Labels, Mask

# The eighth bit is kept for `IGNORE`.
MOST_CLASSES = 7


def code(index: int) -> int:
    """The code of one class, counted from 1, alone.

    Examples:
        >>> code(1), code(3)
        (1, 4)
    """
    return 1 << (index - 1)


def is_class(labels: Labels, index: int, *, is_overlapping: bool) -> Mask:
    """(H, W) whether a pixel belongs to a class, under either meaning of labels."""
    if not is_overlapping:
        return np.asarray(labels == index)
    return np.asarray(((labels & code(index)) != 0) & (labels != IGNORE))


def painted(objects: Iterable[DrawnObject], size: tuple[int, int]) -> Labels:
    """Labels of objects in the order in which they were drawn: the later lies above."""
    labels = np.zeros(size, np.uint8)
    for each in objects:
        labels[each.mask] = each.label
    return labels


def coded(objects: Iterable[DrawnObject], size: tuple[int, int]) -> Labels:
    """Codes of objects that may overlap; what is to be ignored is ignored for every class."""
    labels = np.zeros(size, np.uint8)
    ignored = np.zeros(size, np.bool_)
    for each in objects:
        if each.label == IGNORE:
            ignored |= each.mask
        else:
            labels[each.mask] |= np.uint8(code(each.label))
    labels[ignored] = IGNORE
    return labels
