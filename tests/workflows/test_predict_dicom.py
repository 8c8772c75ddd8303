"""Prediction on DICOM: names without endings, one frame of several, and nobody named."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from delineate.files.image_files import read_image
from delineate.inference.model import load_model
from delineate.workflows.predict import predict


@pytest.fixture
def study(tmp_path):
    """A folder as a scanner leaves it: two frames, one picture, and a directory of them."""
    folder = tmp_path / "study"
    folder.mkdir()
    frames = np.zeros((2, 40, 48), np.uint8)
    frames[1, 10:30, 12:36] = 255
    for name, values in (("1.2.840.1", frames), ("1.2.840.2", frames[1])):
        data = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=bytes(128))
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
        data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
        data.SOPClassUID, data.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.3")
        data.PatientName, data.PatientID = "Doe^Archibald", "77654033"
        data.NumberOfFrames = len(values) if values.ndim == 3 else 1
        data.Rows, data.Columns = values.shape[-2:]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation = 7, 0
        data.PixelData = values.tobytes()
        data["PixelData"].VR = "OB"
        data.save_as(folder / name, enforce_file_format=True)
    directory = bytes(128) + b"DICM" + b"1.2.840.10008.1.3.10"
    (folder / "DICOMDIR").write_bytes(directory)
    return folder


def test_several_frames_are_listed_as_a_failure(tiny_run, study, tmp_path):
    """Without a choice the file of several frames fails and the other is done."""
    result = predict(tiny_run, [study], tmp_path / "out", overlays=False)
    assert [row["mask"] for row in result.document["images"]] == ["1.2.840.2_mask.png"]
    assert len(result.failures) == 1
    assert "1.2.840.1: expected one image, found a DICOM file of 2 frames" in result.failures[0]
    assert "--frame 1 to 2" in result.failures[0]


def test_the_frame_that_is_asked_for_is_predicted(tiny_run, study, tmp_path):
    """Frame 2 of the one file is the other file, and its mask is the same."""
    file = study / "1.2.840.1"
    second = predict(tiny_run, [file], tmp_path / "second", frame=2, overlays=False)
    alone = predict(tiny_run, [study / "1.2.840.2"], tmp_path / "alone", overlays=False)
    assert second.document["frame"] == 2
    assert alone.document["frame"] is None
    masks = [
        read_image(tmp_path / "second" / "1.2.840.1_mask.png"),
        read_image(tmp_path / "alone" / "1.2.840.2_mask.png"),
    ]
    np.testing.assert_array_equal(*masks)
    first = predict(tiny_run, [file], tmp_path / "first", frame=1, probabilities=True)
    second = predict(tiny_run, [file], tmp_path / "2", frame=2, probabilities=True)
    maps = [read_image(each.folder / "1.2.840.1_prob.png") for each in (first, second)]
    assert (maps[0] != maps[1]).any()


def test_a_frame_that_is_not_there_fails_by_file(tiny_run, study, tmp_path):
    """A picture of one frame has no second, which is said of it alone."""
    result = predict(tiny_run, [study], tmp_path / "out", frame=2, overlays=False)
    assert [row["image"] for row in result.document["images"]] == [str(study / "1.2.840.1")]
    assert "1.2.840.2: expected --frame to be from 1 to 1, found 2" in result.failures[0]


def test_twelve_bits_without_a_window_are_doubted(tiny_run, study, tmp_path):
    """The mask is written all the same, and the document says why little can be expected of it."""
    file = tmp_path / "twelve.png"
    cv2.imwrite(str(file), np.full((40, 48), 4095, np.uint16))
    result = predict(tiny_run, [study / "1.2.840.2", file], tmp_path / "out", overlays=False)
    assert len(result.document["images"]) == 2
    assert result.document["doubts"] == [
        f"{file}: {load_model(tiny_run).card.preparation.doubt(read_image(file))}"
    ]


def test_nobody_is_named_in_what_is_written(tiny_run, study, tmp_path):
    """No file that prediction writes holds a name or a number of the patient."""
    predict(tiny_run, [study], tmp_path / "out", frame=1, formats=["coco", "rle"])
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) >= 5
    for path in written:
        content = path.read_bytes() + path.name.encode()
        assert b"Doe" not in content
        assert b"77654033" not in content
    document = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert document["frame"] == 1
