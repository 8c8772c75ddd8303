"""Tones of an image as the methods look at them: smooth, flat, one channel or several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from delineate.classical.method import LevelParameters, Parameters, ToneParameters, Tones
from delineate.core.types import Mask

_LUMA = (0.299, 0.587, 0.114)  # Rec. 601, as everywhere
_CHANNELS = {"red": 0, "green": 1, "blue": 2}
# A Gaussian is cut where it is below a thousandth.
_REACH = 4
# The field of view is found with the rim on which it grows dark; a smoothed photograph's is wider.
_RIM_PX = 4


def prepared_tones(tones: Tones, view: Mask, parameters: LevelParameters) -> Tones:
    """(C, H, W) smoothed, flattened and standardised inside the view."""
    seen = np.stack([_prepared(channel, view, parameters) for channel in tones])
    if not parameters.is_standardised or not view.any():
        return seen
    inside = seen[:, view]
    mean, deviation = inside.mean(axis=1), inside.std(axis=1)
    scaled = (seen - mean[:, None, None]) / np.maximum(deviation, 1e-3)[:, None, None]
    return np.asarray(scaled, np.float32)


def prepared_tone(tones: Tones, view: Mask, parameters: ToneParameters) -> NDArray[np.float32]:
    """(H, W): the one tone that is asked for, smoothed and flattened inside the view."""
    return _prepared(_one(tones, parameters.tone), view, parameters)


def _one(tones: Tones, name: str) -> NDArray[np.float32]:
    if len(tones) > 1 and name == "grey":
        luma: NDArray[np.float32] = np.tensordot(np.array(_LUMA, np.float32), tones, 1)
        return luma
    tone: NDArray[np.float32] = tones[_CHANNELS[name] if len(tones) > 1 else 0]
    return tone


def _prepared(tone: NDArray[np.float32], view: Mask, parameters: Parameters) -> NDArray[np.float32]:
    # What lies outside must not be an edge of its own.
    seen = tone if view.all() else continued(tone, view)
    smooth = _blurred(seen, parameters.smoothing_px) if parameters.smoothing_px else seen
    if parameters.flatten_px:
        smooth = smooth - local_mean(seen, view, parameters.flatten_px)
    return smooth


def continued(tone: NDArray[np.float32], view: Mask) -> NDArray[np.float32]:
    """(H, W): outside the view, and on its rim, the tone of the nearest pixel well inside.

    The rim is neither picture nor surround, and darker than both vessels and what they lie on.
    Where the view touches the frame there is none.

    Source: Soares et al. (2006), who let the aperture of a fundus photograph grow likewise.
    """
    import cv2

    side = 2 * _RIM_PX + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inside = cv2.erode(view.astype(np.uint8), disc)  # beyond the frame all counts as view
    if not inside.any():
        return np.where(view, tone, np.float32(0))
    _, nearest = cv2.distanceTransformWithLabels(
        1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    tone_of = np.zeros(int(nearest.max()) + 1, np.float32)
    tone_of[nearest[inside > 0]] = tone[inside > 0]
    continued: NDArray[np.float32] = tone_of[nearest]
    return continued


def local_mean(tone: NDArray[np.float32], view: Mask, sigma_px: float) -> NDArray[np.float32]:
    """The Gaussian mean of each pixel over those of the view alone.

    Source: Knutsson and Westin (1993), "Normalized and differential convolution".
    """
    if not sigma_px:
        return tone
    if view.all():
        return _blurred(tone, sigma_px)
    weight = _blurred(view.astype(np.float32), sigma_px)
    total = _blurred(np.where(view, tone, np.float32(0)), sigma_px)
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-3)


def _blurred(values: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    import cv2

    side = 2 * max(1, round(_REACH * sigma_px)) + 1
    # A kernel longer than the image sees its mirror image again and again.
    blurred = cv2.GaussianBlur(values, (side, side), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)
