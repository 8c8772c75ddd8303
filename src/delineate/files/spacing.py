"""How large a pixel is in millimetres, where a file says so, and on whose word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.files.dicom_elements import damage_as, group_items, number, numbers, whole
from delineate.files.dicom_header import open_dicom
from delineate.files.formats import format_of, read_head

# Units of an ultrasound region's axes: 3 is centimetres. Spatial format 1 is a 2-D picture.
_CENTIMETRES, _TWO_DIMENSIONAL = 3, 1


@dataclass(frozen=True)
class Spacing:
    """The distance of neighbouring pixels: from row to row and from column to column."""

    row_mm: float
    column_mm: float
    origin: str


def spacing_of(path: Path) -> Spacing | None:
    """The size of a pixel as the file states it; None where it states none.

    Only DICOM states it: PNG, TIFF and JPEG keep dots per inch of paper, which say nothing of
    what was pictured. Of several frames it is that of the first.

    Raises:
        UnreadableFileError: the file is missing, or its header damaged.
    """
    path = Path(path)
    if format_of(read_head(path)) != "DICOM":
        return None
    with damage_as(path, "the header cannot be read"):
        return dicom_spacing(path, open_dicom(path))


def dicom_spacing(path: Path, data: Any) -> Spacing | None:
    """The size of a pixel that an opened DICOM file states; None where it states none.

    Raises:
        UnreadableFileError: what it states are no numbers.
    """
    for item in group_items(path, data, 0, "PixelMeasuresSequence"):
        found = _pair(path, item, "PixelSpacing")
        if found is not None:
            return Spacing(*found, "PixelSpacing of the DICOM header")
    for keyword, where in (
        ("ImagerPixelSpacing", "at the detector, so that the body is smaller by the magnification"),
        ("NominalScannedPixelSpacing", "on the scanned film"),
    ):
        found = _pair(path, data, keyword)
        if found is not None:
            return Spacing(*found, f"{keyword} of the DICOM header ({where})")
    found = _ultrasound(path, data)
    return Spacing(*found, "the ultrasound region of the DICOM header") if found else None


def _pair(path: Path, data: Any, keyword: str) -> tuple[float, float] | None:
    sides = numbers(path, data, keyword)
    # Writers that do not know fill in zeros.
    return (sides[0], sides[1]) if len(sides) == 2 and min(sides) > 0 else None


def _ultrasound(path: Path, data: Any) -> tuple[float, float] | None:
    with damage_as(path, "SequenceOfUltrasoundRegions cannot be read"):
        regions = list(data.get("SequenceOfUltrasoundRegions") or ())
    sizes: set[tuple[float, float]] = set()
    for region in regions:
        if whole(path, region, "RegionSpatialFormat", 0) != _TWO_DIMENSIONAL:
            continue
        units = [whole(path, region, f"PhysicalUnits{axis}Direction", 0) for axis in "XY"]
        # The sign of a step is a direction.
        row, column = (abs(number(path, region, f"PhysicalDelta{axis}") or 0) for axis in "YX")
        if units != [_CENTIMETRES, _CENTIMETRES] or not row or not column:
            return None
        sizes.add((10 * row, 10 * column))
    # Two pictures of different scale side by side have no one size of a pixel.
    return sizes.pop() if len(sizes) == 1 else None
