"""PNG, JPEG, BMP, GIF and WebP as stored values."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.Image import Image as PillowImage

from delineate.core.errors import UnreadableFileError
from delineate.files.pixels import ROTATES, Pixels, damaged, require_pixels, upright
from delineate.files.png_chunks import require_whole_png

# Opened by their classes and not by `PIL.Image.open`: the format is known from the content,
# and our own limit on size stands in for Pillow's, which is global and warns.
_PLUGINS: dict[str, Any] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}


def picture_size(path: Path, content: bytes, kind: str) -> tuple[int, int]:
    """(height, width) in upright position, from the header."""
    try:
        if kind == "WebP":
            _require_webp_pixels(path, content, 1 << 62)
        picture = _opened(content, kind)
        width, height = picture.size
        is_turned = exif_orientation(picture.info.get("exif")) in ROTATES
    except UnreadableFileError:
        raise
    except Exception as error:  # hostile bytes raise anything in a parser
        raise damaged(path, kind, error) from error
    return (width, height) if is_turned else (height, width)


def picture_pixels(path: Path, content: bytes, kind: str, max_pixels: int) -> Pixels:
    """The single picture of a file.

    Raises:
        UnreadableFileError: for an animation or damage.
    """
    try:
        if kind == "WebP":
            _require_webp_pixels(path, content, max_pixels)
        if kind == "PNG":
            _require_pixels_of_png(path, content, max_pixels)
        picture = _opened(content, kind)
        require_pixels(path, picture.height, picture.width, max_pixels)
        frames = getattr(picture, "n_frames", 1)
        if frames > 1:
            raise UnreadableFileError(
                f"{path}: expected one image, found an animated {kind} of {frames} frames; "
                "write each frame to a file of its own"
            )
        if kind == "PNG" and content[24] == 16:
            return _deep_png(content, picture)
        picture.load()
        return _interpreted(path, content, kind, picture)
    except UnreadableFileError:
        raise
    except Exception as error:  # hostile bytes raise anything in a decoder
        raise damaged(path, kind, error) from error


def _opened(content: bytes, kind: str) -> PillowImage:
    picture: PillowImage = _PLUGINS[kind](io.BytesIO(content))
    return picture


def _deep_png(content: bytes, picture: PillowImage) -> Pixels:
    # Pillow cuts 16-bit colours to 8 bits. libpng would print its doubts on damaged chunks.
    _opened(content, "PNG").verify()
    values = np.asarray(imagecodecs.png_decode(content))
    channels = 1 if values.ndim == 2 else values.shape[-1]
    return Pixels(
        upright(values, exif_orientation(picture.info.get("exif"))),
        mode=f"PNG, {channels} x 16 bit",
        has_alpha=channels in (2, 4),
    )


def _interpreted(path: Path, content: bytes, kind: str, picture: PillowImage) -> Pixels:
    mode, palette, top = picture.mode, None, None
    turn = exif_orientation(picture.info.get("exif"))
    if mode in ("P", "PA"):
        colours = picture.getpalette("RGB") or []
        palette = np.array(colours, np.uint8).reshape(-1, 3)
        mode = "P"
    elif mode == "1":
        top = 1
    elif mode in ("CMYK", "YCbCr", "LAB", "RGBX"):
        picture = picture.convert("RGB")
    values: NDArray[Any] = np.asarray(picture)
    if kind == "PNG":
        require_whole_png(path, content, values)
    if mode == "PA":
        values = values[..., 0]
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if kind == "PNG" and mode == "L" and content[24] in (2, 4):
        # Pillow stretches 2- and 4-bit greys to 0..255; the stored numbers may be classes.
        top = (1 << content[24]) - 1
        values = values // (255 // top)
    if values.ndim == 3 and values.shape[-1] not in (2, 3, 4):
        raise UnreadableFileError(f"{path}: expected 1 or 3 channels, found {values.shape[-1]}")
    return Pixels(
        upright(values, turn),
        mode=f"{kind}, {picture.mode}",
        palette=palette,
        is_lossy=kind == "JPEG" or (kind == "WebP" and b"VP8 " in content[:64]),
        has_alpha=values.ndim == 3 and values.shape[-1] in (2, 4),
        top=top,
    )


def _require_pixels_of_png(path: Path, content: bytes, max_pixels: int) -> None:
    width, height = struct.unpack(">II", content[16:24])
    require_pixels(path, height, width, max_pixels)


def _require_webp_pixels(path: Path, content: bytes, max_pixels: int) -> None:
    # Opening makes room for the whole canvas, so the size is read before.
    chunk = content[12:16]
    if chunk == b"VP8X":
        width = 1 + int.from_bytes(content[24:27], "little")
        height = 1 + int.from_bytes(content[27:30], "little")
    elif chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", content[26:30]))
    require_pixels(path, height, width, max_pixels)


def exif_orientation(exif: bytes | None) -> int:
    """The orientation, 1 to 8, that an EXIF block states; 1 where there is none.

    Read by hand, because Pillow prints warnings on damaged blocks.
    """
    block = (exif or b"").removeprefix(b"Exif\x00\x00")
    if block[:2] not in (b"II", b"MM") or len(block) < 10:
        return 1
    order = "<" if block[:2] == b"II" else ">"
    start: int = struct.unpack_from(order + "I", block, 4)[0]
    if start + 2 > len(block):
        return 1
    count: int = struct.unpack_from(order + "H", block, start)[0]
    for entry in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        tag, _, _, value = struct.unpack_from(order + "HHIH", block, entry)
        if tag == 274:
            return int(value)
    return 1
