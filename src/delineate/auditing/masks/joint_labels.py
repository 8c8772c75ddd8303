"""Several label maps of one grid at once: which labels meet on how many pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SizeMismatchError
from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE, Labels


@dataclass(frozen=True)
class JointLabels:
    """What n label maps say, pixel by pixel, counted.

    `labels` (T, n) uint8 has a row for each combination that occurs on pixels that every map
    knows, `pixels` (T,) int64 how many pixels have it. What any map ignores is left out.
    """

    labels: NDArray[np.uint8]
    pixels: NDArray[np.int64]
    is_overlapping: bool = False

    @property
    def compared_px(self) -> int:
        """How many pixels every map knows."""
        return int(self.pixels.sum())

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes that any of the maps holds there, without background."""
        return classes_in(self.labels, is_overlapping=self.is_overlapping)

    def holds(self, index: int) -> NDArray[np.bool_]:
        """(T, n) which maps have a class in which combination."""
        return is_class(self.labels, index, is_overlapping=self.is_overlapping)


def joint_labels(labels: Sequence[Labels], *, is_overlapping: bool = False) -> JointLabels:
    """The combinations of labels of these (H, W) maps.

    Raises:
        SizeMismatchError: label maps of different shapes.
    """
    sizes = [f"{each.shape[0]}x{each.shape[1]}" for each in labels]
    if len(set(sizes)) > 1:
        raise SizeMismatchError(
            f"masks: expected one size, found {' and '.join(dict.fromkeys(sizes))} px "
            "(height x width); lay them on one grid"
        )
    # Outside of the box around all that is no background, nothing needs counting.
    box = box_of(np.bitwise_or.reduce([np.asarray(each) for each in labels]))
    inside = [each[box].ravel() for each in labels]
    kinds, counts = _combinations(inside)
    background = int(np.flatnonzero(~kinds.any(axis=1))[0])
    counts[background] += labels[0].size - inside[0].size
    kept = (kinds != IGNORE).all(axis=1) & (counts > 0)
    return JointLabels(kinds[kept], counts[kept], is_overlapping)


def box_of(array: NDArray[np.uint8], margin_px: int = 0) -> tuple[slice, slice]:
    """Rows and columns of the smallest box that holds all that is not 0, and a margin."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(array))
    rows = slice(max(0, top - margin_px), top + height + margin_px)
    return rows, slice(max(0, left - margin_px), left + width + margin_px)


def _combinations(
    flat: Sequence[NDArray[np.uint8]],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(T, n) combinations and how often each occurs; that of background alone is always there."""
    codes = np.zeros(flat[0].size, dtype=np.int64)
    kinds = np.zeros((1, 0), dtype=np.uint8)
    for each in flat:  # one map after the other, so that codes stay small and are counted
        codes = codes * 256 + each
        counts = np.bincount(codes, minlength=256 * len(kinds))
        counts[0] += 1
        present = np.flatnonzero(counts)
        kinds = np.column_stack([kinds[present // 256], (present % 256).astype(np.uint8)])
        places = np.empty(len(counts), dtype=np.int64)
        places[present] = np.arange(len(present))
        codes = places[codes]
    return kinds, np.bincount(codes, minlength=len(kinds)).astype(np.int64)
