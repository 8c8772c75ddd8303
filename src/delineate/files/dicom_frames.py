"""One frame of a DICOM file, decoded: every transfer syntax that stores pictures."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_elements import damage_as, name_of, text, whole
from delineate.files.pixels import damaged

_BASE = "1.2.840.10008.1.2"
_NATIVE = frozenset({_BASE, f"{_BASE}.1", f"{_BASE}.2", f"{_BASE}.1.99"})
_RLE = f"{_BASE}.5"
_JPEG_EXTENDED = f"{_BASE}.4.51"
_JPEG = frozenset({f"{_BASE}.4.{end}" for end in (50, 51, 57, 70)})
_JPEG_LS = frozenset({f"{_BASE}.4.80", f"{_BASE}.4.81"})
_JPEG_2000 = frozenset({f"{_BASE}.4.90", f"{_BASE}.4.91"})
_HIGH_THROUGHPUT = frozenset({f"{_BASE}.4.{end}" for end in (201, 202, 203)})
_LOSSY = frozenset({f"{_BASE}.4.{end}" for end in (50, 51, 81)})
_ENDS = b"\xff\xd9"
# Start of frame: FFC0 to FFCF without the tables C4, C8 and CC; F7 in JPEG-LS.
_FRAMES = frozenset(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7})


def is_lossy_syntax(data: Any) -> bool:
    """Whether the way of compressing changes values."""
    return str(data.file_meta.TransferSyntaxUID) in _LOSSY


def decoded_frame(path: Path, data: Any, frame: int, frames: int) -> NDArray[Any]:
    """The stored numbers of one frame (from 0), (H, W) or (H, W, 3) as RGB, in native byte order.

    Raises:
        UnreadableFileError: an encoding that is not known, or damage.
    """
    syntax = str(data.file_meta.TransferSyntaxUID)
    if syntax in _NATIVE:
        _require_whole(path, data, frames)
        return _by_pydicom(path, data, frame, "")
    if syntax == _RLE:
        return _by_pydicom(path, data, frame, "pydicom")
    if syntax not in _JPEG | _JPEG_LS | _JPEG_2000 | _HIGH_THROUGHPUT:
        raise UnreadableFileError(
            f"{path}: expected pixels in a form that can be decoded here, found "
            f"{_name(data)}; convert it to uncompressed DICOM or PNG"
        )
    stream = _stream(path, data, frame, frames)
    _require_agreement(path, data, stream)
    is_deep = syntax == _JPEG_EXTENDED and whole(path, data, "BitsStored") > 8
    if is_deep or syntax in _HIGH_THROUGHPUT:
        return _by_imagecodecs(path, data, stream, syntax)
    return _by_pydicom(path, data, frame, "gdcm")


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG, JPEG-LS or JPEG 2000 stream announces; None if it is none."""
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and len(stream) >= start + 24:
        right, low, left, high = struct.unpack_from(">4I", stream, start + 8)
        return low - high, right - left
    at = 2
    while stream[:2] == b"\xff\xd8" and at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", stream, at + 5)
            return height, width
        # A marker may be filled up with more bytes FF before it.
        at += 1 if marker == 0xFF else 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def _by_pydicom(path: Path, data: Any, frame: int, plugin: str) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    if plugin == "gdcm":
        _quiet_gdcm()
    with damage_as(path, f"the pixels cannot be decoded ({_name(data)})"):
        values = pixel_array(data, index=frame, decoding_plugin=plugin)
    return np.asarray(values, values.dtype.newbyteorder("="))


def _by_imagecodecs(path: Path, data: Any, stream: bytes, syntax: str) -> NDArray[Any]:
    decode = imagecodecs.jpeg_decode if syntax == _JPEG_EXTENDED else imagecodecs.jpeg2k_decode
    with damage_as(path, f"the pixels cannot be decoded ({_name(data)})"):
        values = np.asarray(decode(stream))
    samples = 1 if values.ndim == 2 else values.shape[-1]
    wanted = whole(path, data, "SamplesPerPixel", 1)
    if samples != wanted:
        raise damaged(path, "DICOM", f"{samples} samples a pixel, {wanted} by its header")
    return values


def _stream(path: Path, data: Any, frame: int, frames: int) -> bytes:
    from pydicom.encaps import get_frame

    offsets = None
    if "ExtendedOffsetTable" in data and "ExtendedOffsetTableLengths" in data:
        offsets = (data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths)
    with damage_as(path, f"frame {frame + 1} of {frames} cannot be found"):
        found = get_frame(data.PixelData, frame, extended_offsets=offsets, number_of_frames=frames)
    # Streams are of even length, so that one byte may follow the end.
    if _ENDS not in found[-16:]:
        raise damaged(path, "DICOM", f"the stream of frame {frame + 1} has no end")
    return bytes(found)


def _require_agreement(path: Path, data: Any, stream: bytes) -> None:
    # Decoders make room for what the stream says, which no limit has seen.
    announced = stream_size(stream)
    expected = whole(path, data, "Rows"), whole(path, data, "Columns")
    if announced != expected:
        found = "no size" if announced is None else f"{announced[0]} x {announced[1]} px"
        reason = f"{expected[0]} x {expected[1]} px by its header, {found} by its stream"
        raise damaged(path, "DICOM", reason)


def _require_whole(path: Path, data: Any, frames: int) -> None:
    if "PixelData" not in data:
        return
    numbers = whole(path, data, "Rows") * whole(path, data, "Columns") * frames
    numbers *= whole(path, data, "SamplesPerPixel", 1)
    bits = numbers * whole(path, data, "BitsAllocated")
    if text(path, data, "PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    expected, found = (bits + 7) // 8, len(data.PixelData)
    if found < expected:
        raise damaged(path, "DICOM", f"the pixels end after {found:,} of {expected:,} bytes")


def _name(data: Any) -> str:
    return name_of(data.file_meta.TransferSyntaxUID) or "an unknown transfer syntax"


def _quiet_gdcm() -> None:
    import gdcm

    for off in (gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff, gdcm.Trace.DebugOff):
        off()
