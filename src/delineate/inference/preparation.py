"""From an image as it was read to what a network takes, the same in training and serving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from delineate.core.colours import IMAGENET_COLOURS
from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.core.types import Image, Labels, Probability, as_image
from delineate.inference.settings import Normalisation, PrepareSettings

# Rec. 601 luma, as Pillow and OpenCV turn colour into grey.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_PIXELS_FOR_STATISTICS = 20_000
_TYPES = ("uint8", "uint16", "float32", "float64")
_WHOLE_RANGES = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}
# 12 bits in a file of 16 end at a sixteenth of the range.
_DARK_SHARE = 1 / 8
_REMEDY = "export it with its display window (DICOM: WindowCenter and WindowWidth)"


class Preparation(BaseModel):
    """The stored numbers of one preparation.

    An image is mapped from `full_range` to 0..1, brought to its working size, then
    normalised a channel at a time by `mean` and `deviation` of the training images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int
    full_range: tuple[float, float]
    pixel_type: str = "uint8"
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    longest_side_px: int | None = None
    size_px: tuple[int, int] | None = None

    def working_size_px(self, size_px: Size) -> Size:
        """The size at which an image of a native size is worked on."""
        if self.size_px is not None:
            return self.size_px
        if self.longest_side_px is None or max(size_px) <= self.longest_side_px:
            return size_px
        scale = self.longest_side_px / max(size_px)
        return max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))

    def working_image(self, image: Image) -> Image:
        """The image at its working size with the network's channels, still in its own dtype.

        Raises:
            SettingsError: as `require_pixels` and `with_channels`.
        """
        require_pixels(image)
        image = with_channels(image, self.channels)
        size_px = self.working_size_px(image.shape[:2])
        return image if size_px == image.shape[:2] else resize_image(image, size_px)

    def unit(self, image: Image) -> NDArray[np.float32]:
        """The (H, W, C) image as float32, `full_range` mapped to 0..1.

        An image of another type than those of training is mapped from the range of its own
        type: 0..255, 0..65535, or 0..1 for floats.

        Raises:
            SettingsError: floats beyond 0..1 for a model of whole numbers.
        """
        low, high = self._range_of(image)
        return (image.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))

    def _range_of(self, image: Image) -> tuple[float, float]:
        if image.dtype.name == self.pixel_type or self.pixel_type not in _WHOLE_RANGES:
            return self.full_range
        if image.dtype.name in _WHOLE_RANGES:
            return _WHOLE_RANGES[image.dtype.name]
        lowest, highest = float(image.min()), float(image.max())
        if lowest < 0 or highest > 1:
            raise SettingsError(
                f"image: expected {self.pixel_type} as in training, or floats from 0 to 1; found "
                f"values from {lowest:g} to {highest:g} without a display window; {_REMEDY}"
            )
        return 0.0, 1.0

    def doubt(self, image: Image) -> str | None:
        """Why little of the (H, W, C) image reaches the network; None where nothing is odd.

        An image of another type than those of training is mapped from the whole range of its
        type, of which numbers of fewer bits fill a small part.
        """
        if image.dtype.name == self.pixel_type or self.pixel_type not in _WHOLE_RANGES:
            return None
        top = _WHOLE_RANGES.get(image.dtype.name, (0.0, 1.0))[1]
        highest = float(image.max())
        if highest > _DARK_SHARE * top:
            return None
        return (
            f"almost black to the model: its values end at {highest:g} of {top:g}, and training "
            f"images were {self.pixel_type}; {_REMEDY}"
        )

    def normalised(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """The (C, H, W) input of the network from a (H, W, C) unit image."""
        mean = np.array(self.mean, np.float32)
        standard = (unit - mean) / np.array(self.deviation, np.float32)
        return np.ascontiguousarray(standard.transpose(2, 0, 1), dtype=np.float32)

    def __call__(self, image: Image) -> NDArray[np.float32]:
        """The (C, H, W) input of the network, at working size."""
        return self.normalised(self.unit(self.working_image(image)))


def fit_preparation(
    images: Iterable[Image],
    settings: PrepareSettings,
    *,
    encoder: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Preparation:
    """The preparation whose numbers are those of the training images.

    Mean and deviation come from at most 20,000 evenly spaced pixels an image, unless the
    settings name others; `encoder` holds those of pretrained weights, red, green and blue. A grey
    image takes their averages over the colours.

    Raises:
        SettingsError: the encoder's numbers are asked for, and there are none.
    """
    samples: list[NDArray[np.float32]] = []
    low, high, is_grey = np.inf, -np.inf, True
    types: set[str] = set()
    for image in images:
        pixels = image.reshape(-1, image.shape[2])
        chosen = pixels[:: max(1, len(pixels) // _PIXELS_FOR_STATISTICS)].astype(np.float32)
        is_grey &= image.shape[2] == 1 or bool((chosen == chosen[:, :1]).all())
        types.add(image.dtype.name)
        low, high = min(low, float(image.min())), max(high, float(image.max()))
        samples.append(chosen)
    channels = {"grey": 1, "colour": 3, "auto": 1 if is_grey else 3}[settings.channels]
    if types == {"uint8"}:
        low, high = 0.0, 255.0
    elif high <= low:
        high = low + 1.0
    pixels = np.concatenate([with_channels(each[None], channels)[0] for each in samples])
    unit = (pixels - low) / (high - low)
    mean, deviation = _normalisation(settings.normalise, unit, encoder)
    return Preparation(
        channels=channels,
        full_range=(low, high),
        pixel_type=types.pop() if len(types) == 1 else "several",
        mean=mean,
        deviation=deviation,
        longest_side_px=settings.longest_side_px,
        size_px=settings.size_px,
    )


def _normalisation(
    kind: Normalisation,
    unit: NDArray[np.floating[Any]],
    encoder: tuple[Sequence[float], Sequence[float]] | None,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel of unit pixels (N, C)."""
    channels = unit.shape[1]
    if kind == "unit":
        return (0.0,) * channels, (1.0,) * channels
    if kind == "data":
        spread = unit.std(axis=0, dtype=np.float64)
        return (
            tuple(float(value) for value in unit.mean(axis=0, dtype=np.float64)),
            # A constant channel has no deviation but for rounding; 1 leaves it at 0.
            tuple(float(value) if value > 1e-6 else 1.0 for value in spread),
        )
    known = IMAGENET_COLOURS if kind == "imagenet" else encoder
    if known is None:
        raise SettingsError(
            "prepare.normalise: 'encoder' takes mean and deviation from the weights of an encoder, "
            "and none are given; choose data, unit or imagenet"
        )
    return normalised_for(known, channels)


def normalised_for(
    colours: tuple[Sequence[float], Sequence[float]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of red, green and blue for three channels; their averages for one."""
    mean, deviation = colours
    if channels == len(mean):
        return tuple(mean), tuple(deviation)
    return (float(np.mean(mean)),), (float(np.mean(deviation)),)


def require_pixels(image: NDArray[Any]) -> None:
    """Nothing, where there are pixels of a type and of values that can be worked on.

    Raises:
        SettingsError: no pixel, another type, or floats that are not finite.
    """
    if image.size == 0:
        raise SettingsError(f"image: expected at least one pixel, found shape {image.shape}")
    if image.dtype.name not in _TYPES:
        raise SettingsError(
            f"image: expected one of the types {', '.join(_TYPES)}, found {image.dtype}; convert "
            "it to that of the training images, such as image.astype(np.uint8)"
        )
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        count = int(np.count_nonzero(~np.isfinite(image)))
        raise SettingsError(
            f"image: expected finite values, found {count:,} of {image.size:,} that are not; "
            "replace them first"
        )


def with_channels(image: Image, channels: int) -> Image:
    """The (H, W, C) image with one channel (luma) or three (grey repeated), dtype kept.

    Raises:
        SettingsError: an array of another shape.
    """
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise SettingsError(
            f"image: expected shape (H, W), (H, W, 1) or (H, W, 3), found {image.shape}; "
            "give grey or RGB, without an alpha channel"
        )
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return as_image(np.repeat(image, 3, axis=2))
    grey = image.astype(np.float32) @ _LUMA
    if np.issubdtype(image.dtype, np.integer):
        grey = np.rint(grey)
    return as_image(grey.astype(image.dtype)[..., None])


def resize_image(image: Image, size_px: Size) -> Image:
    """The (H, W, C) image at another size: by area when reduced, else linearly."""
    is_reduced = size_px[0] <= image.shape[0] and size_px[1] <= image.shape[1]
    how = cv2.INTER_AREA if is_reduced else cv2.INTER_LINEAR
    resized = cv2.resize(image, size_px[::-1], interpolation=how)
    return as_image(resized.reshape(*size_px, image.shape[2]))


def resize_labels(labels: Labels, size_px: Size) -> Labels:
    """The (H, W) labels at another size: always nearest, so that no class is invented."""
    if labels.shape == size_px:
        return labels
    resized = cv2.resize(labels, size_px[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.uint8)


def resize_probability(probability: Probability, size_px: Size) -> Probability:
    """The (C, H, W) probability at another size, linearly; channels still sum to 1."""
    if probability.shape[1:] == size_px:
        return probability
    resized = [cv2.resize(channel, size_px[::-1]) for channel in probability]
    return np.stack(resized).astype(np.float32, copy=False)
