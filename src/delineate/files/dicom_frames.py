"""One frame of a DICOM file, decoded: every transfer syntax that stores pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_elements import damage_as, name_of, text, whole
from delineate.files.dicom_streams import decoded_stream, stream_header
from delineate.files.pixels import damaged

_BASE = "1.2.840.10008.1.2"
_NATIVE = frozenset({_BASE, f"{_BASE}.1", f"{_BASE}.2", f"{_BASE}.1.99"})
_RLE = f"{_BASE}.5"
# JPEG, JPEG-LS, JPEG 2000 and its high-throughput kind. Video and others are refused by name.
_STREAMS = frozenset(f"{_BASE}.4.{end}" for end in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203))
_LOSSY = frozenset(f"{_BASE}.4.{end}" for end in (50, 51, 81))
_END = b"\xff\xd9"
_LUMA_AND_CHROMA = ("YBR_FULL", "YBR_FULL_422")


def is_lossy_syntax(data: Any) -> bool:
    """Whether the way of compressing changes values."""
    return str(data.file_meta.TransferSyntaxUID) in _LOSSY


def decoded_frame(path: Path, data: Any, frame: int, frames: int) -> NDArray[Any]:
    """The stored numbers of one frame (from 0), (H, W) or (H, W, 3) as RGB, in native byte order.

    Raises:
        UnreadableFileError: an encoding that is not known, or damage.
    """
    syntax = str(data.file_meta.TransferSyntaxUID)
    if syntax in _STREAMS:
        return _from_stream(path, data, _stream(path, data, frame, frames))
    if syntax not in _NATIVE and syntax != _RLE:
        raise UnreadableFileError(
            f"{path}: expected pixels in a form that can be decoded here, found "
            f"{_name(data)}; convert it to uncompressed DICOM or PNG"
        )
    if syntax in _NATIVE:
        _require_whole(path, data, frames)
    from pydicom.pixels.utils import pixel_array

    with damage_as(path, f"the pixels cannot be decoded ({_name(data)})"):
        values = pixel_array(data, index=frame)
    return np.asarray(values, values.dtype.newbyteorder("="))


def _from_stream(path: Path, data: Any, stream: bytes) -> NDArray[Any]:
    # Decoders make room for what the stream says, which no limit has seen.
    header = stream_header(stream)
    expected = tuple(whole(path, data, side) for side in ("Rows", "Columns"))
    samples = whole(path, data, "SamplesPerPixel", 1)
    if header is None:
        raise damaged(path, "DICOM", f"no {_name(data)} where the pixels should be")
    if (header.height, header.width) != expected:
        sizes = f"{expected[0]} x {expected[1]} px by its header, {header.height} x {header.width}"
        raise damaged(path, "DICOM", f"{sizes} by its pixels")
    if header.samples != samples:
        reason = f"{samples} samples a pixel by its header, {header.samples} by its pixels"
        raise damaged(path, "DICOM", reason)
    meaning = text(path, data, "PhotometricInterpretation")
    with damage_as(path, f"the pixels cannot be decoded ({_name(data)})"):
        values, is_rgb = decoded_stream(
            stream,
            header,
            is_rgb=meaning == "RGB",
            is_signed=bool(whole(path, data, "PixelRepresentation", 0)),
            bits_stored=whole(path, data, "BitsStored"),
        )
        if meaning in _LUMA_AND_CHROMA and not is_rgb:
            from pydicom.pixels.processing import convert_color_space

            values = convert_color_space(values, "YBR_FULL", "RGB")
    if values.shape[:2] != expected:
        raise damaged(path, "DICOM", f"the pixels are not whole ({_name(data)})")
    return values


def _stream(path: Path, data: Any, frame: int, frames: int) -> bytes:
    from pydicom.encaps import get_frame

    offsets = None
    if "ExtendedOffsetTable" in data and "ExtendedOffsetTableLengths" in data:
        offsets = (data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths)
    with damage_as(path, f"frame {frame + 1} of {frames} cannot be found"):
        found = get_frame(data.PixelData, frame, extended_offsets=offsets, number_of_frames=frames)
    # Cut streams decode to grey. Streams are of even length, so that bytes may follow the end.
    if _END not in found[-16:]:
        raise damaged(path, "DICOM", f"the pixels of frame {frame + 1} have no end")
    return bytes(found)


def _require_whole(path: Path, data: Any, frames: int) -> None:
    if not data.get("PixelData"):
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
