"""Shades: the values of an image before any window, and what a window starts at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from delineate.core.errors import TooManyPixelsError, UnknownFormatError
from delineate.files.image_files import read_image
from delineate.files.shades import Picture, Shades, picture_from

from .dicom_writing import item, write_dicom

NUMBERS = np.array([[0, 10, 20], [100, 1000, 4000]], np.uint16)


def pictured(path: Path, values: np.ndarray, **elements: Any) -> Picture:
    """What comes out of a DICOM file of these numbers."""
    write_dicom(path / "a.dcm", values, **elements)
    return picture_from(Path("a.dcm"), (path / "a.dcm").read_bytes())


def grey(picture: Picture) -> Shades:
    """The shades, which must be there."""
    assert picture.shades is not None
    assert picture.shades.steps.dtype == np.uint16
    assert picture.shades.slope > 0
    return picture.shades


def values_of(shades: Shades) -> np.ndarray:
    """The values that the shades stand for."""
    return shades.slope * shades.steps.astype(np.float64) + shades.intercept


def test_rescaled_values_come_back_exactly(tmp_path: Path) -> None:
    """Stored 0..4000 with slope 2 and intercept -1000 are -1000..7000."""
    shades = grey(pictured(tmp_path, NUMBERS, RescaleSlope=2, RescaleIntercept=-1000))
    assert values_of(shades).tolist() == (NUMBERS * 2.0 - 1000).tolist()


def test_signed_numbers_come_back_exactly(tmp_path: Path) -> None:
    """Numbers below zero keep their values."""
    stored = np.array([[-32768, -5, 0], [3, 900, 32767]], np.int16)
    assert values_of(grey(pictured(tmp_path, stored))).tolist() == stored.astype(float).tolist()


def test_a_falling_slope_still_rises_from_step_to_step(tmp_path: Path) -> None:
    """With slope -1 more is darker in the file, and a higher step is a higher value here."""
    shades = grey(pictured(tmp_path, NUMBERS, RescaleSlope=-1, RescaleIntercept=5))
    assert values_of(shades).tolist() == (5.0 - NUMBERS).tolist()


@pytest.mark.parametrize("slope", [1, -2])
def test_low_values_shown_white_are_turned_round(tmp_path: Path, slope: int) -> None:
    """MONOCHROME1 is mirrored within the range of its 12 bits: the lowest is the brightest."""
    shades = grey(
        pictured(
            tmp_path,
            NUMBERS,
            BitsStored=12,
            HighBit=11,
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=slope,
            RescaleIntercept=7,
        )
    )
    both_ends = (0 * slope + 7) + (4095 * slope + 7)
    assert values_of(shades).tolist() == (both_ends - (NUMBERS * float(slope) + 7)).tolist()
    assert "MONOCHROME1" in shades.window.origin


@pytest.mark.parametrize(
    ("elements", "low", "high"),
    [
        ({}, 39.5 - 49.5, 39.5 + 49.5),
        ({"VOILUTFunction": "LINEAR_EXACT"}, -10, 90),
        ({"VOILUTFunction": "SIGMOID"}, -10, 90),
    ],
)
def test_the_window_of_the_header_comes_first(
    tmp_path: Path, elements: dict[str, Any], low: float, high: float
) -> None:
    """Centre 40 and width 100, by the standard's formula of each function."""
    picture = pictured(tmp_path, NUMBERS, WindowCenter=40, WindowWidth=100, **elements)
    window = grey(picture).window
    assert (window.low, window.high) == (low, high)
    assert "WindowCenter" in window.origin


@pytest.mark.parametrize("meaning", ["MONOCHROME1", "MONOCHROME2"])
def test_its_window_shows_what_the_model_sees(tmp_path: Path, meaning: str) -> None:
    """Shades drawn through the header's window are the image that `read_image` gives."""
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    picture = pictured(
        tmp_path,
        stored,
        BitsStored=12,
        HighBit=11,
        PhotometricInterpretation=meaning,
        WindowCenter=1500,
        WindowWidth=2001,
        RescaleSlope=1,
        RescaleIntercept=-100,
    )
    shades = grey(picture)
    low, high = shades.window.low, shades.window.high
    drawn = np.clip((values_of(shades) - low) / (high - low), 0, 1) * 65535
    assert np.abs(drawn - picture.image[..., 0]).max() <= 0.51
    assert (picture.image == read_image(tmp_path / "a.dcm")).all()


