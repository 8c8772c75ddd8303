"""Phantoms whose classes overlap: an organ, a vessel that runs through it and on, a lesion in it.

So a pixel belongs to none, one, two or all three of them, and no class can be told from the
others being there or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.overlapping import coded
from delineate.core.seeds import stream
from delineate.core.types import DrawnObject, Labels, Mask
from delineate.files.mask_files import write_image

NAMES = ("lesion", "organ", "vessel")
"""The classes in their order, which is that of the alphabet as a folder shows them."""

# What each adds to the grey of the ground, so that overlaps are brighter than either alone.
_BRIGHTER = {"organ": 55.0, "vessel": 70.0, "lesion": -45.0}
_NOISE = 9.0


@dataclass(frozen=True)
class OverlappingPicture:
    """An (H, W, 1) image and the pixels of each class by name."""

    image: NDArray[np.uint8]
    masks: dict[str, Mask]

    @property
    def codes(self) -> Labels:
        """Labels as `delineate.core.overlapping` has them."""
        objects = [DrawnObject(index, self.masks[name]) for index, name in enumerate(NAMES, 1)]
        return coded(objects, self.image.shape[:2])


def overlapping_picture(
    seed: int, subject: int, number: int, size_px: Size = (96, 112)
) -> OverlappingPicture:
    """A subject's picture of that number; every third has no lesion.

    A subject's organ has its own size and place, which move a little from picture to picture.
    """
    body, rng = stream(seed, "organ", subject), stream(seed, "overlapping", subject, number)
    height, width = size_px
    middle = np.array([body.uniform(0.42, 0.58), body.uniform(0.42, 0.58)])
    middle += rng.normal(0, 0.02, 2)
    radii = np.array([body.uniform(0.24, 0.3), body.uniform(0.26, 0.34)])
    masks = {
        "organ": _ellipse(size_px, middle, radii, body.uniform(0, 180)),
        "vessel": _tube(rng, size_px, middle, body.uniform(0.035, 0.055)),
    }
    offset = rng.uniform(-0.35, 0.35, 2) * radii
    small = radii * rng.uniform(0.25, 0.4)
    lesion = _ellipse(size_px, middle + offset, small, rng.uniform(0, 180)) & masks["organ"]
    masks["lesion"] = lesion if number % 3 else np.zeros_like(lesion)
    grey = np.full(size_px, 70.0)
    for name, mask in masks.items():
        grey += _BRIGHTER[name] * mask
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8) + rng.normal(0, _NOISE, (height, width))
    image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None]
    return OverlappingPicture(image, masks)


def write_overlapping(
    root: Path, *, seed: int = 0, subjects: int = 8, images: int = 3, size_px: Size = (96, 112)
) -> Path:
    """`images/sS_N.png` beside one two-valued mask a class, `masks/CLASS/sS_N.png`."""
    for folder in ("images", *(f"masks/{name}" for name in NAMES)):
        (root / folder).mkdir(parents=True)
    for subject in range(subjects):
        for number in range(images):
            picture = overlapping_picture(seed, subject, number, size_px)
            name = f"s{subject}_{number}.png"
            write_image(root / "images" / name, picture.image)
            for each, mask in picture.masks.items():
                grey = mask[..., None].astype(np.uint8) * np.uint8(255)
                write_image(root / "masks" / each / name, grey)
    return root


def _ellipse(
    size_px: Size, middle: NDArray[np.float64], radii: NDArray[np.float64], turn_degrees: float
) -> Mask:
    """An ellipse whose middle and half axes are shares of the height and the width."""
    row, column = middle * size_px
    tall, broad = radii * size_px
    canvas = np.zeros(size_px, np.uint8)
    cv2.ellipse(
        canvas, ((float(column), float(row)), (2 * float(broad), 2 * float(tall)), turn_degrees),
        1, -1,
    )  # fmt: skip
    return canvas > 0


def _tube(
    rng: np.random.Generator, size_px: Size, through: NDArray[np.float64], radius: float
) -> Mask:
    """A bent tube from the left border to the right one, near a point; radius a share of height."""
    height, width = size_px
    steps = np.linspace(0, 1, 25)
    wave = 0.06 * np.sin(2 * np.pi * (steps * rng.uniform(0.6, 1.4) + rng.uniform()))
    rows = through[0] + rng.uniform(-0.35, 0.35) * (steps - through[1]) + wave
    points = np.stack([steps * (width - 1), rows * height], axis=1)
    canvas = np.zeros(size_px, np.uint8)
    thickness = max(2, round(2 * radius * height))
    cv2.polylines(canvas, [np.rint(points).astype(np.int32)], isClosed=False, color=1,
                  thickness=thickness)  # fmt: skip
    return canvas > 0
