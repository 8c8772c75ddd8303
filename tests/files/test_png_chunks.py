"""PNG files with parts missing are refused, whatever a lenient decoder would fill in."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import UnreadableFileError
from delineate.files.image_files import image_from

PATH = Path("a.png")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(header: bytes, rows: bytes, *, more: bytes = b"", pieces: int = 1) -> bytes:
    """A file of these rows, packed, in so many chunks."""
    packed = zlib.compress(rows)
    step = -(-len(packed) // pieces)
    parts = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more
    return start + b"".join(parts) + chunk(b"IEND", b"")


def grey(height: int, width: int, *, interlaced: int = 0) -> bytes:
    """The header of 8-bit grey."""
    return struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)


def test_rows_that_never_came_are_no_black_rows() -> None:
    """Four rows of black are read; three of four are damage, though both decode to zeros."""
    assert not image_from(PATH, png(grey(4, 5), bytes(4 * 6))).any()
    with pytest.raises(UnreadableFileError, match="end after 18 of 24 bytes"):
        image_from(PATH, png(grey(4, 5), bytes(3 * 6)))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_a_whole_interlaced_picture_is_read(height: int, width: int, pieces: int) -> None:
    """Its seven passes take as many bytes as Pillow needs, and one byte less is damage."""
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)]
    steps += [(0, 1, 2, 2), (1, 0, 2, 1)]
    grid = np.zeros((height, width))
    sizes = [grid[top::down, left::right].shape for top, left, down, right in steps]
    count = sum(rows * (1 + columns) for rows, columns in sizes if columns)
    header = grey(height, width, interlaced=1)
    whole = image_from(PATH, png(header, bytes(count), pieces=pieces))
    assert whole.shape == (height, width, 1)
    with pytest.raises(UnreadableFileError, match="damaged or truncated"):
        image_from(PATH, png(header, bytes(count - 1), pieces=pieces))


def test_indices_need_a_palette() -> None:
    """Without one they would all be black."""
    header = struct.pack(">IIBBBBB", 5, 4, 8, 3, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(9)))
    rows = (b"\0" + b"\2" * 5) * 4
    assert image_from(PATH, png(header, rows, more=palette))[0, 0].tolist() == [6, 7, 8]
    with pytest.raises(UnreadableFileError, match="its palette is missing"):
        image_from(PATH, png(header, rows))


def test_a_chunk_must_lie_in_the_file() -> None:
    """A length beyond the end is damage, even where all pixels came."""
    whole = png(grey(4, 5), b"\0abcde" * 4)
    at = whole.find(b"IDAT") - 4
    longer = whole[:at] + struct.pack(">I", 5000) + whole[at + 4 :]
    with pytest.raises(UnreadableFileError, match="damaged or truncated"):
        image_from(PATH, longer)
    assert image_from(PATH, whole[: whole.find(b"IEND") - 4])[3, 0, 0] == ord("a")


def test_what_pads_behind_the_rows_is_nothing() -> None:
    """More bytes than the rows take are left alone."""
    assert image_from(PATH, png(grey(4, 5), bytes(5000))).shape == (4, 5, 1)
