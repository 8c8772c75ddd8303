"""What a DICOM file says about its picture; nothing about a person is ever asked for."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_elements import damage_as, name_of, whole
from delineate.files.formats import DICOM_DIRECTORY
from delineate.files.pixels import damaged

# Only these elements are read. Names, numbers and dates of patients are no part of them, so
# that no message, log or result can hold any.
_ELEMENTS = (
    "SOPClassUID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "LossyImageCompression",
    "RescaleSlope",
    "RescaleIntercept",
    "DoseGridScaling",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
    *(
        f"{segmented}{colour}PaletteColorLookupTable{part}"
        for segmented, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
        for colour in ("Red", "Green", "Blue")
    ),
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "SequenceOfUltrasoundRegions",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
)
_STORED = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# Kinds with pixels that are no picture of anything. Directories have no SOP class of their own.
_MASKS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
}
_IMPLICIT, _EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
# Beside the pixels a header takes little; what unpacks to more is made to fill the memory.
_MOST_UNPACKED = 1 << 31
_PIECE = 1 << 20


def open_dicom(path: Path, content: bytes | None = None) -> Any:
    """The pydicom data set of a file, without its pixels where no `content` is given.

    Raises:
        UnreadableFileError: the file cannot be parsed, or holds no picture.
    """
    import pydicom

    source: Any = path if content is None else io.BytesIO(content)
    with damage_as(path, "the header cannot be read"):
        _require_modest(path, content)
        data = pydicom.dcmread(
            source,
            force=True,
            stop_before_pixels=content is None,
            specific_tags=list(_ELEMENTS),
        )
        _require_picture(path, data)
        _with_transfer_syntax(data)
    return data


def require_stored(path: Path, data: Any) -> str:
    """The keyword of the element that holds the pixels.

    Raises:
        UnreadableFileError: there is none.
    """
    for keyword in _STORED:
        if data.get(keyword):
            return keyword
    raise UnreadableFileError(
        f"{path}: expected an image, found a DICOM file {_kind(data)} without pixels; remove it"
    )


def frame_count(path: Path, data: Any) -> int:
    """How many frames there are, at least one.

    Raises:
        UnreadableFileError: the count is no positive whole number.
    """
    count = whole(path, data, "NumberOfFrames", 1)
    if count < 1:
        raise damaged(path, "DICOM", f"NumberOfFrames is {count}")
    return count


def _require_picture(path: Path, data: Any) -> None:
    meta = getattr(data, "file_meta", None) or {}
    if str(meta.get("MediaStorageSOPClassUID", "")) == DICOM_DIRECTORY:
        raise UnreadableFileError(
            f"{path}: expected an image, found a DICOM directory, which only lists images; "
            "give the images themselves"
        )
    kind = _MASKS.get(str(data.get("SOPClassUID", "")))
    if kind is not None:
        raise UnreadableFileError(
            f"{path}: expected an image, found {kind} in DICOM, which holds masks; "
            "remove it, or export its masks as PNG"
        )
    if "Rows" not in data or "Columns" not in data:
        raise UnreadableFileError(
            f"{path}: expected an image, found a DICOM file {_kind(data)} without pixels; remove it"
        )


def _kind(data: Any) -> str:
    known = name_of(data.get("SOPClassUID"))
    return f"({known.removesuffix(' Storage')})" if known else "of unknown kind"


def _with_transfer_syntax(data: Any) -> None:
    # Old files lack the word on their encoding, or all of the preamble; pydicom has seen it.
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    if getattr(data, "file_meta", None) is None:
        data.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in data.file_meta:
        is_implicit, is_little = data.original_encoding
        explicit = _EXPLICIT if is_little else _BIG_ENDIAN
        data.file_meta.TransferSyntaxUID = UID(_IMPLICIT if is_implicit else explicit)


def _require_modest(path: Path, content: bytes | None) -> None:
    # pydicom unpacks a deflated file in one go, whatever it grows to.
    if content is None:
        with path.open("rb") as file:
            head = file.read(1024)
    else:
        head = content[:1024]
    if _DEFLATED.encode() not in head:
        return
    packed = path.read_bytes() if content is None else content
    start = packed.find(b"\x02\x00\x00\x00UL\x04\x00")
    if start < 0:
        raise damaged(path, "DICOM", "the length of its first part is missing")
    begin = start + 12 + int.from_bytes(packed[start + 8 : start + 12], "little")
    inflater, grown, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, packed[begin:]
    while rest and not inflater.eof and grown <= _MOST_UNPACKED:
        grown += len(inflater.decompress(rest, _PIECE))
        rest = inflater.unconsumed_tail
    if grown > _MOST_UNPACKED:
        raise UnreadableFileError(
            f"{path}: expected a DICOM file of at most {_MOST_UNPACKED:,} bytes when unpacked, "
            "found more; write it without the deflated encoding"
        )
