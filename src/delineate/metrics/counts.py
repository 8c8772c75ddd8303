"""Pixels counted by what truth and prediction say of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SizeMismatchError
from delineate.core.types import Labels, Mask


@dataclass(frozen=True)
class Counts:
    """True and false positives and negatives, in pixels.

    Examples:
        >>> Counts(tp=2, fp=1, fn=0, tn=5) + Counts(tp=1, fp=0, fn=0, tn=0)
        Counts(tp=3, fp=1, fn=0, tn=5)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together, as if their pixels were one image."""
        return Counts(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    @property
    def truth_px(self) -> int:
        """Foreground pixels of the truth."""
        return self.tp + self.fn

    @property
    def prediction_px(self) -> int:
        """Foreground pixels of the prediction."""
        return self.tp + self.fp

    @property
    def total_px(self) -> int:
        """All pixels that were counted."""
        return self.tp + self.fp + self.fn + self.tn

    def as_array(self) -> NDArray[np.int64]:
        """(4,): tp, fp, fn, tn, the order of `delineate.metrics.overlap.RATIOS`."""
        return np.array(astuple(self), dtype=np.int64)


def count(truth: Mask, prediction: Mask, region: Mask | None = None) -> Counts:
    """What the two masks have in common and what not, inside the region where one is given.

    All arrays are (H, W) bool, or any other one shape.

    Raises:
        SizeMismatchError: The arrays differ in shape.
        TypeError: An array is not boolean, so that its foreground would be a guess.
    """
    arrays = {"truth": truth, "prediction": prediction}
    if region is not None:
        arrays["region"] = region
    for name, array in arrays.items():
        if array.dtype != np.bool_:
            raise TypeError(
                f"{name}: expected a boolean mask, found {array.dtype}; compare labels with a class"
            )
        if array.shape != truth.shape:
            raise SizeMismatchError(
                f"{name}: expected the shape of the truth {truth.shape}, found {array.shape}; "
                "score at the native size of the truth"
            )
    if region is not None:
        truth, prediction = truth[region], prediction[region]
    tp = int(np.count_nonzero(truth & prediction))
    fp = int(np.count_nonzero(prediction)) - tp
    fn = int(np.count_nonzero(truth)) - tp
    return Counts(tp, fp, fn, truth.size - tp - fp - fn)


def confusion(truth: Labels, prediction: Labels, class_count: int) -> NDArray[np.int64]:
    """(K, K) pixels by true class (row) and predicted class (column).

    Both are class indices below `class_count`, of one shape, without the ignore label.
    """
    pairs = truth.ravel().astype(np.int64) * class_count + prediction.ravel()
    return np.bincount(pairs, minlength=class_count**2).reshape(class_count, class_count)


def one_against_rest(matrix: NDArray[np.int64], label: int) -> Counts:
    """The counts of one class, every other class being background.

    Examples:
        >>> one_against_rest(np.array([[5, 1], [2, 3]]), 1)
        Counts(tp=3, fp=1, fn=2, tn=5)
    """
    tp = int(matrix[label, label])
    fp = int(matrix[:, label].sum()) - tp
    fn = int(matrix[label].sum()) - tp
    return Counts(tp, fp, fn, int(matrix.sum()) - tp - fp - fn)
