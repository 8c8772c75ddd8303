"""What a DICOM file says about its picture; nothing about a person is ever asked for."""

from __future__ import annotations

import io
import logging
import math
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delineate.core.errors import UnreadableFileError
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

_mute_lock = threading.Lock()
_mute_depth = 0
_mute_before: list[Any] = []


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """pydicom neither warns nor logs meanwhile, for it quotes values; threads may share it."""
    global _mute_depth
    logger = logging.getLogger("pydicom")
    with _mute_lock:
        if _mute_depth == 0:
            caught = warnings.catch_warnings()
            caught.__enter__()
            warnings.filterwarnings("ignore", module=r"(pydicom|delineate\.files)\b")
            _mute_before[:] = [caught, logger.level]
            logger.setLevel(logging.CRITICAL + 1)
        _mute_depth += 1
    try:
        yield
    finally:
        with _mute_lock:
            _mute_depth -= 1
            if _mute_depth == 0:
                caught, level = _mute_before
                logger.setLevel(level)
                caught.__exit__(None, None, None)


@contextmanager
def damage_as(path: Path, reason: str) -> Iterator[None]:
    """Whatever pydicom or a decoder raises on hostile bytes becomes damage, in our own words.

    Theirs may quote values of the file, so that neither words nor cause are kept.
    """
    try:
        with quiet_pydicom():
            yield
    except UnreadableFileError:
        raise
    except Exception:  # noqa: BLE001 - parsers and decoders raise anything on hostile bytes
        raise damaged(path, "DICOM", reason) from None


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
        if keyword in data:
            return keyword
    raise UnreadableFileError(
        f"{path}: expected an image, found a DICOM file {_kind(data)} without pixels; remove it"
    )


def number(path: Path, data: Any, keyword: str) -> float | None:
    """The first value of an element, None where it is missing or empty.

    Raises:
        UnreadableFileError: what stands there is not a finite number.
    """
    listed = numbers(path, data, keyword)
    return listed[0] if listed else None


def numbers(path: Path, data: Any, keyword: str) -> list[float]:
    """All values of an element, none where it is missing or empty.

    Raises:
        UnreadableFileError: something among them is not a finite number.
    """
    reason = f"{keyword} is not a number"
    with damage_as(path, reason):
        value = data.get(keyword)
        if value is None or value == "":
            return []
        listed = [value] if isinstance(value, str | int | float) else list(value)
        found = [float(each) for each in listed]
    if not all(map(math.isfinite, found)):
        raise damaged(path, "DICOM", reason)
    return found


def whole(path: Path, data: Any, keyword: str, default: int | None = None) -> int:
    """The whole number of an element.

    Raises:
        UnreadableFileError: it is missing without a default, or something else.
    """
    value = number(path, data, keyword)
    if value is None:
        if default is None:
            raise damaged(path, "DICOM", f"{keyword} is missing")
        return default
    if value != int(value):
        raise damaged(path, "DICOM", f"{keyword} is not a whole number")
    return int(value)


def text(path: Path, data: Any, keyword: str) -> str:
    """The value of a code string in capitals; empty where there is none.

    Raises:
        UnreadableFileError: it cannot be read.
    """
    with damage_as(path, f"{keyword} cannot be read"):
        value = data.get(keyword)
    return value.strip().upper() if isinstance(value, str) else ""


def group_items(path: Path, data: Any, frame: int, keyword: str) -> list[Any]:
    """What holds for one frame (from 0): its functional group, the shared one, the file itself.

    Raises:
        UnreadableFileError: the groups cannot be read.
    """
    found = []
    for sequence, position in (
        ("PerFrameFunctionalGroupsSequence", frame),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        with damage_as(path, f"{sequence} cannot be read"):
            groups = data.get(sequence) or []
            if position < len(groups) and len(groups[position].get(keyword) or []):
                found.append(groups[position][keyword].value[0])
    return [*found, data]


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


def name_of(uid: Any) -> str | None:
    """What the standard calls a UID; None for others, which may be anything."""
    from pydicom.uid import UID

    known = UID(str(uid or ""))
    return str(known.name) if known.name != str(known) else None


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
