"""A chest film as a DICOM file of computed radiography, of a patient who never was."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from delineate.data.phantoms.picture import Pixels, Slot

_COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
_CHEST_MM = 380.0
"""What the shorter side of a film measures."""


def uid(seed: int, level: str, slot: Slot) -> str:
    """The unique identifier of a film's study, series or instance; the same seed gives the same."""
    from pydicom.uid import generate_uid

    words = ["delineate chest phantom", str(seed), level, str(slot.subject), str(slot.number)]
    return str(generate_uid(entropy_srcs=words))


def dicom_film(image: Pixels, slot: Slot, *, seed: int, is_inverted: bool) -> bytes:
    """The file of a film (H, W): grey values as they are, or the other way round.

    Inverted, the lowest value is white (MONOCHROME1). Nothing is compressed.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = _COMPUTED_RADIOGRAPHY, uid(seed, "instance", slot)
    data.StudyInstanceUID, data.SeriesInstanceUID = (
        uid(seed, level, slot) for level in ("study", "series")
    )
    data.PatientID = f"phantom-{slot.subject}"
    for unknown in (
        "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
        "AccessionNumber", "ReferringPhysicianName", "PatientOrientation",
    ):  # fmt: skip
        setattr(data, unknown, "")
    data.Modality, data.Manufacturer, data.ConversionType = "CR", "Delineate phantoms", "SYN"
    data.BodyPartExamined, data.ViewPosition = "CHEST", "PA"
    data.SeriesNumber, data.InstanceNumber = 1, slot.number
    data.PhotometricInterpretation = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    data.Rows, data.Columns = image.shape
    data.SamplesPerPixel, data.PixelRepresentation = 1, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    spacing = f"{_CHEST_MM / min(image.shape):.6g}"
    data.ImagerPixelSpacing = [spacing, spacing]
    stored = (255 - image if is_inverted else image).astype(np.uint8).tobytes()
    # Values in DICOM are of even length.
    data.PixelData = stored + b"\0" * (len(stored) % 2)
    data["PixelData"].VR = "OB"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    file = BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()
