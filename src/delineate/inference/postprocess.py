"""From probability to labels."""

from __future__ import annotations

import cv2
import numpy as np

from delineate.core.overlapping import classes_in, code, is_class
from delineate.core.types import Labels, Probability
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
    for index in classes_in(labels, is_overlapping=is_overlapping):
        here = is_class(labels, index, is_overlapping=is_overlapping)
        _, objects, facts, _ = cv2.connectedComponentsWithStats(
            here.astype(np.uint8), connectivity=8
        )
        is_small = facts[:, cv2.CC_STAT_AREA] < minimum_area_px
        is_small[0] = False  # what is not this class
        kept[is_small[objects]] &= np.uint8(~code(index) & 0xFF if is_overlapping else 0)
    return kept
