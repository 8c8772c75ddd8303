"""How much each pixel counts so that touching objects come apart, from labels alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.types import IGNORE

# Where the two distances add to 5 sigma, exp(-12.5) of `w0` is left.
_REACH_SIGMAS = 5.0


def border_weights(
    labels: NDArray[np.integer], *, w0: float = 10.0, sigma_px: float = 5.0
) -> NDArray[np.float32]:
    """w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2)) of labels (N, H, W), 0 at ignored pixels.

    d1 and d2 are a background pixel's distances to the nearest pixels of the nearest and the
    second nearest object; other pixels, and images with fewer than two objects, have no second
    term. Objects are the connected parts of each foreground class; parts that meet at a corner
    are two, so that a slanting gap one pixel wide parts them. Objects of one class without a gap
    are one object: such labels need the gap drawn first. Sums of distances beyond five
    `sigma_px` weigh nothing, less than 4e-6 of `w0` each.

    w_c makes all classes that the labels hold weigh the same in sum, and is 1 on average over
    the pixels that count.

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597, equation 2, with their `w0`
    and `sigma_px`. Differs: they balance by the frequencies of the training set without saying
    how; here by those of the given labels, together and not each image by itself, where one
    small object would outweigh all others.
    """
    weights = _class_weights(labels)
    for weight, each in zip(weights, labels, strict=True):
        sums_px = _sum_of_distances_px(each, ceil(_REACH_SIGMAS * sigma_px))
        weight += w0 * np.exp(-(sums_px**2) / (2 * sigma_px**2))
    return weights


def _class_weights(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    counts_px = np.bincount(labels.ravel(), minlength=IGNORE + 1)
    counts_px[IGNORE] = 0
    is_held = counts_px > 0
    table = np.zeros(len(counts_px), np.float32)
    table[is_held] = counts_px.sum() / (is_held.sum() * counts_px[is_held])
    weights: NDArray[np.float32] = table[labels]
    return weights


def _sum_of_distances_px(labels: NDArray[np.integer], reach_px: int) -> NDArray[np.float32]:
    """d1 + d2 of background pixels (H, W), infinite beyond the reach and at all other pixels."""
    nearest = np.full(labels.shape, np.inf, np.float32)
    second = nearest.copy()
    for window, is_object in _objects(labels, reach_px):
        distance = cv2.distanceTransform(
            (~is_object).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        farther = np.maximum(nearest[window], distance)
        np.minimum(second[window], farther, out=second[window])
        np.minimum(nearest[window], distance, out=nearest[window])
    # OpenCV's roots differ in their last digit with where an array happens to lie in memory;
    # of whole squares they do not, so that equal labels have equal weights in every run.
    sums_px = np.sqrt(np.rint(nearest**2)) + np.sqrt(np.rint(second**2))
    return np.where(labels == 0, sums_px, np.float32(np.inf))


def _objects(
    labels: NDArray[np.integer], reach_px: int
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Each object in a window that reaches so far beyond it."""
    for index in np.flatnonzero(np.bincount(labels.ravel())):
        if index in (0, IGNORE):
            continue
        is_class = (labels == index).astype(np.uint8)
        count, parts, boxes, _ = cv2.connectedComponentsWithStats(is_class, connectivity=4)
        for part in range(1, count):
            left, top, width, height = boxes[part, :4]
            rows = slice(max(0, top - reach_px), top + height + reach_px)
            columns = slice(max(0, left - reach_px), left + width + reach_px)
            yield (rows, columns), parts[rows, columns] == part
