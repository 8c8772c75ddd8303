"""PNG by its chunks: what a lenient decoder passes over, such as rows that never came.

Source: W3C, Portable Network Graphics, 5 (chunks), 8 (interlacing).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from delineate.files.pixels import damaged

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_PIECE = 1 << 20
# First row and column of each pass of an interlaced picture, and its steps down and right.
_PASSES = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def require_whole_png(path: Path, content: bytes, values: NDArray[Any]) -> None:
    """Refuse a picture that lacks its palette, a part of its file, or rows.

    `values` are the decoded pixels. Rows that never came are 0 in them, so that they are counted
    only where the last row is 0, or where the rows do not come in their order.

    Raises:
        UnreadableFileError: saying what is missing.
    """
    header = struct.unpack_from(">IIBBBBB", content, 16)
    kinds: set[bytes] = set()
    packed: list[bytes] = []
    for kind, start, end in _chunks(content):
        if end > len(content):
            raise damaged(path, "PNG", f"its {kind.decode('latin-1')} ends beyond the file")
        if packed and kind != b"IDAT":
            break
        kinds.add(kind)
        if kind == b"IDAT":
            packed.append(content[start:end])
    colour, is_interlaced = header[3], bool(header[6])
    if colour == _PALETTE and b"PLTE" not in kinds:
        raise damaged(path, "PNG", "its palette is missing")
    if is_interlaced or not values[-1].any():
        expected = _byte_count(header)
        found = _unpacked(packed, expected)
        if found < expected:
            raise damaged(path, "PNG", f"its pixels end after {found:,} of {expected:,} bytes")


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk, and where its body begins and ends."""
    at = 8
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield content[at + 4 : at + 8], at + 8, at + 8 + length
        at += 12 + length


def _byte_count(header: tuple[int, ...]) -> int:
    """How many bytes the rows take, each with the byte that names its filter."""
    width, height, bits, colour, *_, is_interlaced = header
    bits_per_pixel = bits * _CHANNELS[colour]
    passes = _PASSES if is_interlaced else ((0, 0, 1, 1),)
    total = 0
    for top, left, down, right in passes:
        rows = max(0, -(-(height - top) // down))
        columns = max(0, -(-(width - left) // right))
        total += rows * (1 + (columns * bits_per_pixel + 7) // 8) if columns else 0
    return total


def _unpacked(packed: list[bytes], enough: int) -> int:
    """To how many bytes they grow; no further than to enough."""
    inflater, grown = zlib.decompressobj(), 0
    for piece in packed:
        rest = piece
        while rest and grown < enough and not inflater.eof:
            grown += len(inflater.decompress(rest, _PIECE))
            rest = inflater.unconsumed_tail
    return grown
