"""All geometry of one patch as a single affine map, to be resampled once."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, log, radians, sin, tan

import numpy as np
from numpy.typing import NDArray

from delineate.augment.settings import AugmentSettings
from delineate.core.geometry import Size

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """How a patch lies in its image.

    `centre` is (row, column) in pixels of the image; zoom above 1 shows things larger.
    """

    centre: tuple[float, float]
    is_mirrored: bool = False
    rotation_degrees: float = 0.0
    shear_degrees: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)


def sample_pose(
    rng: np.random.Generator, settings: AugmentSettings, centre: tuple[float, float]
) -> Pose:
    """A random pose about a centre, within the settings."""
    shift_rows, shift_columns = rng.uniform(-settings.shift_px, settings.shift_px, size=2)
    zoom = np.exp(rng.uniform(-1, 1) * log(settings.zoom))
    stretch = np.exp(rng.uniform(-1, 1) * log(settings.stretch) / 2)
    quarter_turns = rng.integers(4)
    return Pose(
        centre=(centre[0] + shift_rows, centre[1] + shift_columns),
        is_mirrored=bool(rng.integers(2)) and (settings.flips or settings.turns),
        rotation_degrees=rng.uniform(-1, 1) * settings.rotation_degrees
        + 90.0 * quarter_turns * settings.turns,
        shear_degrees=rng.uniform(-1, 1) * settings.shear_degrees,
        zoom=(zoom * stretch, zoom / stretch),
    )


def source_matrix(pose: Pose, patch_px: Size) -> Matrix:
    """The (2, 3) map from (x, y, 1) of the patch to (x, y) of the image.

    x is the column, y the row, pixel centres at whole numbers, as OpenCV has them.
    """
    angle = radians(pose.rotation_degrees)
    rotation = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    shear = np.array([[1.0, tan(radians(pose.shear_degrees))], [0.0, 1.0]])
    scale = np.diag([1 / pose.zoom[1], 1 / pose.zoom[0]])
    mirror = np.diag([-1.0 if pose.is_mirrored else 1.0, 1.0])
    linear = rotation @ shear @ scale @ mirror
    patch_centre = np.array([(patch_px[1] - 1) / 2, (patch_px[0] - 1) / 2])
    image_centre = np.array([pose.centre[1], pose.centre[0]])
    return np.column_stack([linear, image_centre - linear @ patch_centre])
