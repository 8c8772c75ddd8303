"""`predict --objects`: a row for each object of each mask."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from delineate.core.errors import SettingsError
from delineate.core.types import default_classes
from delineate.files.image_files import read_image
from delineate.inference.model import Prediction, load_model
from delineate.inference.model_folder import read_card
from delineate.structure.objects import measured_objects
from delineate.workflows.predict import predict
from delineate.workflows.predicted_objects import HEADER, channel_of, objects_of


def rows_in(folder):
    """The table as dictionaries."""
    with (folder / "objects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("run", ["tiny_run", "classes_run"])
def test_the_areas_of_all_objects_are_the_area_of_the_mask(request, run, tiny_set, tmp_path):
    """A row an object of every class, numbered within its image and class, the largest first."""
    model = request.getfixturevalue(run)
    images = [tiny_set / "images" / f"s{number}_0.png" for number in range(3)]
    result = predict(model, images, tmp_path / "out", objects=True, overlays=False, threads=1)
    assert result.document["objects"] == "objects.csv"
    rows = rows_in(result.folder)
    assert tuple(rows[0]) == HEADER
    for shown in result.document["images"]:
        for name, area_px in shown["area_px"].items():
            mine = [r for r in rows if (r["image"], r["class"]) == (shown["image"], name)]
            areas = [int(row["area_px"]) for row in mine]
            assert sum(areas) == area_px
            assert areas == sorted(areas, reverse=True)
            assert [int(row["number"]) for row in mine] == list(range(1, len(mine) + 1))
            assert all(row["area_mm2"] == row["perimeter_mm"] == "" for row in mine)


def test_figures_are_those_of_the_mask_that_is_written(tiny_run, tiny_set, tmp_path):
    """What is measured of the picture of a mask stands in its rows."""
    file = tiny_set / "images" / "s1_0.png"
    out = predict(tiny_run, [file], tmp_path / "out", objects=True, threads=1).folder
    with Image.open(out / "s1_0_mask.png") as picture:
        mask = np.asarray(picture) > 0
    probability = load_model(tiny_run, threads=1).predict(read_image(file)).probability[0]
    expected = measured_objects(mask, probability)
    assert len(expected) > 0
    for row, each in zip(rows_in(out), expected, strict=True):
        assert float(row["perimeter_px"]) == each.perimeter_px
        assert (float(row["row_px"]), float(row["column_px"])) == each.centroid_px
        box = [int(row[name]) for name in ("top_px", "left_px", "height_px", "width_px")]
        assert tuple(box) == each.box_px
        assert float(row["mean_probability"]) == pytest.approx(each.mean_probability, abs=1e-6)


def write_scan(path, *, spacing_mm):
    """A DICOM file of 40 x 48 pixels of this size."""
    data = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID("1.2.3")
    data.Rows, data.Columns, data.PixelSpacing = 40, 48, list(spacing_mm)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = bytes(40 * 48)
    data["PixelData"].VR = "OB"
    data.save_as(path, enforce_file_format=True)


def test_millimetres_where_a_dicom_file_states_them(tiny_run, tmp_path):
    """Pixels of the header's height and width, which differ: half a millimetre and a quarter."""
    write_scan(tmp_path / "scan.dcm", spacing_mm=(0.5, 0.25))
    asked = {"objects": True, "threshold": 0.0, "overlays": False, "threads": 1}
    result = predict(tiny_run, [tmp_path / "scan.dcm"], tmp_path / "out", **asked)
    assert result.failures == ()
    (row,) = rows_in(result.folder)
    assert int(row["area_px"]) == 40 * 48
    assert float(row["area_mm2"]) == pytest.approx(20 * 12)
    assert float(row["perimeter_mm"]) == pytest.approx(64, rel=0.1)
    assert float(row["major_axis_mm"]) == pytest.approx(4 * 20 / np.sqrt(12), rel=0.01)
    assert float(row["major_axis_px"]) == pytest.approx(4 * 48 / np.sqrt(12), rel=0.01)


def test_nothing_is_measured_unasked(tiny_run, tiny_set, tmp_path):
    """No table, and the document says so."""
    result = predict(tiny_run, [tiny_set / "images" / "s1_0.png"], tmp_path / "out", threads=1)
    assert result.document["objects"] is None
    assert not (result.folder / "objects.csv").exists()


def test_a_classifier_draws_no_objects(tiny_run, tmp_path, monkeypatch):
    """--objects is refused where there are no masks, before anything else is looked at."""
    card = read_card(tiny_run).model_copy(update={"task": "classify"})
    monkeypatch.setattr("delineate.workflows.predict.read_card", lambda _: card)
    with pytest.raises(SettingsError, match="--objects: a classifier draws no objects"):
        predict("nowhere", ["nowhere"], tmp_path / "out", objects=True)


def test_each_class_has_its_own_channel_and_pixels():
    """Of overlapping classes a pixel counts for both; the background has none there."""
    labels = np.array([[0b01, 0b11, 0b10]], np.uint8)
    probability = np.array([[[0.9, 0.8, 0.1]], [[0.2, 0.7, 0.6]]], np.float32)
    prediction = Prediction(labels, probability, is_overlapping=True)
    found = objects_of(prediction, default_classes(3), None)
    assert [found[index][0].area_px for index in (1, 2)] == [2, 2]
    means = [found[index][0].mean_probability for index in (1, 2)]
    assert means == [pytest.approx(0.85), pytest.approx(0.65)]
    with pytest.raises(IndexError):
        channel_of(prediction, 0)
    three = Prediction(labels, np.zeros((3, 1, 3), np.float32))
    assert channel_of(three, 0).shape == (1, 3)
    with pytest.raises(IndexError):
        channel_of(three, 3)
