"""Images of every format, and files that are none."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PillowImages

from delineate.core.errors import UnreadableFileError
from delineate.files.image_files import image_size, is_image, read_image

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (37, 53), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
pixels = arrays(
    np.uint8,
    st.one_of(
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
    ),
)


def _save(path: Path, values: np.ndarray, **options: object) -> Path:
    PillowImages.fromarray(values).save(path, **options)
    return path


@settings(max_examples=60, deadline=None)
@given(pixels, st.sampled_from(["PNG", "BMP", "TIFF", "WEBP"]))
def test_lossless_formats_return_what_was_written(values: np.ndarray, kind: str) -> None:
    """What a lossless format was given comes back, whatever the ending says."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"lossless": True} if kind == "WEBP" else {}
        file = _save(Path(folder) / "x.dat", values, format=kind, **options)
        image = read_image(file)
        assert image_size(file) == values.shape[:2]
    wanted = values if values.ndim == 3 else values[..., np.newaxis]
    if kind == "WEBP" and values.ndim == 2:
        wanted = np.repeat(wanted, 3, axis=2)
    np.testing.assert_array_equal(image, wanted)


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]),
        st.tuples(*[st.integers(1, 9)] * 2),
        elements={"min_value": 0, "max_value": 100},
    ),
    st.sampled_from([None, "lzw", "deflate", "packbits", "zstd"]),
    st.sampled_from(["<", ">"]),
)
def test_tiff_codecs_return_what_was_written(
    values: np.ndarray, codec: str | None, order: str
) -> None:
    """Every TIFF codec, type and byte order gives back the same numbers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.tif"
        tifffile.imwrite(file, values, compression=codec, byteorder=order, photometric="minisblack")
        image = read_image(file)
    assert image.dtype == (np.float32 if values.dtype.kind != "u" else values.dtype)
    np.testing.assert_array_equal(image[..., 0], values)


@pytest.mark.parametrize("options", [{"tile": (16, 16)}, {"rowsperstrip": 5}, {"planarconfig": 2}])
def test_tiff_tiles_strips_and_planes(tmp_path: Path, options: dict[str, object]) -> None:
    """The inner order of a TIFF file does not show in the image."""
    stored = np.moveaxis(COLOUR, -1, 0) if "planarconfig" in options else COLOUR
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", compression="lzw", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), COLOUR)


def test_miniswhite_is_the_right_way_round(tmp_path: Path) -> None:
    """A TIFF in which zero is white comes out with white as the highest value."""
    tifffile.imwrite(tmp_path / "x.tif", 255 - GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif")[..., 0], GREY)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif"])
def test_one_bit_images_become_0_and_255(tmp_path: Path, name: str) -> None:
    """One bit a pixel gives black and white."""
    image = read_image(_save(tmp_path / name, GREY > 127))
    np.testing.assert_array_equal(image[..., 0], (GREY > 127) * 255)


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.tif", "x.bmp"])
def test_palette_images_show_their_colours(tmp_path: Path, name: str) -> None:
    """A palette image is RGB in the colours of its palette."""
    picture = PillowImages.fromarray(GREY % 5)
    picture.putpalette([10, 20, 30, 200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9])
    picture.save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name), np.array(picture.convert("RGB")))


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_png_keeps_its_depth(tmp_path: Path, channels: int) -> None:
    """16-bit PNG is not cut to 8 bits, grey or colour."""
    values = np.ascontiguousarray(COLOUR[..., :channels].astype(np.uint16) * 251 + 3)
    (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(values))
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), values)


def test_interlaced_png(tmp_path: Path) -> None:
    """An interlaced PNG, two by two with seven passes, is read like any other."""
    # Adam7 of a 2 x 2 image: pass 1 has (0, 0), pass 6 has (0, 1), pass 7 has row 1.
    rows = b"\x00\x0a" + b"\x00\x14" + b"\x00\x1e\x28"
    (tmp_path / "x.png").write_bytes(_png(2, 2, rows, interlace=1))
    np.testing.assert_array_equal(read_image(tmp_path / "x.png")[..., 0], [[10, 20], [30, 40]])


def test_alpha_is_dropped_or_laid_on_black(tmp_path: Path) -> None:
    """Opaque alpha leaves colours alone; a transparent pixel turns black."""
    opaque = np.dstack([COLOUR, np.full_like(GREY, 255)])
    np.testing.assert_array_equal(read_image(_save(tmp_path / "a.png", opaque)), COLOUR)
    opaque[0, 0, 3] = 0
    assert read_image(_save(tmp_path / "b.png", opaque))[0, 0].tolist() == [0, 0, 0]
    grey = np.dstack([GREY, np.full_like(GREY, 255)])
    np.testing.assert_array_equal(read_image(_save(tmp_path / "c.png", grey))[..., 0], GREY)


# Where the stored top left pixel stands in the upright image, by EXIF's table.
CORNERS = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "tl", 6: "tr", 7: "br", 8: "bl"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif"])
def test_orientation_is_applied(tmp_path: Path, name: str, orientation: int) -> None:
    """The stored first pixel goes where the orientation says, and sides change places from 5."""
    values = np.zeros((24, 40), np.uint8)
    values[:8, :8] = 255
    file = tmp_path / name
    if name == "x.tif":
        tifffile.imwrite(file, values, extratags=[(274, "H", 1, orientation, True)])
    else:
        exif = PillowImages.Exif()
        exif[274] = orientation
        _save(file, values, exif=exif)
    image = read_image(file)[..., 0]
    assert image.shape == image_size(file) == ((40, 24) if orientation >= 5 else (24, 40))
    row, column = (
        -4 if CORNERS[orientation][0] == "b" else 4,
        -4 if CORNERS[orientation][1] == "r" else 4,
    )
    assert image[row, column] > 240
    assert image[-row, -column] < 15


def test_cmyk_jpeg_is_rgb(tmp_path: Path) -> None:
    """Printing inks become the colours they print, not their negatives."""
    red = np.full((16, 16, 3), (220, 10, 10), np.uint8)
    PillowImages.fromarray(red).convert("CMYK").save(tmp_path / "x.jpg", quality=98)
    assert np.abs(read_image(tmp_path / "x.jpg").astype(int) - red).max() < 8


def _png(width: int, height: int, rows: bytes, *, interlace: int = 0) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_huge_size_is_refused_before_decoding(tmp_path: Path) -> None:
    """A header that claims ten thousand million pixels is not believed with memory."""
    (tmp_path / "x.png").write_bytes(_png(100_000, 100_000, b"\0" * 99))
    with pytest.raises(UnreadableFileError, match="at most 200,000,000 pixels, found 100000 x"):
        read_image(tmp_path / "x.png")
    with pytest.raises(UnreadableFileError, match="at most 99 pixels"):
        read_image(_save(tmp_path / "y.tif", GREY), max_pixels=99)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.gif", "x.bmp", "x.webp", "x.tif", "lzw.tif"])
def test_truncated_files_are_errors(tmp_path: Path, name: str, share: float) -> None:
    """No format passes a missing end off as background."""
    options = {"compression": "tiff_lzw"} if name == "lzw.tif" else {}
    whole = _save(tmp_path / name, GREY, **options).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableFileError, match=f"{name}: expected a whole .* truncated"):
        read_image(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a picture\n", "plain text, not an image"),
        (b"", "the file is empty"),
        (b"\x93NUMPY\x01", "a NumPy array"),
        (b"\0" * 200, "all zero bytes"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_files_that_are_no_images_say_what_they_are(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """The message names what was found in a file called .png."""
    (tmp_path / "x.png").write_bytes(content)
    assert not is_image(tmp_path / "x.png")
    with pytest.raises(UnreadableFileError, match=said):
        read_image(tmp_path / "x.png")


def test_folders_pipes_and_missing_files(tmp_path: Path) -> None:
    """What cannot be opened as a file is named, and a pipe is not waited for."""
    with pytest.raises(UnreadableFileError, match="found a folder"):
        read_image(tmp_path)
    with pytest.raises(UnreadableFileError, match="no such file"):
        image_size(tmp_path / "none.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableFileError, match="device or pipe"):
        read_image(tmp_path / "pipe.png")


def test_several_pages_or_frames_are_errors(tmp_path: Path) -> None:
    """A stack is not silently its first slice."""
    tifffile.imwrite(tmp_path / "x.tif", np.stack([GREY, GREY]), photometric="minisblack")
    with pytest.raises(UnreadableFileError, match="TIFF of 2 pages"):
        read_image(tmp_path / "x.tif")
    other = PillowImages.fromarray(255 - GREY)
    file = _save(tmp_path / "x.gif", GREY, save_all=True, append_images=[other])
    with pytest.raises(UnreadableFileError, match="animated GIF of 2 frames"):
        read_image(file)


def test_values_that_are_not_finite_are_errors(tmp_path: Path) -> None:
    """One NaN in an image is told, with how many there are."""
    values = GREY.astype(np.float32)
    values[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "x.tif", values)
    with pytest.raises(UnreadableFileError, match="expected finite values, found 1"):
        read_image(tmp_path / "x.tif")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]),
    st.lists(st.tuples(st.integers(4, 600), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_damage_never_raises_anything_else(kind: str, changes: list[tuple[int, int]]) -> None:
    """Changed bytes give an image or our error, never a foreign exception."""
    with tempfile.TemporaryDirectory() as folder:
        file = _save(Path(folder) / "x", GREY, format=kind)
        content = bytearray(file.read_bytes())
        for place, value in changes:
            content[place % len(content)] = value
        file.write_bytes(content)
        for look in (read_image, image_size):
            try:
                look(file)
            except UnreadableFileError as error:
                assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


def test_bad_tiff_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A user sees one error and no warnings of the libraries beneath."""
    whole = _save(tmp_path / "x.tif", GREY, compression="tiff_lzw").read_bytes()
    (tmp_path / "x.tif").write_bytes(whole[:200])
    with pytest.raises(UnreadableFileError, match="truncated"):
        read_image(tmp_path / "x.tif")
    assert capfd.readouterr() == ("", "")


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    """Their imaginary part would be lost without a word."""
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5), np.complex64))
    with pytest.raises(UnreadableFileError, match="whole or floating-point numbers, found complex"):
        read_image(tmp_path / "a.tif")
