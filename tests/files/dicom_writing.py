"""DICOM files of known numbers, as scanners would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

PATIENT = "Doe^Archibald"


def write_dicom(
    path: Path,
    values: np.ndarray,
    *,
    syntax: str = ExplicitVRLittleEndian,
    streams: list[bytes] | None = None,
    **elements: Any,
) -> Path:
    """Writes an array (one frame, or several with `NumberOfFrames`) and returns where.

    What its elements should be is taken from the array where `elements` does not say it.
    An element of None is left out. `streams` are frames that are compressed already.
    """
    data = FileDataset(
        None,
        {},
        file_meta=FileMetaDataset(),
        preamble=bytes(128),
        is_implicit_VR=syntax == ImplicitVRLittleEndian,
        is_little_endian=syntax != ExplicitVRBigEndian,
    )
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    is_colour = values.shape[-1] == 3 and values.ndim > 2
    rows, columns = values.shape[-3:-1] if is_colour else values.shape[-2:]
    stated = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "PatientName": PATIENT,
        "PatientID": "77654033",
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 3 if is_colour else 1,
        "PhotometricInterpretation": "RGB" if is_colour else "MONOCHROME2",
        "BitsAllocated": values.dtype.itemsize * 8,
        "BitsStored": values.dtype.itemsize * 8,
        "PixelRepresentation": int(values.dtype.kind == "i"),
    }
    if is_colour:
        stated["PlanarConfiguration"] = 0
    stated |= elements
    stated.setdefault("HighBit", (stated["BitsStored"] or 0) - 1)
    for keyword, value in stated.items():
        if value is not None:
            setattr(data, keyword, value)
    if streams is not None:
        data.PixelData = encapsulate(streams)
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
    else:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        raw = values.astype(values.dtype.newbyteorder(order)).tobytes()
        data.PixelData = raw + b"\0" * (len(raw) % 2)
        data["PixelData"].VR = "OB" if values.dtype.itemsize == 1 else "OW"
    data.save_as(path, enforce_file_format=True)
    return path


def item(**elements: Any) -> Dataset:
    """One item of a sequence."""
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
        if keyword in ("LUTData", "LUTDescriptor"):
            made[keyword].VR = "US"
    return made
