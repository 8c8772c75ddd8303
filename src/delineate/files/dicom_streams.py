"""JPEG, JPEG-LS and JPEG 2000 streams as DICOM holds them, to stored numbers.

Decoded by imagecodecs and not by GDCM, which ends the whole process on some damaged streams.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_SIZE_OF_2000 = b"\xff\x4f\xff\x51"
# Starts of frames: FFC0 to FFCF without the tables C4, C8 and CC; FFF7 is JPEG-LS.
_FRAMES = frozenset(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7})
_LOSSLESS, _JPEG_LS = 0xC3, 0xF7
_JFIF, _ADOBE = 0xE0, 0xEE
_JFIF_LENGTH, _ADOBE_LENGTH = 16, 14
_AHEAD = 4096  # a JP2 header that should not be there takes less


@dataclass(frozen=True)
class Stream:
    """What a compressed frame says of itself; `frame` is its marker, None for JPEG 2000."""

    height: int
    width: int
    bits: int
    samples: int
    frame: int | None = None
    says_colours: bool = False


def stream_header(stream: bytes) -> Stream | None:
    """The header of a stream; None where there is none that is known."""
    start = stream.find(_SIZE_OF_2000, 0, _AHEAD)
    if start >= 0 and len(stream) > start + 42:
        right, low, left, high = struct.unpack_from(">4I", stream, start + 8)
        (samples,) = struct.unpack_from(">H", stream, start + 40)
        bits = (stream[start + 42] & 0x7F) + 1
        return Stream(low - high, right - left, bits, samples)
    at, says_colours = 2, False
    while stream[:2] == b"\xff\xd8" and at + 10 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", stream, at + 4)
            return Stream(height, width, bits, samples, marker, says_colours)
        says_colours |= marker == _JFIF and length >= _JFIF_LENGTH
        says_colours |= marker == _ADOBE and length >= _ADOBE_LENGTH
        # A marker may be filled up with more bytes FF before it.
        at += 1 if marker == 0xFF else 2 + length
    return None


def decoded_stream(
    stream: bytes, header: Stream, *, is_rgb: bool, is_signed: bool, bits_stored: int
) -> tuple[NDArray[Any], bool]:
    """The numbers of a stream, (H, W) or (H, W, 3), and whether luma and chroma became RGB.

    The colours of a lossy JPEG are what its own markers say, and what DICOM says (`is_rgb`)
    where there are none.
    """
    is_jpeg = header.frame not in (None, _JPEG_LS)
    if header.frame is None:
        values = np.asarray(imagecodecs.jpeg2k_decode(stream))
    elif header.frame == _JPEG_LS:
        values = np.asarray(imagecodecs.jpegls_decode(stream))
    elif header.samples == 3 and _is_as_stored(header, is_rgb=is_rgb):
        values = np.asarray(imagecodecs.jpeg_decode(stream, colorspace="RGB", outcolorspace="RGB"))
        is_jpeg = False
    else:
        values = np.asarray(imagecodecs.jpeg_decode(stream))
    # Lossless JPEG may keep other things above the bits that count.
    bits = min(header.bits, bits_stored) if header.frame == _LOSSLESS else header.bits
    return _signed(values, bits, is_signed=is_signed), is_jpeg and header.samples == 3


def _is_as_stored(header: Stream, *, is_rgb: bool) -> bool:
    return header.frame == _LOSSLESS or (is_rgb and not header.says_colours)


def _signed(values: NDArray[Any], bits: int, *, is_signed: bool) -> NDArray[Any]:
    # Streams know no sign, or another than DICOM states: the last `bits` bits are what counts.
    kind = np.dtype(f"{'i' if is_signed else 'u'}{values.dtype.itemsize}")
    unused = max(0, kind.itemsize * 8 - bits)
    raw = values.view(f"u{values.dtype.itemsize}")
    return (raw << unused).view(kind) >> unused
