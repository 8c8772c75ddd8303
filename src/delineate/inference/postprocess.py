"""From probability to labels."""

from __future__ import annotations

import cv2
import numpy as np

from delineate.core.overlapping import MOST_CLASSES, code, is_class
from delineate.core.types import IGNORE, Labels, Probability
from delineate.metrics.thresholds import Cut, decide


def labels_from_probability(
    probability: Probability, *, threshold: Cut, minimum_area_px: int = 0
) -> Labels:
    """Labels (H, W) from (C, H, W), as `delineate.metrics.thresholds.decide` has it.

    Connected objects of a class (8 neighbours) smaller than the minimum are taken away.
    """
    labels = decide(probability, threshold)
    is_overlapping = isinstance(threshold, tuple)
    return without_small_objects(labels, minimum_area_px, is_overlapping=is_overlapping)


def without_small_objects(
    labels: Labels, minimum_area_px: int, *, is_overlapping: bool = False
) -> Labels:
    """The labels without objects below the minimum area.

    What was such an object becomes background; of classes that overlap a pixel keeps the others.
    """
    if minimum_area_px <= 1:
        return labels
    kept = labels.copy()
    for index in _classes_in(labels, is_overlapping=is_overlapping):
        here = is_class(labels, index, is_overlapping=is_overlapping)
        _, objects, facts, _ = cv2.connectedComponentsWithStats(
            here.astype(np.uint8), connectivity=8
        )
        is_small = facts[:, cv2.CC_STAT_AREA] < minimum_area_px
        is_small[0] = False  # what is not this class
        kept[is_small[objects]] &= np.uint8(~code(index) & 0xFF if is_overlapping else 0)
    return kept


def _classes_in(labels: Labels, *, is_overlapping: bool) -> list[int]:
    held = [int(each) for each in np.unique(labels) if each not in (0, IGNORE)]
    if not is_overlapping:
        return held
    bits = int(np.bitwise_or.reduce(np.array([0, *held])))
    return [index for index in range(1, MOST_CLASSES + 1) if bits & code(index)]
