"""Where a photograph ends and the black around it begins."""

from __future__ import annotations

import cv2
import numpy as np

from delineate.core.types import Image, Mask, Probability

# Darker than this share of the bright end (99th percentile of the brightest channel).
_DARK_SHARE = 0.15
# The rim is darker than the rest; what is found is grown by this.
_RIM_PX = 2
# With less black than this around it an image fills its frame.
_SMALLEST_BORDER_SHARE = 0.01


def field_of_view(image: Image) -> Mask | None:
    """(H, W), False on the dark that is connected with the frame; None where there is none.

    Fundus cameras, endoscopes and ultrasound probes see a disc or a sector; the rest of
    the frame is black. Dark places inside the picture stay part of it.
    """
    brightest = image.max(axis=2).astype(np.float32)
    is_dark = brightest < _DARK_SHARE * np.percentile(brightest, 99)
    _, parts = cv2.connectedComponents(is_dark.astype(np.uint8), connectivity=4)
    frame = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    touching = np.setdiff1d(np.unique(frame), [0])
    is_outside = np.isin(parts, touching)
    if is_outside.mean() < _SMALLEST_BORDER_SHARE:
        return None
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1, 2 * _RIM_PX + 1))
    return cv2.dilate((~is_outside).astype(np.uint8), disc) > 0


def agrees(found: Mask | None, region: Mask) -> bool:
    """Whether the field of view can stand for a given region: it holds it, and little more."""
    if found is None:
        return False
    held = (found & region).sum() / max(region.sum(), 1)
    return bool(held >= 0.995 and (found & region).sum() / max((found | region).sum(), 1) >= 0.95)


def background_outside(probability: Probability, image: Image) -> Probability:
    """The (C, H, W) probability with nothing but background outside the field of view."""
    view = field_of_view(image)
    if view is None:
        return probability
    outside = np.zeros((len(probability), 1, 1), np.float32)
    if len(probability) > 1:
        outside[0] = 1.0
    return np.where(view, probability, outside)
