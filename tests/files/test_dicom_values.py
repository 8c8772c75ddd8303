"""Windows, tables and rescales of DICOM against hand counts and pydicom's own functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.uid import ExplicitVRBigEndian

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_values import Window
from delineate.files.image_files import read_image

from .dicom_writing import item, write_dicom

RAMP = np.arange(-2048, 2048, 17, dtype=np.int16).reshape(1, -1)


def test_linear_window_counted_by_hand() -> None:
    """Centre 2048 and width 4096 spread 0 to 4095 over black to white, as the standard's note."""
    shown = Window(2048, 4096)(np.array([-1.0, 0, 2047.5, 4095, 4096]))
    np.testing.assert_allclose(shown, [0, 0, 0.5, 1, 1])


def test_a_window_of_one_is_a_threshold() -> None:
    """Width 1 parts black from white half a step below the centre."""
    assert Window(10, 1)(np.array([9.0, 9.5, 10.0])).tolist() == [0, 0, 1]


def test_exact_and_sigmoid_windows_counted_by_hand() -> None:
    """The exact window has no half step; the sigmoid is a half at its centre."""
    values = np.array([0.0, 5, 10])
    assert Window(5, 10, "LINEAR_EXACT")(values).tolist() == [0, 0.5, 1]
    curve = Window(5, 10, "SIGMOID")(values)
    np.testing.assert_allclose(curve, [1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2)])


def test_sigmoid_far_away_neither_overflows_nor_warns() -> None:
    """Values far from a narrow sigmoid are plain black and white."""
    curve = Window(0, 1e-6, "SIGMOID")(np.array([-1e9, 1e9]))
    np.testing.assert_allclose(curve, [0, 1], atol=1e-30)


