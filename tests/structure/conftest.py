"""Lines and rings of known width, drawn by asking of every pixel's centre whether it is inside."""

from __future__ import annotations

import numpy as np
import pytest


def _line(size_px, degrees, width_px, length_px, *, shift=(0.0, 0.0)):
    """A line with blunt ends through the middle of a square, turned from the rows of pixels."""
    angle = np.deg2rad(degrees)
    down, right = np.mgrid[:size_px, :size_px] - np.add(size_px / 2, shift)[:, None, None]
    along = down * np.sin(angle) + right * np.cos(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    return (abs(across) < width_px / 2) & (abs(along) < length_px / 2)


def _ring(size_px, radius_px, width_px, *, shift=(0.0, 0.0)):
    """A circle about the middle of a square."""
    down, right = np.mgrid[:size_px, :size_px] - np.add(size_px / 2, shift)[:, None, None]
    return abs(np.hypot(down, right) - radius_px) < width_px / 2


@pytest.fixture(scope="session")
def line():
    """Draws lines."""
    return _line


@pytest.fixture(scope="session")
def ring():
    """Draws rings."""
    return _ring
