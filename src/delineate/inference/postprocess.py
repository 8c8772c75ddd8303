"""From probability to labels."""

from __future__ import annotations

import cv2
import numpy as np

from delineate.core.types import Labels, Probability
from delineate.metrics.thresholds import decide


def labels_from_probability(
    probability: Probability, *, threshold: float | None, minimum_area_px: int = 0
) -> Labels:
    """Labels (H, W) from (C, H, W), as `delineate.metrics.thresholds.decide` has it.

    Connected objects of a class (8 neighbours) smaller than the minimum become background.
    """
    labels = decide(probability, threshold)
    return without_small_objects(labels, minimum_area_px) if minimum_area_px > 1 else labels


def without_small_objects(labels: Labels, minimum_area_px: int) -> Labels:
    """The labels with objects below the minimum area set to background."""
    kept = labels.copy()
    for index in np.unique(labels[labels > 0]):
        _, objects, facts, _ = cv2.connectedComponentsWithStats(
            (labels == index).astype(np.uint8), connectivity=8
        )
        is_small = facts[:, cv2.CC_STAT_AREA] < minimum_area_px
        is_small[0] = False  # what is not this class
        kept[is_small[objects]] = 0
    return kept
