"""Image files that nobody has looked at, decoded by processes that may die of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from delineate.core.types import Image
from delineate.files.spacing import Spacing


@dataclass(frozen=True)
class ShownWindow:
    """The values that are shown as black and as white, and where these two come from."""

    low: float
    high: float
    origin: str


@dataclass(frozen=True)
class Decoded:
    """An image as `read_image` gives it, and as a viewer may window it.

    `image` is (H, W, C) uint8, uint16 or float32. `shades` are (H, W) uint8, (H, W, 3) uint8 or
    (H, W) uint16; the value of a shade is `slope * shade + intercept`.
    """

    name: str
    format: str
    image: Image
    shades: NDArray[Any]
    slope: float
    intercept: float
    window: ShownWindow
    spacing: Spacing | None


class Decoder:
    """Processes that decode files: without torch, without a way to write, and within limits."""

    def __init__(self, processes: int, largest_pixels: int) -> None:
        raise NotImplementedError

    async def decode(self, path: Path, *, name: str, frame: int | None = None) -> Decoded:
        """The image in a file; `name` is what messages call it."""
        raise NotImplementedError

    def decode_waiting(self, path: Path, *, name: str, frame: int | None = None) -> Decoded:
        """As `decode`, for threads that may wait."""
        raise NotImplementedError

    def close(self) -> None:
        """End the processes."""
        raise NotImplementedError
