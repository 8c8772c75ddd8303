"""The short way to plain TIFF files gives what the long way gives, errors included."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.files import tiff_pixels as long_way
from delineate.files.pixels import MAX_PIXELS, Pixels
from delineate.files.plain_tiff import plain_tiff

PICTURE = (np.indices((30, 20)).sum(axis=0) * 3).astype(np.uint8)


def written(picture: NDArray[Any], **how: Any) -> bytes:
    """A TIFF file of this picture."""
    file = io.BytesIO()
    how.setdefault("photometric", "rgb" if picture.ndim == 3 else "minisblack")
    tifffile.imwrite(file, picture, **how)
    return file.getvalue()


def by_the_long_way(content: bytes) -> Pixels | None:
    """What is read without the short way; None for an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_way, "plain_tiff", lambda *_: None)
        try:
            return long_way.tiff_pixels(Path("x.tif"), content, MAX_PIXELS)
        except UnreadableFileError:
            return None


def assert_same(content: bytes) -> None:
    """Whatever takes the short way is what the long way reads."""
    found = plain_tiff(content, MAX_PIXELS)
    if found is not None:
        expected = by_the_long_way(content)
        assert expected is not None
        np.testing.assert_array_equal(found.values, expected.values)
        assert (found.mode, found.top, found.is_lossy) == (expected.mode, expected.top, False)


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (30, 20), (30, 20, 3)])
@pytest.mark.parametrize("rows", [1, 7, 30, 1000])
def test_plain_files_take_the_short_way(
    compression: str | None, dtype: type, shape: tuple[int, ...], rows: int
) -> None:
    """Grey and RGB, 8 and 16 bit, in strips of any height."""
    picture = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    content = written(picture, compression=compression, rowsperstrip=rows)
    found = plain_tiff(content, MAX_PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found.values, picture)
    assert_same(content)


def test_differences_are_undone() -> None:
    """A predictor changes how pixels are stored, not what they are."""
    found = plain_tiff(written(PICTURE, compression="lzw", predictor=2), MAX_PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found.values, PICTURE)


@pytest.mark.parametrize(
    ("picture", "how"),
    [
        (PICTURE, {"photometric": "miniswhite"}),
        (PICTURE, {"tile": (16, 16)}),
        (PICTURE, {"byteorder": ">"}),
        (PICTURE, {"bigtiff": True}),
        (PICTURE, {"compression": "deflate"}),
        (PICTURE, {"extratags": [(274, "H", 1, 6, True)]}),
        (PICTURE, {"imagej": True}),
        (PICTURE, {"subfiletype": 1}),
        (PICTURE > 40, {}),
        (PICTURE.astype(np.int16), {}),
        (PICTURE.astype(np.float32), {}),
        (PICTURE.astype(np.uint32), {}),
        (np.stack([PICTURE] * 2), {"photometric": "minisblack"}),
        (np.stack([PICTURE] * 4, axis=-1), {"extrasamples": ["unassalpha"]}),
        (np.stack([PICTURE] * 3), {"planarconfig": "separate", "photometric": "rgb"}),
    ],
)
def test_anything_else_takes_the_long_way(picture: NDArray[Any], how: dict[str, Any]) -> None:
    """Whatever needs interpreting is left to what can interpret it."""
    assert plain_tiff(written(picture, **how), MAX_PIXELS) is None


def test_a_limit_on_size_holds() -> None:
    """A picture of more pixels than allowed is not decoded here."""
    assert plain_tiff(written(PICTURE), 599) is None
    assert plain_tiff(written(PICTURE), 600) is not None


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_a_file_cut_short_is_an_error(compression: str | None) -> None:
    """However much is missing, no picture comes back."""
    noise = np.random.default_rng(0).integers(0, 255, (30, 20)).astype(np.uint8)
    content = written(noise, compression=compression, metadata=None, rowsperstrip=4)
    for kept in range(8, len(content), 5):
        with pytest.raises(UnreadableFileError, match="damaged or truncated"):
            long_way.tiff_pixels(Path("x.tif"), content[:kept], MAX_PIXELS)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([None, "lzw"]),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(8, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damage_is_noticed_as_by_the_long_way(
    compression: str | None, rows: int, damage: list[tuple[int, int]]
) -> None:
    """With any bytes changed, the short way reads the same or leaves it to the long way."""
    content = bytearray(written(PICTURE, compression=compression, rowsperstrip=rows, metadata=None))
    for place, value in damage:
        content[8 + place % (len(content) - 8)] = value
    assert_same(bytes(content))


@pytest.mark.parametrize("rows", [4, 30])
def test_short_strips_are_noticed(rows: int) -> None:
    """A strip that holds fewer bytes than its rows need takes the long way, as the error does."""
    content = bytearray(written(PICTURE, rowsperstrip=rows, metadata=None))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        field = tiff.pages.first.tags[279]
        place, size = field.valueoffset, {3: 2, 4: 4}[int(field.dtype)]
    content[place : place + size] = (50).to_bytes(size, "little")
    assert plain_tiff(bytes(content), MAX_PIXELS) is None
