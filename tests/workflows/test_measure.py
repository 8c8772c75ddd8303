"""Vessels of data sets and of folders of masks in tables and pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, OutputExistsError, SettingsError, UncertainMaskError
from delineate.core.types import COLOURS, LabelClass
from delineate.files.class_masks import write_class_masks
from delineate.files.class_tables import write_class_table
from delineate.workflows.measure import measure

THREE = (
    LabelClass(0, "background", COLOURS[0]),
    LabelClass(1, "artery", COLOURS[1]),
    LabelClass(2, "vein", COLOURS[2]),
)


def vessel(width_px, rows=80, columns=120):
    """A vessel of so many rows along the middle, from column 10 to column 110."""
    mask = np.zeros((rows, columns), np.uint8)
    mask[40 : 40 + width_px, 10:110] = 255
    return mask


def save(array, file: Path) -> None:
    """Write an array as the picture that its ending names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(file)


def rows_of(file: Path):
    """The rows of a table."""
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def data(tmp_path) -> Path:
    """A set of two images with a vessel of 3 and one of 6 px."""
    for name, width in (("a", 3), ("b", 6)):
        save(np.full((80, 120), 90, np.uint8), tmp_path / "data" / "images" / f"{name}.png")
        save(vessel(width), tmp_path / "data" / "masks" / f"{name}.png")
    return tmp_path / "data"


def test_every_case_has_its_tables_and_its_picture(data, tmp_path):
    """Widths of 3 and 6 px over 100 px, in cases, segments, points and the document."""
    result = measure(data, tmp_path / "out")
    assert result.failures == ()
    cases = rows_of(result.folder / "cases.csv")
    assert [row["id"] for row in cases] == ["a", "b"]
    assert [float(row["median_width_px"]) for row in cases] == pytest.approx([3, 6], abs=1e-3)
    assert [float(row["length_px"]) for row in cases] == pytest.approx([100, 100], abs=0.01)
    assert [int(row["area_px"]) for row in cases] == [300, 600]
    assert all(row["length_mm"] == "" for row in cases)
    (segment,) = rows_of(result.folder / "segments" / "b.csv")
    assert (segment["start"], segment["end"], segment["points"]) == ("end", "end", "100")
    assert float(segment["mean_width_px"]) == pytest.approx(6, abs=1e-3)
    points = rows_of(result.folder / "points" / "b.csv")
    assert [float(p["way_px"]) for p in points] == pytest.approx(np.arange(100) + 0.5, abs=0.01)
    assert {p["width_px"] for p in points if p["width_px"]} == {"6.0"}
    assert float(points[50]["row"]) == pytest.approx(42.5, abs=0.51)
    assert len(list((result.folder / "pictures").iterdir())) == 2
    document = json.loads((result.folder / "structure.json").read_text())
    assert document["schema"] == "delineate/structure/1"
    (summary,) = document["summary"]
    assert summary["who"] == f"observer {document['cases'][0]['who'].split()[1]}"
    assert summary["mean_width_px"] == pytest.approx(4.5, abs=1e-3)


def test_millimetres_by_hand(data, tmp_path):
    """A pixel of 0.5 by 0.1 mm: 3 px of rows are 1.5 mm, 100 columns 10 mm."""
    result = measure(data, tmp_path / "out", spacing_mm="0.5,0.1", pictures=False)
    first, _ = rows_of(result.folder / "cases.csv")
    assert float(first["mean_width_mm"]) == pytest.approx(1.5, rel=1e-3)
    assert float(first["length_mm"]) == pytest.approx(10, rel=1e-3)
    assert first["spacing_origin"] == "given by hand"
    assert not (result.folder / "pictures").exists()


@pytest.mark.parametrize("text", ["0", "-1", "a", "1,2,3", "nan", "inf", "1e9", "", ","])
def test_a_spacing_that_is_none(data, tmp_path, text):
    """Anything but one or two sizes is refused before anything is written."""
    with pytest.raises(SettingsError, match=r"--spacing-mm .*expected the height and width"):
        measure(data, tmp_path / "out", spacing_mm=text)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_masks_as_predict_writes_them(tmp_path):
    """Masks without images are measured by their names; overlays and maps beside them are not."""
    folder = tmp_path / "masks"
    save(vessel(5), folder / "x_mask.png")
    save(np.zeros((80, 120, 3), np.uint8), folder / "x_overlay.png")
    save(np.zeros((80, 120), np.uint8), folder / "x_prob.png")
    result = measure(folder, tmp_path / "out")
    (row,) = rows_of(result.folder / "cases.csv")
    assert (row["id"], row["who"], row["class"]) == ("x", "masks", "foreground")
    assert float(row["mean_width_px"]) == pytest.approx(5, abs=1e-3)
    assert result.document["layout"] == "masks"


def test_any_pictures_are_masks_where_that_is_said(tmp_path):
    """Files with names of their own are taken with the layout masks, and only then."""
    folder = tmp_path / "manual"
    save(vessel(4), folder / "01_manual1.png")
    with pytest.raises(LayoutError, match="manual"):
        measure(folder, tmp_path / "out")
    result = measure(folder, tmp_path / "out", layout="masks")
    assert [row["id"] for row in rows_of(result.folder / "cases.csv")] == ["01_manual1"]


