"""Where a classifier looked, drawn over its image."""

from __future__ import annotations

from functools import cache

import matplotlib
import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SettingsError, SizeMismatchError
from delineate.core.types import HeatMap, Image
from delineate.report.display import Rgb, to_rgb
from delineate.report.overlays import LUMINANCE

# Lightness rises evenly from black to pale yellow, so that it reads without hue too.
COLOUR_MAP = "inferno"
# The image below is grey, for colours of its own would be read as heat, and this bright.
BACKDROP = 0.8
# How much of the image the hottest places hide.
OPACITY = 0.6
HEAT_WORDS = (
    "the warmer, the more a place speaks for something to be found, as a share of the most in "
    "this image; it says where the network looked, not where anything lies"
)


def heat_map_overlay(image: Image, heat: HeatMap) -> Rgb:
    """The heat map over the image in grey, (H, W, 3) uint8 at native size.

    Cold places show the image as it is, the hotter the less: colours are those of the map, from
    dark violet over red to pale yellow.

    Raises:
        SizeMismatchError: image and heat map differ in size.
        SettingsError: heat that is not from 0 to 1.
    """
    canvas = to_rgb(image).astype(np.float32)
    if heat.shape != canvas.shape[:2]:
        raise SizeMismatchError(
            f"heat: expected the size of the image, {canvas.shape[0]} x {canvas.shape[1]} (height "
            f"x width), found {' x '.join(map(str, heat.shape))}; give both at native size"
        )
    if not ((heat >= 0) & (heat <= 1)).all():
        raise SettingsError(
            f"heat: expected numbers from 0 to 1, found {heat.min():g} to {heat.max():g}; divide "
            "the map by its maximum"
        )
    grey = (canvas @ LUMINANCE)[..., None] * np.float32(BACKDROP)
    hidden = OPACITY * heat[..., None]
    colours = _colours()[np.rint(heat * 255).astype(np.uint8)]
    drawn: Rgb = np.rint(grey * (1 - hidden) + colours * hidden).astype(np.uint8)
    return drawn


@cache
def _colours() -> NDArray[np.float32]:
    """256 colours (256, 3) from cold to hot, 0 to 255."""
    table = matplotlib.colormaps[COLOUR_MAP](np.arange(256))[:, :3]
    return (255 * table).astype(np.float32)
