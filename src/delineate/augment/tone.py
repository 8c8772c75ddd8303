"""Changes of brightness, contrast and texture, on unit images."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.augment.settings import AugmentSettings

# Below that a Gaussian is a single pixel.
SMALLEST_BLUR_PX = 0.2


@dataclass(frozen=True)
class Tone:
    """The numbers of one change; the defaults change nothing."""

    gamma: float = 1.0
    contrast: float = 1.0
    brightness: tuple[float, ...] = (0.0,)
    blur_px: float = 0.0
    speckle: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0


def sample_tone(rng: np.random.Generator, settings: AugmentSettings, channels: int) -> Tone:
    """A random tone within the settings, each part with its own chance."""
    is_on = rng.random(7) < settings.tone_chance
    level = rng.uniform(-1, 1, size=6)
    by_channel = rng.uniform(-1, 1, size=channels) * settings.colour * is_on[3]
    shared = level[2] * settings.brightness * is_on[2]
    return Tone(
        gamma=float(np.exp(level[0] * log(settings.gamma) * is_on[0])),
        contrast=float(np.exp(level[1] * log(settings.contrast) * is_on[1])),
        brightness=tuple(float(shared + one) for one in by_channel),
        blur_px=float(abs(level[3]) * settings.blur_px * is_on[4]),
        speckle=float(abs(level[4]) * settings.speckle * is_on[5]),
        noise=float(abs(level[5]) * settings.noise * is_on[6]),
        noise_seed=int(rng.integers(2**31)),
    )


def apply_tone(tone: Tone, patch: NDArray[np.float32]) -> NDArray[np.float32]:
    """The (H, W, C) float32 patch in the new tone; values 0 to 1 keep to that range."""
    if tone.gamma != 1.0:
        patch = np.clip(patch, 0.0, 1.0) ** np.float32(tone.gamma)
    if tone.contrast != 1.0 or any(tone.brightness):
        mean = patch.mean(axis=(0, 1), dtype=np.float32)
        patch = (
            (patch - mean) * np.float32(tone.contrast)
            + mean
            + np.asarray(tone.brightness, np.float32)
        )
    if tone.blur_px > SMALLEST_BLUR_PX:
        blurred = cv2.GaussianBlur(patch, (0, 0), tone.blur_px)
        patch = np.asarray(blurred, np.float32).reshape(patch.shape)
    if tone.speckle or tone.noise:
        grains = np.random.default_rng(tone.noise_seed)
        shape = patch.shape
        if tone.speckle:
            patch = patch * (1 + tone.speckle * grains.standard_normal(shape, np.float32))
        if tone.noise:
            patch = patch + np.float32(tone.noise) * grains.standard_normal(shape, np.float32)
    return np.clip(patch, 0.0, 1.0).astype(np.float32, copy=False)