def test_masks_of_soft_edges_need_to_be_confirmed(tmp_path):
    """As everywhere: not certain is not used, and confirmed it is."""
    mask = vessel(5).astype(np.float64)
    soft = ((mask + np.roll(mask, 1, 0)) / 2).astype(np.uint8)
    soft[0, :40] = np.arange(40)
    save(soft, tmp_path / "m" / "x_mask.png")
    with pytest.raises(UncertainMaskError, match="masks"):
        measure(tmp_path / "m", tmp_path / "out")
    result = measure(tmp_path / "m", tmp_path / "out", masks="threshold:200")
    (row,) = rows_of(result.folder / "cases.csv")
    assert float(row["mean_width_px"]) == pytest.approx(4, abs=1e-3)


def test_several_classes_are_measured_apart(tmp_path):
    """A row a class, named by the table beside the masks."""
    labels = np.minimum(vessel(3), 1)
    labels[60:66, 10:110] = 2
    save(labels, tmp_path / "m" / "x_mask.png")
    write_class_table(tmp_path / "m" / "classes.csv", THREE)
    result = measure(tmp_path / "m", tmp_path / "out")
    rows = rows_of(result.folder / "cases.csv")
    assert [row["class"] for row in rows] == ["artery", "vein"]
    assert [float(row["mean_width_px"]) for row in rows] == pytest.approx([3, 6], abs=1e-3)
    names = sorted(file.name for file in (result.folder / "pictures").iterdir())
    assert names == ["x_masks_artery.png", "x_masks_vein.png"]


def test_classes_that_overlap_have_a_file_each(tmp_path):
    """A vein that crosses over an artery leaves it whole."""
    codes = np.zeros((80, 120), np.uint8)
    codes[40:43, 10:110] |= 1
    codes[5:75, 60:66] |= 2
    (tmp_path / "m").mkdir()
    write_class_masks(tmp_path / "m", "x", codes, THREE)
    write_class_table(tmp_path / "m" / "classes.csv", THREE)
    result = measure(tmp_path / "m", tmp_path / "out")
    rows = rows_of(result.folder / "cases.csv")
    assert [int(row["segments"]) for row in rows] == [1, 1]
    assert [float(row["length_px"]) for row in rows] == pytest.approx([100, 70], abs=0.1)


def test_a_file_of_no_class_is_named(tmp_path):
    """With a class a file, a name that is none of them is an error."""
    save(vessel(3), tmp_path / "m" / "x_mask_aorta.png")
    write_class_table(tmp_path / "m" / "classes.csv", THREE)
    with pytest.raises(LayoutError, match=r"x_mask_aorta.*artery, vein.*'aorta'"):
        measure(tmp_path / "m", tmp_path / "out")


def test_masks_of_all_classes_do_not_overlap(tmp_path):
    """--overlapping is refused where one file holds all classes."""
    save(vessel(3), tmp_path / "m" / "x_mask.png")
    with pytest.raises(SettingsError, match="--overlapping: expected a file a class"):
        measure(tmp_path / "m", tmp_path / "out", overlapping=True)


def test_a_case_that_cannot_be_read_is_listed(data, tmp_path):
    """The others are measured, and the failure names the file."""
    save(np.zeros((10, 10), np.uint8), data / "images" / "b.png")
    result = measure(data, tmp_path / "out")
    (failure,) = result.failures
    assert "b.png" in failure
    assert [row["id"] for row in rows_of(result.folder / "cases.csv")] == ["a"]


def test_an_empty_mask_is_a_case_without_figures(data, tmp_path):
    """Nothing drawn is length 0 and no width."""
    save(np.zeros((80, 120), np.uint8), data / "masks" / "a.png")
    result = measure(data, tmp_path / "out")
    first, second = rows_of(result.folder / "cases.csv")
    assert (first["length_px"], first["mean_width_px"], first["tortuosity"]) == ("0", "", "")
    (summary,) = result.document["summary"]
    assert summary["length_px"] == pytest.approx(50, abs=0.01)
    assert summary["mean_width_px"] == pytest.approx(float(second["mean_width_px"]))


def test_a_split_without_masks_and_images_without_any(data, tmp_path):
    """There must be something to measure."""
    with pytest.raises(LayoutError, match="in the split 'test'"):
        measure(data, tmp_path / "out", split="test")
    with pytest.raises(LayoutError, match="there is nothing to measure"):
        measure(data / "images", tmp_path / "out", layout="images")
    with pytest.raises(LayoutError, match="found no picture"):
        measure(tmp_path / "nowhere", tmp_path / "out", layout="masks")


def test_the_output_never_takes_the_place_of_the_input(data, tmp_path):
    """A folder that is read is refused as output, and an existing one without --overwrite."""
    measure(data, tmp_path / "out")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        measure(data, tmp_path / "out")
    with pytest.raises(OutputExistsError, match="apart from what is read"):
        measure(data, data, overwrite=True)


def test_both_observers_of_drive_agree_on_the_size_of_vessels(shared_data, tmp_path):
    """On a real retina the observers' mean widths are 2.5 to 3.2 px, lengths 9,500 to 11,000."""
    source = shared_data / "drive" / "DRIVE" / "test"
    for observer in ("1st", "2nd"):
        with Image.open(source / f"{observer}_manual" / f"01_manual{observer[0]}.gif") as picture:
            mask = np.asarray(picture) > 0
        save(mask.astype(np.uint8) * 255, tmp_path / "m" / f"{observer}_mask.png")
    result = measure(tmp_path / "m", tmp_path / "out", pictures=False)
    for row in rows_of(result.folder / "cases.csv"):
        assert 2.5 < float(row["mean_width_px"]) < 3.2
        assert 9_500 < float(row["length_px"]) < 11_000
        assert float(row["area_px"]) / float(row["length_px"]) == pytest.approx(
            float(row["mean_width_px"]), rel=0.06
        )
