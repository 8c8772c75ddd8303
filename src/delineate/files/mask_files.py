"""Our own results as pictures: masks, probability maps, overlays."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImages
from PIL.PngImagePlugin import PngInfo

from delineate.core.errors import UnreadableFileError
from delineate.core.types import IGNORE, LabelClass, Labels
from delineate.files.formats import read_content
from delineate.files.image_files import read_pixels, without_single_channel
from delineate.files.pixels import MAX_PIXELS, require_pixels
from delineate.files.writing import write_bytes

_WHITE_16 = 65535


def write_index_mask(path: Path, labels: Labels, classes: Sequence[LabelClass]) -> None:
    """Write labels as PNG, as `index_mask_png` has them.

    Raises:
        ValueError: for a label that no class has.
        CannotWriteError: if the target cannot be written.
    """
    write_bytes(path, index_mask_png(labels, classes))


def index_mask_png(labels: Labels, classes: Sequence[LabelClass]) -> bytes:
    """Labels as a PNG: 0 and 255 in grey for two classes, else indices with a palette.

    Two classes with unknown pixels also get a palette, because 255 cannot mean both.

    Raises:
        ValueError: for a label that no class has.
    """
    known = {c.index for c in classes} | {IGNORE}
    found = set(np.unique(labels).tolist())
    if not found <= known:
        raise ValueError(f"expected labels of {sorted(known)}, got {sorted(found - known)} too")
    if len(classes) <= 2 and found <= {0, 1}:
        return png(labels * np.uint8(255))
    return palette_png(labels, classes)


def palette_png(
    labels: Labels, classes: Sequence[LabelClass], *, text: Mapping[str, str] | None = None
) -> bytes:
    """Labels as a PNG of indices with a palette, read back as `index,ignore:255`.

    `text` goes into it as keywords with words in Latin-1.
    """
    picture = PillowImages.fromarray(np.ascontiguousarray(labels, np.uint8))
    palette = np.zeros((256, 3), np.uint8)
    # What is unknown is shown in the cream of the Pascal VOC palette's void.
    palette[IGNORE] = (224, 224, 192)
    for one in classes:
        palette[one.index] = one.colour
    picture.putpalette(palette.tobytes(), "RGB")
    notes = PngInfo()
    for keyword, words in (text or {}).items():
        notes.add_text(keyword, words)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=notes)
    return buffer.getvalue()


def labels_of_palette_png(content: bytes) -> Labels:
    """The labels that `palette_png` wrote."""
    with PillowImages.open(io.BytesIO(content), formats=["PNG"]) as picture:
        return np.array(picture, dtype=np.uint8)


def write_probability(path: Path, probability: NDArray[np.float32]) -> None:
    """Write an (H, W) map of 0..1 as 16-bit PNG: 65535 p, rounded; off by 1/131070 at most.

    Raises:
        ValueError: for values outside 0..1 or not finite.
        CannotWriteError: if the target cannot be written.
    """
    if probability.ndim != 2 or not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            f"expected an (H, W) array of 0 to 1, got shape {probability.shape} and values "
            f"from {probability.min()} to {probability.max()}"
        )
    scaled = np.rint(probability.astype(np.float64) * _WHITE_16).astype(np.uint16)
    write_bytes(path, png(scaled))


def read_probability(path: Path) -> NDArray[np.float32]:
    """The (H, W) probability map in a file, 0..1.

    From 8- or 16-bit greys of PNG or TIFF (white is 1), float TIFF, or a `.npy` array of
    floats or of uint8 or uint16.

    Raises:
        UnreadableFileError: no such map, several channels, or values outside 0..1.
    """
    path = Path(path)
    head = read_content(path, 6)
    values = _numpy_values(path) if head == b"\x93NUMPY" else _picture_values(path)
    values = without_single_channel(values)
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values.reshape(values.shape[-2:] if values.shape[0] == 1 else values.shape[:2])
    if values.ndim != 2:
        raise UnreadableFileError(
            f"{path}: expected a probability map of one channel, found shape {values.shape}; "
            "write one file a class"
        )
    if values.dtype.kind == "u":
        return (values / np.iinfo(values.dtype).max).astype(np.float32)
    if values.dtype.kind != "f":
        raise UnreadableFileError(
            f"{path}: expected 8 or 16 bit greys or floats, found {values.dtype}; "
            "write float32 from 0 to 1"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise UnreadableFileError(
            f"{path}: expected probabilities from 0 to 1, found {values.min():.4g} to "
            f"{values.max():.4g}; logits need a sigmoid first"
        )
    return values.astype(np.float32)


def write_image(path: Path, rgb: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) or (H, W) uint8 pixels as PNG.

    Raises:
        CannotWriteError: if the target cannot be written.
    """
    write_bytes(path, png(without_single_channel(rgb)))


def png(values: NDArray[Any]) -> bytes:
    """(H, W) or (H, W, 3) values of 8 or 16 bits as a plain PNG, without palette or profile."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(values), level=4))


def _picture_values(path: Path) -> NDArray[Any]:
    pixels = read_pixels(path)
    values = pixels.values
    if pixels.palette is not None:
        raise UnreadableFileError(
            f"{path}: expected greys or floats, found a palette image, which holds classes; "
            "score it as a mask"
        )
    if values.ndim == 3 and values.shape[-1] == 3 and (values == values[..., :1]).all():
        return values[..., 0]
    if pixels.top is not None and values.dtype.kind == "u":
        return (values / pixels.top).astype(np.float32)
    return values


def _numpy_values(path: Path) -> NDArray[Any]:
    try:
        # A map of the file first: its header may promise more than memory holds.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        require_pixels(path, 1, int(values.size), MAX_PIXELS)
        return np.array(values)
    except (OSError, ValueError, EOFError) as error:
        raise UnreadableFileError(
            f"{path}: expected a NumPy array of numbers, found {error}; write it anew"
        ) from error
