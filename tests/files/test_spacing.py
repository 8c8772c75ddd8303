"""Sizes of pixels, by what the header states first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImages

from delineate.core.errors import UnreadableFileError
from delineate.files.spacing import spacing_of

from .dicom_writing import item, write_dicom

GREY = np.zeros((4, 6), np.uint8)


def pixel_spacing_mm(path: Path) -> tuple[float, float] | None:
    """(row, column), without where they are from."""
    found = spacing_of(path)
    return (found.row_mm, found.column_mm) if found else None


def _region(step: float = 0.02, **changes: object) -> object:
    stated = {
        "RegionSpatialFormat": 1,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": step,
        "PhysicalDeltaY": -2 * step,
    }
    return item(**stated | changes)


def test_rows_come_first(tmp_path: Path) -> None:
    """Pixel spacing is row to row, then column to column, and says where it stood."""
    path = write_dicom(tmp_path / "x", GREY, PixelSpacing=[0.5, 0.25], ImagerPixelSpacing=[1, 1])
    spacing = spacing_of(path)
    assert spacing is not None
    assert (spacing.row_mm, spacing.column_mm) == (0.5, 0.25)
    assert spacing.origin == "PixelSpacing of the DICOM header"
    assert pixel_spacing_mm(path) == (0.5, 0.25)


def test_the_detector_is_said_to_be_the_detector(tmp_path: Path) -> None:
    """A radiograph that knows only its detector says that the body is smaller."""
    spacing = spacing_of(write_dicom(tmp_path / "x", GREY, ImagerPixelSpacing=[0.1, 0.2]))
    assert spacing is not None
    assert (spacing.row_mm, spacing.column_mm) == (0.1, 0.2)
    assert "at the detector" in spacing.origin


def test_a_scanned_film_is_said_to_be_one(tmp_path: Path) -> None:
    """The spacing of a film scanner is the last resort of radiographs."""
    spacing = spacing_of(write_dicom(tmp_path / "x", GREY, NominalScannedPixelSpacing=[0.3, 0.3]))
    assert spacing is not None
    assert "on the scanned film" in spacing.origin


def test_centimetres_of_ultrasound_become_millimetres(tmp_path: Path) -> None:
    """The steps of a 2-D region count, their signs are directions, other regions do not count."""
    regions = [_region(), _region(RegionSpatialFormat=4, PhysicalUnitsXDirection=4), _region()]
    path = write_dicom(tmp_path / "x", GREY, SequenceOfUltrasoundRegions=regions)
    assert pixel_spacing_mm(path) == pytest.approx((0.4, 0.2))


@pytest.mark.parametrize(
    "regions",
    [
        [_region(), _region(0.03)],
        [_region(PhysicalUnitsXDirection=4)],
        [_region(PhysicalDeltaX=0.0)],
        [_region(RegionSpatialFormat=2)],
        [],
    ],
    ids=["two scales", "seconds", "no step", "no picture", "none"],
)
def test_regions_that_do_not_agree_state_nothing(tmp_path: Path, regions: list[object]) -> None:
    """Where no one size holds for all of the picture there is none."""
    path = write_dicom(tmp_path / "x", GREY, SequenceOfUltrasoundRegions=regions)
    assert pixel_spacing_mm(path) is None


def test_frames_have_their_measures_in_groups(tmp_path: Path) -> None:
    """Files of several frames keep the spacing in functional groups."""
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.8])])
    path = write_dicom(
        tmp_path / "x",
        np.zeros((2, 4, 6), np.uint8),
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=[shared],
    )
    assert pixel_spacing_mm(path) == (0.7, 0.8)


@pytest.mark.parametrize("stated", [[0, 0], [0.5, -1], None])
def test_zeros_are_not_a_size(tmp_path: Path, stated: list[float] | None) -> None:
    """What writers fill in when they do not know states nothing."""
    assert pixel_spacing_mm(write_dicom(tmp_path / "x", GREY, PixelSpacing=stated)) is None


def test_dots_per_inch_are_no_size(tmp_path: Path) -> None:
    """The resolution of a PNG says nothing of what was pictured."""
    path = tmp_path / "x.png"
    PillowImages.fromarray(GREY).save(path, dpi=(254, 254))
    assert pixel_spacing_mm(path) is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that is not there is an error, not an unknown size."""
    with pytest.raises(UnreadableFileError, match="gone: no such file"):
        pixel_spacing_mm(tmp_path / "gone")


def test_real_files_state_what_their_headers_hold(shared_data: Path) -> None:
    """Rows differ from columns in a CT, a radiograph has a detector, an ultrasound a region."""
    folder = shared_data / "dicom"
    assert pixel_spacing_mm(folder / "dicomdirtests/98892001/CT2N/6293") == (0.545455, 0.596847)
    radiograph = spacing_of(folder / "dicomdirtests/77654033/CR1/6154")
    assert radiograph is not None
    assert radiograph.row_mm == 0.1
    assert "detector" in radiograph.origin
    assert pixel_spacing_mm(folder / "examples_palette.dcm") == pytest.approx(
        (0.2623, 0.2623), abs=1e-4
    )
    assert pixel_spacing_mm(folder / "examples_jpeg2k.dcm") is None
