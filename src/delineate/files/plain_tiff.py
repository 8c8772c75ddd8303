"""The commonest TIFF files by a short way: their header read by hand, their pixels by libtiff.

libtiff works outside of Python's lock and several times faster than what can read every TIFF.
It is also more lenient: so a file takes this way only if its header proves that there is one
whole picture in it and nothing to interpret. All others, and all that fail here, take the long
way, which also words the errors.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import imagecodecs
import numpy as np

from delineate.files.pixels import Pixels

_BYTES = {2: 1, 3: 2, 4: 4, 5: 8}  # field type -> size: text, short, long, ratio
_TEXT, _RATIO = 2, 5
_NUMBERS = {3: "H", 4: "I"}
_NONE, _LZW = 1, 5
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _COUNTS = 273, 277, 278, 279

# Fields that may be there, and what they must say where they are; None for anything.
_ALLOWED: Mapping[int, frozenset[int] | None] = {
    254: frozenset({0}),  # no thumbnail, page or transparency mask
    _WIDTH: None,
    _HEIGHT: None,
    _BITS: frozenset({8, 16}),
    _COMPRESSION: frozenset({_NONE, _LZW}),  # of deflate, libtiff does not check the sum
    _PHOTOMETRIC: frozenset({1, 2}),
    266: frozenset({1}),  # order of bits
    270: None,  # description: what ImageJ says there counts
    271: None,
    272: None,
    _OFFSETS: None,
    274: frozenset({1}),  # orientation
    _SAMPLES: frozenset({1, 3}),
    _ROWS_PER_STRIP: None,
    _COUNTS: None,
    282: None,  # resolution
    283: None,
    284: frozenset({1}),  # channels beside each other
    296: None,
    305: None,  # software, date, artist
    306: None,
    315: None,
    317: frozenset({1, 2}),  # predictor
    339: frozenset({1}),  # whole numbers without sign
}
_TEXTS = frozenset({270, 271, 272, 305, 306, 315})
_RESOLUTIONS = frozenset({282, 283})
_NEEDED = (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _COUNTS)


def plain_tiff(content: bytes, max_pixels: int) -> Pixels | None:
    """The pixels of a TIFF that is plainly one whole grey or RGB picture; None for any other."""
    try:
        header = _header(content)
        if header is None or not 0 < header.width * header.height <= max_pixels:
            return None
        if not _is_whole(header, len(content)):
            return None
        values = np.asarray(imagecodecs.tiff_decode(content))
    except (struct.error, imagecodecs.TiffError, ValueError, RuntimeError):
        return None
    if values.shape != header.shape or values.dtype != np.dtype(f"u{header.bits // 8}"):
        return None
    return Pixels(values, mode=f"TIFF, {header.channels} x {header.bits} bit {values.dtype}")


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    bits: int
    channels: int
    compression: int
    rows_per_strip: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array that must come out."""
        size = (self.height, self.width)
        return size if self.channels == 1 else (*size, self.channels)


def _header(content: bytes) -> _Header | None:
    fields = _fields(content)
    if fields is None or any(tag not in fields for tag in _NEEDED):
        return None
    (width,), (height,) = fields[_WIDTH], fields[_HEIGHT]
    (compression,), (photometric,) = fields[_COMPRESSION], fields[_PHOTOMETRIC]
    (channels,) = fields.get(_SAMPLES, (1,))
    bits = fields[_BITS]
    if len(set(bits)) != 1 or len(bits) != channels or channels != {1: 1, 2: 3}[photometric]:
        return None
    (rows,) = fields.get(_ROWS_PER_STRIP, (height,))
    return _Header(
        width, height, bits[0], channels, compression, rows, fields[_OFFSETS], fields[_COUNTS]
    )


def _fields(content: bytes) -> dict[int, tuple[int, ...]] | None:
    """The numbers in the only directory, by tag; None where a field asks for more care."""
    if content[:4] != b"II*\x00":
        return None
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    (following,) = struct.unpack_from("<I", content, start + 2 + 12 * count)
    if following:
        return None
    fields: dict[int, tuple[int, ...]] = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from("<HHI", content, entry)
        if tag not in _ALLOWED or tag in fields or kind not in _BYTES:
            return None
        if (kind == _TEXT) != (tag in _TEXTS) or (kind == _RATIO) != (tag in _RESOLUTIONS):
            return None
        size = length * _BYTES[kind]
        at = entry + 8 if size <= 4 else struct.unpack_from("<I", content, entry + 8)[0]
        if at + size > len(content) or (tag == 270 and content[at : at + 6] == b"ImageJ"):
            return None
        if kind in _NUMBERS:
            values = struct.unpack_from(f"<{length}{_NUMBERS[kind]}", content, at)
            allowed = _ALLOWED[tag]
            if allowed is not None and not allowed.issuperset(values):
                return None
            fields[tag] = values
    return fields


def _is_whole(header: _Header, size_bytes: int) -> bool:
    # libtiff fills in zeros for much that is missing.
    if header.rows_per_strip < 1:
        return False
    rows = min(header.rows_per_strip, header.height)
    strips = -(-header.height // rows)
    if not len(header.offsets) == len(header.counts) == strips:
        return False
    ends = (at + count for at, count in zip(header.offsets, header.counts, strict=True))
    if max(ends) > size_bytes or not all(header.offsets) or not all(header.counts):
        return False
    if header.compression != _NONE:
        return True
    row_bytes = header.width * header.channels * header.bits // 8
    last = header.height - rows * (strips - 1)
    return header.counts == (row_bytes * rows,) * (strips - 1) + (row_bytes * last,)