def test_a_table_of_values_is_followed(tmp_path: Path) -> None:
    """A modality table gives the values, and a VOI table its range as a window."""
    table = item(LUTDescriptor=[3, 0, 16], LUTData=[500, 700, 900])
    shown = item(LUTDescriptor=[200, 450, 8], LUTData=list(range(200)))
    stored = np.array([[0, 1, 2]], np.uint8)
    picture = pictured(tmp_path, stored, ModalityLUTSequence=[table], VOILUTSequence=[shown])
    shades = grey(picture)
    assert values_of(shades).tolist() == [[500, 700, 900]]
    assert (shades.window.low, shades.window.high) == (450, 649)


def test_wide_numbers_are_spread_over_all_steps(tmp_path: Path) -> None:
    """32-bit numbers keep their ends, and lose at most half a step between."""
    stored = np.array([[0, 123_456_789], [3_000_000_000, 4_000_000_000]], np.uint32)
    shades = grey(pictured(tmp_path, stored))
    assert shades.steps.min() == 0
    assert shades.steps.max() == 65535
    assert np.abs(values_of(shades) - stored).max() <= shades.slope / 2


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-(2.0**90), 2.0**90, width=32),
    )
)
def test_floats_keep_their_order_and_ends(values: np.ndarray) -> None:
    """Any floats come back within half a step of their range."""
    shades = grey(picture_from(Path("a.tif"), _tiff(values)))
    span = float(values.max()) - float(values.min())
    wrong = np.abs(values_of(shades) - values.astype(np.float64)).max()
    assert wrong <= span / 65535 * 0.51 + np.abs(values).max() * 1e-12
    assert shades.window.low < shades.window.high


@given(
    arrays.arrays(
        np.uint16, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40), fill=st.nothing()
    )
)
def test_the_window_of_other_images_is_that_of_percentiles(values: np.ndarray) -> None:
    """0.5th and 99.5th percentile as NumPy has them, found by counting."""
    shades = grey(picture_from(Path("a.png"), imagecodecs.png_encode(values)))
    low, high = np.percentile(values, [0.5, 99.5])
    if low < high:
        assert (shades.window.low, shades.window.high) == pytest.approx((low, high))
        assert "percentile" in shades.window.origin
    assert shades.window.low < shades.window.high
    assert (shades.steps == values).all()


def test_nearly_one_value_is_shown_between_its_ends() -> None:
    """One odd pixel in a thousand: the ends count; of one value, what is around it."""
    values = np.full((40, 25), 7, np.uint16)
    flat = grey(picture_from(Path("a.png"), imagecodecs.png_encode(values)))
    assert (flat.window.low, flat.window.high) == (6.5, 7.5)
    values[3, 3] = 300
    window = grey(picture_from(Path("a.png"), imagecodecs.png_encode(values))).window
    assert (window.low, window.high) == (7, 300)


def test_pictures_of_8_bits_and_colours_have_no_shades(tmp_path: Path) -> None:
    """What is shown as it is needs no window, but for grey DICOM, whose window is a choice."""
    narrow = NUMBERS.astype(np.uint8)
    assert picture_from(Path("a.png"), imagecodecs.png_encode(narrow)).shades is None
    deep = imagecodecs.png_encode(np.zeros((4, 5, 3), np.uint16))
    assert picture_from(Path("a.png"), deep).shades is None
    assert grey(pictured(tmp_path, narrow)).steps.tolist() == (narrow - narrow.min()).tolist()
    colours = pictured(tmp_path, np.zeros((4, 5, 3), np.uint8))
    assert colours.shades is None


def test_spacing_and_format_come_along(tmp_path: Path) -> None:
    """What the header says of millimetres is read in the same go."""
    picture = pictured(tmp_path, NUMBERS, PixelSpacing=[0.5, 0.25])
    assert picture.format == "DICOM"
    assert picture.spacing is not None
    assert (picture.spacing.row_mm, picture.spacing.column_mm) == (0.5, 0.25)


def test_refusals_are_told_apart() -> None:
    """No image, and too large an image, are errors of their own kinds."""
    with pytest.raises(UnknownFormatError, match="plain text"):
        picture_from(Path("a.png"), b"some words")
    with pytest.raises(TooManyPixelsError, match="at most 5 pixels, found 2 x 3"):
        picture_from(Path("a.png"), imagecodecs.png_encode(NUMBERS), max_pixels=5)


def _tiff(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="minisblack")
    return buffer.getvalue()
