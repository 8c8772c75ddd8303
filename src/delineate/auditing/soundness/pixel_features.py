"""What a small model may look at in a pixel: tones at several widths, texture, colour, place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.seeds import stream
from delineate.core.types import Image

Features = NDArray[np.float32]

# Images are looked at as squares of this side, and told apart in cells of this grid.
SIDE_PX, GRID = 256, 64
_WIDTHS_PX = (1.0, 3.0, 8.0, 20.0)
_COLOUR_WIDTH_PX, _TEXTURE_WIDTH_PX = 3.0, 8.0
# Ramps of random mixtures: a linear model of them bends as a small network does.
_RAMPS = 128
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def pixel_features(image: Image) -> Features:
    """(cells, features) of an image stretched to a square; every column has mean 0 and spread 1.

    A column that is the same everywhere, such as the colour of a grey image, is 0.
    """
    pixels = image.astype(np.float32)
    # Squares of fill values such as -3e38 would be infinite.
    pixels /= max(float(np.abs(pixels).max()), 1e-30)
    colours = pixels if pixels.shape[2] == 3 else np.repeat(pixels[..., :1], 3, axis=2)
    square = cv2.resize(colours, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    colours = np.asarray(square, np.float32)
    red, green, blue = np.moveaxis(colours, 2, 0)
    tone = _standard(colours @ _LUMA)
    blurred = [cv2.GaussianBlur(tone, (0, 0), width) for width in _WIDTHS_PX]
    sharper = [tone, *blurred[:-1]]
    bands = [fine - coarse for fine, coarse in zip(sharper, blurred, strict=True)]
    texture = cv2.GaussianBlur(tone**2, (0, 0), _TEXTURE_WIDTH_PX)
    texture = np.sqrt(np.maximum(texture - blurred[2] ** 2, 0))
    tints = [
        cv2.GaussianBlur(_standard(each - green), (0, 0), _COLOUR_WIDTH_PX) for each in (red, blue)
    ]
    maps = [*bands[1:], blurred[-1], *(np.abs(band) for band in bands[:3]), texture, *tints]
    cells = [_standard(in_cells(each)).ravel() for each in maps]
    return np.stack(cells, axis=1).astype(np.float32)


def in_cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of a map in each cell of the grid, the map stretched to a square."""
    return np.asarray(cv2.resize(values, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)


def with_ramps(features: Features) -> Features:
    """The features with the place in the image, ramps of random mixtures, and a constant."""
    base = np.concatenate([features, _places()], axis=1)
    rng = stream(0, "ramps", base.shape[1])
    mixtures = rng.normal(0, 1.5 / np.sqrt(base.shape[1]), (base.shape[1], _RAMPS))
    bent = np.maximum(base @ mixtures.astype(np.float32) + rng.uniform(-1, 1, _RAMPS), 0)
    constant = np.ones((len(base), 1), np.float32)
    return np.concatenate([base, bent, constant], axis=1).astype(np.float32)


def _places() -> Features:
    """Row and column from -1 to 1, their squares and their product."""
    line = np.linspace(-1, 1, GRID, dtype=np.float32)
    row, column = (each.ravel() for each in np.meshgrid(line, line, indexing="ij"))
    return np.stack([row, column, row**2, column**2, row * column], axis=1)


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = float(values.std())
    middle = values - float(values.mean())
    return np.asarray(middle / spread if spread > 1e-6 else middle * 0, np.float32)
