"""Masks that a review puts in the place of others."""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from delineate.auditing.review.replacing_mask import (
    INDEX,
    as_png,
    holds_codes,
    read_replacing_mask,
    replacing_mask,
)
from delineate.core.errors import UncertainMaskError, UnreadableFileError
from delineate.core.types import IGNORE
from delineate.files.mask_encoding import MaskEncoding, read_mask
from delineate.files.mask_files import labels_of_palette_png

LABELS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0, 1, 2, 15, 254, IGNORE]),
)


@settings(max_examples=40, deadline=None)
@given(LABELS)
def test_labels_come_back(labels: NDArray[np.uint8]) -> None:
    """Every class and what is unknown survive, read from memory and from a file."""
    png = as_png(labels)
    np.testing.assert_array_equal(labels_of_palette_png(png), labels)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.png").write_bytes(png)
        np.testing.assert_array_equal(read_mask(Path(folder) / "m.png", INDEX), labels)


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 3, 127, IGNORE])))
def test_codes_come_back(codes: NDArray[np.uint8]) -> None:
    """A file of codes says so itself; one of the same values as class indices does not."""
    png = as_png(codes, is_overlapping=True)
    assert holds_codes(png)
    assert not holds_codes(as_png(codes))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.png").write_bytes(png)
        found = read_replacing_mask(Path(folder) / "m.png")
    assert (found.png, found.size_px) == (png, (4, 5))
    np.testing.assert_array_equal(labels_of_palette_png(found.png), codes)


def test_a_file_of_codes_holds_no_others(tmp_path: Path) -> None:
    """Seven classes have codes up to 127."""
    wrong = np.full((4, 5), 128, np.uint8)
    (tmp_path / "m.png").write_bytes(as_png(wrong, is_overlapping=True))
    with pytest.raises(UncertainMaskError, match=r"from 0 to 127, or 255 .*, found 128"):
        read_replacing_mask(tmp_path / "m.png")


@pytest.mark.parametrize("white", [1, 255])
def test_the_same_mask_has_the_same_digest(tmp_path: Path, white: int) -> None:
    """What counts are the labels, not how the file wrote them."""
    cv2.imwrite(str(tmp_path / "m.png"), np.eye(5, dtype=np.uint8) * white)
    cv2.imwrite(str(tmp_path / "index.tif"), np.eye(5, dtype=np.uint8))
    given_mask = read_replacing_mask(tmp_path / "m.png")
    assert given_mask.size_px == (5, 5)
    assert given_mask.name == "m.png"
    assert given_mask.sha256 == read_replacing_mask(tmp_path / "index.tif").sha256


def test_a_confirmed_encoding_goes_before_the_values(tmp_path: Path) -> None:
    """0 and 255 can also mean background and unknown, if a person says so."""
    cv2.imwrite(str(tmp_path / "m.png"), np.eye(2, dtype=np.uint8) * 255)
    told = read_replacing_mask(tmp_path / "m.png", MaskEncoding.parse("index,ignore:255"))
    assert labels_of_palette_png(told.png).tolist() == [[IGNORE, 0], [0, IGNORE]]


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "m.png").write_text("no picture")
    with pytest.raises(UnreadableFileError, match=r"m\.png"):
        read_replacing_mask(tmp_path / "m.png")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG with its length and sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def painted(rows: int, *, before: bytes = b"") -> bytes:
    """A grey PNG that says it has 4 rows of 5 pixels, and has `rows`."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 4, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(6 * rows)))
    return b"\x89PNG\r\n\x1a\n" + before + header + pixels + chunk(b"IEND", b"")


def test_rows_that_never_came_are_no_background() -> None:
    """A mask that was cut on its way is refused, and not filed as one that ends early."""
    assert replacing_mask(painted(4), name="m", size_px=(4, 5), highest=1).size_px == (4, 5)
    with pytest.raises(UnreadableFileError, match="end after 18 of 24 bytes"):
        replacing_mask(painted(3), name="m", size_px=(4, 5), highest=1)


def test_the_size_must_come_first() -> None:
    """A note before the header hides the size from whoever looks for it; no such file is opened."""
    hidden = painted(4, before=chunk(b"tEXt", b"a\0b"))
    with pytest.raises(UnreadableFileError, match="expected a PNG of class indices"):
        replacing_mask(hidden, name="m", size_px=(40, 50), highest=1)