@settings(max_examples=40, deadline=None)
@given(
    center=st.integers(-1500, 1500),
    width=st.integers(2, 4000),
    slope=st.sampled_from([1.0, 0.684, 2.5]),
    intercept=st.sampled_from([0.0, -1024.0, 200.0]),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_are_pydicoms(
    tmp_path_factory: pytest.TempPathFactory,
    center: int,
    width: int,
    slope: float,
    intercept: float,
    function: str,
) -> None:
    """Rescale and window give what pydicom computes, spread over 16 bits."""
    path = tmp_path_factory.mktemp("window") / "x"
    write_dicom(
        path,
        RAMP,
        WindowCenter=center,
        WindowWidth=width,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        VOILUTFunction=function,
    )
    image = read_image(path)
    data = dcmread(path)
    with np.errstate(over="ignore"):
        theirs = apply_windowing(apply_modality_lut(data.pixel_array, data), data)
    low, high = (apply_modality_lut(np.array(end), data) for end in (-32768, 32767))
    share = (theirs - low) / (high - low)
    assert image.dtype == np.uint16
    assert np.abs(image[..., 0] - share * 65535).max() < 0.51


def test_the_first_of_several_windows_counts(tmp_path: Path) -> None:
    """Of two windows the first is shown."""
    values = np.array([[0, 100, 200]], np.uint16)
    first = read_image(write_dicom(tmp_path / "a", values, WindowCenter=101, WindowWidth=201))
    both = write_dicom(tmp_path / "b", values, WindowCenter=[101, 9], WindowWidth=[201, 3])
    np.testing.assert_array_equal(read_image(both), first)
    assert first[0, :, 0].tolist() == [0, 32604, 65371]  # (x - 100.5) / 200 + 1/2 of 65535


@pytest.mark.parametrize("width", [0, 0.5, -3])
def test_impossible_windows_count_as_none(tmp_path: Path, width: float) -> None:
    """A window that the standard forbids leaves the values alone."""
    values = np.array([[3, 900]], np.uint16)
    path = write_dicom(tmp_path / "x", values, WindowCenter=5, WindowWidth=width)
    np.testing.assert_array_equal(read_image(path)[..., 0], values)


def test_eight_bits_are_shown_as_eight(tmp_path: Path) -> None:
    """Stored numbers of 8 bits with a window give 0 to 255."""
    values = np.array([[5, 250]], np.uint8)
    image = read_image(write_dicom(tmp_path / "x", values, WindowCenter=128, WindowWidth=256))
    assert image.dtype == np.uint8
    assert image[0, :, 0].tolist() == [5, 250]


@pytest.mark.parametrize("extra", [{}, {"WindowCenter": 500, "WindowWidth": 800}])
@pytest.mark.parametrize("slope", [1, 0.5])
def test_monochrome1_is_the_mirror_of_monochrome2(
    tmp_path: Path, slope: float, extra: dict[str, float]
) -> None:
    """Where the lowest value is white, all is turned round, with a window or without."""
    values = np.arange(0, 1024, 7, dtype=np.uint16)[None]
    stated = {"BitsStored": 10, "RescaleSlope": slope, "RescaleIntercept": 0, **extra}
    plain = read_image(write_dicom(tmp_path / "2", values, **stated))
    turned = read_image(
        write_dicom(tmp_path / "1", values, PhotometricInterpretation="MONOCHROME1", **stated)
    )
    top = 65535 if extra else 1023 * slope
    assert turned.dtype == plain.dtype
    assert turned[0, 0, 0] > turned[0, -1, 0]
    np.testing.assert_allclose(turned.astype(float) + plain, top, atol=1)


def test_rescaled_values_without_a_window_are_what_they_stand_for(tmp_path: Path) -> None:
    """Hounsfield units come out as such."""
    values = np.array([[24, 1024, 4095]], np.int16)
    image = read_image(write_dicom(tmp_path / "x", values, RescaleSlope=1, RescaleIntercept=-1024))
    assert image.dtype == np.float32
    assert image[0, :, 0].tolist() == [-1000, 0, 3071]


@pytest.mark.parametrize("syntax", [None, ExplicitVRBigEndian])
@pytest.mark.parametrize("first", [0, 20])
def test_tables_are_pydicoms(tmp_path: Path, first: int, syntax: str | None) -> None:
    """Modality and VOI tables give what pydicom gives, in either byte order."""
    values = np.arange(64, dtype=np.uint16)[None]
    modality = [int(v) for v in np.linspace(0, 1000, 40) ** 1.02]
    shown = [int(v) for v in np.linspace(4095, 0, 1001)]
    path = write_dicom(
        tmp_path / "x",
        values,
        **({"syntax": syntax} if syntax else {}),
        ModalityLUTSequence=[
            item(LUTDescriptor=[40, first, 16], LUTData=modality, ModalityLUTType="US")
        ],
        VOILUTSequence=[item(LUTDescriptor=[1001, 0, 12], LUTData=shown)],
    )
    data = dcmread(path)
    theirs = apply_voi_lut(apply_modality_lut(data.pixel_array, data), data)
    image = read_image(path)
    assert len(np.unique(image)) > 20
    np.testing.assert_allclose(image[..., 0], theirs / 4095 * 65535, atol=0.51)


def test_a_table_may_begin_below_zero(tmp_path: Path) -> None:
    """For signed numbers the first entry's place is read as signed too."""
    values = np.array([[-9, -2, -1, 0, 5]], np.int16)
    table = item(LUTDescriptor=[3, 65534, 8], LUTData=[0, 100, 255])
    image = read_image(write_dicom(tmp_path / "x", values, VOILUTSequence=[table]))
    assert image[0, :, 0].tolist() == [0, 0, 25700, 65535, 65535]


def test_a_short_table_is_damage(tmp_path: Path) -> None:
    """A table of fewer entries than it states is refused."""
    table = item(LUTDescriptor=[9, 0, 8], LUTData=[1, 2, 3])
    path = write_dicom(tmp_path / "x", np.zeros((2, 2), np.uint8), VOILUTSequence=[table])
    with pytest.raises(UnreadableFileError, match=r"x: .*its VOI table is not whole"):
        read_image(path)


def test_an_unknown_window_function_is_refused(tmp_path: Path) -> None:
    """What a curve of another name would show is not guessed."""
    path = write_dicom(
        tmp_path / "x",
        np.zeros((2, 2), np.uint16),
        WindowCenter=1,
        WindowWidth=2,
        VOILUTFunction="GAMMA",
    )
    with pytest.raises(UnreadableFileError, match=r"expected a window function LINEAR, .* SIGMOID"):
        read_image(path)


def test_each_frame_has_its_own_window_and_rescale(tmp_path: Path) -> None:
    """Functional groups of a frame go before those that are shared, and those before the file."""
    values = np.full((2, 1, 2), 10, np.uint16)
    own = item(FrameVOILUTSequence=[item(WindowCenter=10.5, WindowWidth=2)])
    shared = item(
        FrameVOILUTSequence=[item(WindowCenter=1000, WindowWidth=2)],
        PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=990)],
    )
    path = write_dicom(
        tmp_path / "x",
        values,
        NumberOfFrames=2,
        WindowCenter=5,
        WindowWidth=2,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[own, item()],
    )
    # 10 + 990 = 1000: far above the window of frame 1, and half a step above centre in frame 2.
    assert read_image(path, frame=1)[0, 0, 0] == 65535
    assert read_image(path, frame=2)[0, 0, 0] == 65535
    lower = write_dicom(
        tmp_path / "y",
        values,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[
            item(),
            item(FrameVOILUTSequence=[item(WindowCenter=1001, WindowWidth=3)]),
        ],
    )
    assert read_image(lower, frame=2)[0, 0, 0] == 16384  # (1000 - 1000.5) / 2 + 1/2, of 65535


def test_a_slope_of_nothing_is_no_slope(tmp_path: Path) -> None:
    """A rescale that was not filled in does not make the picture flat."""
    values = np.array([[1, 2]], np.uint16)
    path = write_dicom(tmp_path / "x", values, RescaleSlope=0, RescaleIntercept=0)
    np.testing.assert_array_equal(read_image(path)[..., 0], values)


def test_doses_are_scaled(tmp_path: Path) -> None:
    """A grid of doses has a scaling of its own in place of a rescale."""
    values = np.array([[1000, 3000]], np.uint32)
    image = read_image(write_dicom(tmp_path / "x", values, DoseGridScaling="0.001"))
    np.testing.assert_allclose(image[0, :, 0], [1, 3])
