"""Folders of DICOM, whose files often have no ending, in the layouts that take any picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImages
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from delineate.data.layouts.found import REFERENCE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.image_files import read_image


def _dicom(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    data.SOPClassUID, data.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.3")
    data.Rows, data.Columns = values.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME1"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = values.tobytes()
    data["PixelData"].VR = "OB"
    data.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize(
    "names", [("1.2.840.1", "1.2.840.2"), ("IM01", "IM02"), ("a.dcm", "b.DCM")]
)
def test_images_beside_masks(tmp_path: Path, names: tuple[str, str]) -> None:
    """DICOM in `images/` finds its PNG in `masks/` by the name without an ending."""
    for number, name in enumerate(names):
        mask = np.zeros((8, 10), np.uint8)
        mask[number + 1 : 5, 2:7] = 255
        _dicom(tmp_path / "images" / name, 255 - mask)
        stem = name.removesuffix(".dcm").removesuffix(".DCM")
        (tmp_path / "masks").mkdir(exist_ok=True)
        PillowImages.fromarray(mask).save(tmp_path / "masks" / f"{stem}.png")
    dataset = settle_encodings(open_dataset(tmp_path))
    assert len(dataset.samples) == 2
    for sample in dataset.samples:
        assert sample.image.name in names
        labels = read_labels(dataset, sample, REFERENCE)
        np.testing.assert_array_equal(read_image(sample.image)[..., 0] == 255, labels == 1)


def test_pictures_alone(tmp_path: Path) -> None:
    """A study in folders as a scanner leaves it is a set of pictures, its directory no part."""
    for name in ("PT0/SE0/IM0", "PT0/SE1/IM0", "PT1/SE0/IM0"):
        _dicom(tmp_path / name, np.zeros((4, 4), np.uint8))
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + b"1.2.840.10008.1.3.10")
    dataset = open_dataset(tmp_path, layout="images")
    assert len({sample.id for sample in dataset.samples}) == 3
    assert {sample.image.name for sample in dataset.samples} == {"IM0"}
