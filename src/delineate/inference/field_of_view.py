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
    return _grown(~is_outside, _RIM_PX)


def agrees(found: Mask | None, region: Mask) -> bool:
    """Whether the field of view can stand for a given region.

    It holds 99.5 % of it, and but for a rim of 6 px hardly anything else.
    """
    if found is None or not region.any():
        return False
    held = (found & region).sum() / region.sum()
    beyond = (found & ~_grown(region, 3 * _RIM_PX)).sum() / region.sum()
    return bool(held >= 0.995 and beyond <= 0.01)


def _grown(mask: Mask, radius_px: int) -> Mask:
    side = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def background_outside(
    probability: Probability, image: Image, *, is_overlapping: bool = False
) -> Probability:
    """The (C, H, W) probability with nothing but background outside the field of view.

    Of classes that overlap no channel is the background.
    """
    view = field_of_view(image)
    if view is None:
        return probability
    outside = np.zeros((len(probability), 1, 1), np.float32)
    if len(probability) > 1 and not is_overlapping:
        outside[0] = 1.0
    return np.where(view, probability, outside)
