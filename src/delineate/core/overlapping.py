"""Classes that overlap, in one array: a bit of its own for each of them.

A pixel of classes 1 and 3 has the code 0b101; 0 belongs to none; `IGNORE` stays what it is. So
labels of overlapping classes are resized, turned and cut like any others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from delineate.core.errors import SettingsError
from delineate.core.types import IGNORE, DrawnObject, LabelClass, Labels, Mask

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


def require_codes(classes: Sequence[LabelClass], where: object) -> None:
    """Nothing, where there are as few classes as codes are kept for.

    Raises:
        SettingsError: naming how many there are.
    """
    count = max((each.index for each in classes if each.index != IGNORE), default=0)
    if count > MOST_CLASSES:
        raise SettingsError(
            f"{where}: expected at most {MOST_CLASSES} classes that overlap, found {count}; leave "
            "some out of the data, or read it without --overlapping: what was drawn later then "
            "lies above"
        )


def topmost(labels: Labels) -> Labels:
    """(H, W) the highest class of each pixel of codes, for pictures; `IGNORE` stays.

    Examples:
        >>> topmost(np.array([[0, 0b1, 0b101, IGNORE]], np.uint8)).tolist()
        [[0, 1, 3, 255]]
    """
    return _TOPMOST[labels]


def codes_of(labels: Labels) -> Labels:
    """Codes of class indices, each pixel of one class at most.

    Examples:
        >>> codes_of(np.array([[0, 1, 3, IGNORE]], np.uint8)).tolist()
        [[0, 1, 4, 255]]
    """
    return _CODES[labels]


def _codes() -> Labels:
    """From class index to its code; what no code is kept for stays a number that none means."""
    table = np.full(256, 1 << MOST_CLASSES, np.uint8)
    table[0], table[IGNORE] = 0, IGNORE
    for index in range(1, MOST_CLASSES + 1):
        table[index] = code(index)
    return table


def _highest() -> Labels:
    table = np.array([number.bit_length() for number in range(256)], np.uint8)
    table[IGNORE] = IGNORE
    return table


_CODES = _codes()
_TOPMOST = _highest()


def classes_in(labels: Labels, *, is_overlapping: bool) -> tuple[int, ...]:
    """The foreground classes that labels hold, in their order, under either meaning of labels."""
    held = np.flatnonzero(np.bincount(labels.ravel(), minlength=1))
    held = held[(held != 0) & (held != IGNORE)]
    if not is_overlapping:
        return tuple(int(each) for each in held)
    bits = int(np.bitwise_or.reduce(held, initial=0))
    return tuple(index for index in range(1, MOST_CLASSES + 1) if bits & code(index))


def painted(objects: Iterable[DrawnObject], size: tuple[int, int]) -> Labels:
    """Labels of objects in the order in which they were drawn: the later lies above."""
    labels = np.zeros(size, np.uint8)
    for each in objects:
        labels[each.mask] = each.label
    return labels


def coded(objects: Iterable[DrawnObject], size: tuple[int, int]) -> Labels:
    """Codes of objects that may overlap; what is to be ignored is ignored for every class.

    An object of background leaves nothing of those below it, as in `painted`.
    """
    labels = np.zeros(size, np.uint8)
    ignored = np.zeros(size, np.bool_)
    for each in objects:
        if each.label == IGNORE:
            ignored |= each.mask
        elif each.label == 0:
            labels[each.mask] = 0
        else:
            labels[each.mask] |= np.uint8(code(each.label))
    labels[ignored] = IGNORE
    return labels
