"""DICOM as pixels: one frame, the right way round, in its window or colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SeveralFramesError, UnreadableFileError
from delineate.files.dicom_elements import damage_as, number, text, whole
from delineate.files.dicom_frames import decoded_frame, is_lossy_syntax
from delineate.files.dicom_header import frame_count, open_dicom, require_stored
from delineate.files.dicom_values import Grey, grey_of
from delineate.files.pixels import Pixels, damaged, require_pixels

_GREYS = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PALETTE = "PALETTE COLOR"


def dicom_size(path: Path) -> tuple[int, int]:
    """(height, width), from the header.

    Raises:
        UnreadableFileError: no picture, several frames, or a damaged header.
    """
    with damage_as(path, "the header cannot be read"):
        data = open_dicom(path)
        _chosen_frame(path, frame_count(path, data), None)
        return whole(path, data, "Rows"), whole(path, data, "Columns")


def dicom_pixels(path: Path, content: bytes, max_pixels: int, frame: int | None = None) -> Pixels:
    """The picture of a file, or the frame that is asked for, counted from 1.

    Raises:
        UnreadableFileError: no picture, several frames and none chosen, or damage.
    """
    with damage_as(path, "it cannot be read"):
        data = open_dicom(path, content)
        return frame_pixels(path, data, read_frame(path, data, max_pixels, frame))


@dataclass(frozen=True)
class DicomFrame:
    """The stored numbers of a frame, (H, W) or (H, W, 3), and what they mean.

    `grey` is None of colours, palettes and floats.
    """

    stored: NDArray[Any]
    meaning: str
    samples: int
    bits: int
    grey: Grey | None


def read_frame(path: Path, data: Any, max_pixels: int, frame: int | None = None) -> DicomFrame:
    """One frame of an opened file, decoded, but as it is stored.

    Raises:
        UnreadableFileError: as `dicom_pixels`.
    """
    require_stored(path, data)
    frames = frame_count(path, data)
    position = _chosen_frame(path, frames, frame)
    require_pixels(path, whole(path, data, "Rows"), whole(path, data, "Columns"), max_pixels)
    meaning = text(path, data, "PhotometricInterpretation")
    samples = whole(path, data, "SamplesPerPixel", 1)
    _require_known(path, data, meaning, samples)
    stored = decoded_frame(path, data, position, frames)
    bits, grey = stored.dtype.itemsize * 8, None
    if stored.dtype.kind != "f":
        bits = whole(path, data, "BitsStored")
        if meaning in _GREYS:
            grey = grey_of(path, data, position, is_inverted=meaning == "MONOCHROME1")
    return DicomFrame(stored, meaning, samples, bits, grey)


def frame_pixels(path: Path, data: Any, frame: DicomFrame) -> Pixels:
    """A decoded frame, the right way round, in its window or colours.

    Raises:
        UnreadableFileError: a palette that is not whole.
    """
    values, palette, top = frame.stored, None, None
    is_narrow = frame.bits < values.dtype.itemsize * 8
    if frame.meaning == _PALETTE:
        values, palette = _indices(path, data, values)
    elif frame.meaning in _COLOURS:
        top = (1 << frame.bits) - 1 if is_narrow else None
    elif frame.grey is not None:
        values, top = frame.grey(values), frame.grey.top if is_narrow else None
    return Pixels(
        values,
        mode=f"DICOM, {frame.samples} x {frame.bits} bit",
        palette=palette,
        is_lossy=is_lossy_syntax(data) or text(path, data, "LossyImageCompression") == "01",
        top=top,
    )


def _chosen_frame(path: Path, frames: int, frame: int | None) -> int:
    if frame is None:
        if frames > 1:
            raise SeveralFramesError(
                f"{path}: expected one image, found a DICOM file of {frames} frames; choose one "
                f"with --frame 1 to {frames}, or write each frame to a file of its own"
            )
        return 0
    require_frame(path, frame, frames)
    return frame - 1


def require_frame(path: Path, frame: int, frames: int) -> None:
    """Refuse a frame that a file does not have.

    Raises:
        UnreadableFileError: naming how many there are.
    """
    if not 1 <= frame <= frames:
        held = "1 frame" if frames == 1 else f"{frames} frames"
        raise UnreadableFileError(
            f"{path}: expected --frame to be from 1 to {frames}, found {frame}; the file has {held}"
        )


def _require_known(path: Path, data: Any, meaning: str, samples: int) -> None:
    if meaning not in (*_GREYS, *_COLOURS, _PALETTE):
        raise UnreadableFileError(
            f"{path}: expected grey, RGB, YBR or palette colours, found a DICOM file of another "
            "photometric interpretation; export it as RGB"
        )
    wanted = 3 if meaning in _COLOURS else 1
    if samples != wanted:
        raise damaged(path, "DICOM", f"{samples} samples a pixel where {meaning} has {wanted}")
    if not data.get("PixelData"):
        if meaning != "MONOCHROME2":
            raise damaged(path, "DICOM", f"floats of {meaning}, which have no meaning")
        return
    allocated, stored = whole(path, data, "BitsAllocated"), whole(path, data, "BitsStored")
    high = number(path, data, "HighBit")
    if not 1 <= stored <= allocated <= 32 or high not in (None, stored - 1):
        raise damaged(path, "DICOM", f"{stored} bits stored in {allocated}, the highest elsewhere")


def _indices(path: Path, data: Any, stored: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    # pydicom knows the segmented kind of table; it is asked for each entry once.
    from pydicom.pixels.processing import apply_color_lut

    with damage_as(path, "its palette is not whole"):
        count, first = (int(v) for v in data.RedPaletteColorLookupTableDescriptor[:2])
        count = count or 1 << 16
        if first > 0x7FFF and whole(path, data, "PixelRepresentation", 0):
            first -= 1 << 16
        table = np.asarray(apply_color_lut(np.arange(first, first + count), data))
    # 16-bit colours by the standard; some writers fill in 8 bits.
    narrow = table >> 8 if table.max(initial=0) > 255 else table
    index = np.clip(stored.astype(np.int32) - first, 0, count - 1)
    return index.astype(np.uint8 if count <= 256 else np.uint16), narrow.astype(np.uint8)
