from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import LayoutError
from delineate.data.examination import examine
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.run_lengths import nerve_text, siim_text

from .annotated import box_mask, write_picture

FIRST, SECOND = box_mask((1, 1, 4, 4)), box_mask((2, 3, 7, 9), (0, 0, 1, 1))
DOTTED = "1.2.276.0.7230010.3.1.4.8323329.1000.1517875165.878027"


def write_table(path: Path, header: str, *rows: str) -> Path:
    """A CSV as SIIM's own: a byte-order mark first, and a space before each value."""
    path.write_text("\n".join(["\ufeff" + header, *rows]) + "\n", encoding="utf-8")
    return path


def test_gaps_and_lengths(tmp_path: Path) -> None:
    """-1 is an empty mask, several rows are united, an image without a row has no mask."""
    for name in (DOTTED, "b", "c", "d"):
        write_picture(tmp_path / "png" / f"{name}.png")
    write_table(
        tmp_path / "train-rle.csv",
        "ImageId, EncodedPixels",
        f"{DOTTED}, {siim_text(FIRST)}",
        "b, -1",
        f"c, {siim_text(FIRST)}",
        f"c, {siim_text(SECOND)}",
        "lost, -1",
    )
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "siim"
    assert dataset.notes == ("no image for 1 row by name: lost",)
    labels = {
        s.id: read_labels(dataset, s, "reference") if s.masks else None for s in dataset.samples
    }
    assert labels.keys() == {DOTTED, "b", "c", "d"}
    assert labels["d"] is None
    assert labels["b"] is not None
    assert not labels["b"].any()
    np.testing.assert_array_equal(labels[DOTTED], FIRST)
    np.testing.assert_array_equal(labels["c"], FIRST | SECOND)


def test_images_for_training_without_a_row(tmp_path: Path) -> None:
    """They are left out and told, for splits need a mask of each; images of the test stay."""
    for place in ("train/a", "train/b", "test/c"):
        write_picture(tmp_path / f"{place}.png")
    write_table(tmp_path / "train-rle.csv", "ImageId,EncodedPixels", "a, -1")
    dataset = open_dataset(tmp_path)
    assert [(s.id, s.split) for s in dataset.samples] == [("a", "train"), ("c", "test")]
    assert dataset.notes == (
        "left out, for no row says whether there is anything in them: 1 image of train, "
        "such as b.png",
    )


@pytest.mark.parametrize("name", [DOTTED, f"{DOTTED}.dcm"])
def test_dicom_files_by_their_instance(shared_data: Path, tmp_path: Path, name: str) -> None:
    """Images lie deep in folders of study and series, with an ending or without one."""
    source = shared_data / "dicom" / "CT_small.dcm"
    folder = tmp_path / "dicom-images-train" / "1.2.3" / "4.5.6"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(source.read_bytes())
    write_table(tmp_path / "train-rle.csv", "fname,mask", f"{DOTTED}, 130 5 100 20")
    dataset = open_dataset(tmp_path)
    (sample,) = dataset.samples
    assert (dataset.layout, sample.entry, sample.split) == ("siim", DOTTED, "train")
    labels = read_labels(dataset, sample, "reference")
    assert labels.shape == (128, 128)
    # The first gap ends in column 1 at row 2: 130 = 128 + 2.
    assert labels[2:7, 1].all()
    assert labels.sum() == 25


@pytest.mark.parametrize(
    ("header", "name", "subject"),
    [
        ("img,pixels", "1_7,", None),
        ("subject,img,pixels", "1,7,", "1"),
        ("subject_img,subject,img,pixels", "1_7,1,7,", "1"),
    ],
)
def test_starts_and_lengths(tmp_path: Path, header: str, name: str, subject: str | None) -> None:
    """The nerve form, with the subject where the table names it."""
    write_picture(tmp_path / "train" / "1_7.tif")
    write_table(tmp_path / "train_masks.csv", header, f"{name}{nerve_text(SECOND)}")
    dataset = open_dataset(tmp_path)
    (sample,) = dataset.samples
    assert (dataset.layout, sample.subject, sample.split) == ("rle", subject, "train")
    np.testing.assert_array_equal(read_labels(dataset, sample, "reference"), SECOND)


def test_what_is_to_be_handed_in_is_no_truth(tmp_path: Path) -> None:
    """Kaggle's sample submission gives every image the same pixel."""
    write_picture(tmp_path / "train" / "1_7.tif")
    write_table(tmp_path / "sample_submission.csv", "img,pixels", "1_7,1 1")
    with pytest.raises(LayoutError, match="Known layouts"):
        open_dataset(tmp_path)


def test_the_form_is_seen_in_the_numbers(tmp_path: Path) -> None:
    """SIIM's own column names with ascending starts are the nerve form, as in other contests."""
    write_picture(tmp_path / "a.png")
    write_table(tmp_path / "x.csv", "ImageId,EncodedPixels", f"a.png,{nerve_text(SECOND)}")
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "rle"
    np.testing.assert_array_equal(read_labels(dataset, dataset.samples[0], "reference"), SECOND)


def test_a_form_may_be_confirmed(tmp_path: Path) -> None:
    """Masks of one run each fit both forms: what a person says counts."""
    write_picture(tmp_path / "a.png")
    write_table(tmp_path / "x.csv", "ImageId,EncodedPixels", "a,9 4")
    lit = {}
    for encoding in (None, "rle-siim"):
        dataset = open_dataset(tmp_path, masks=encoding)
        lit[encoding] = np.flatnonzero(read_labels(dataset, dataset.samples[0], "reference").T)
    assert lit[None].tolist() == [8, 9, 10, 11]
    assert lit["rle-siim"].tolist() == [9, 10, 11, 12]


def test_classes_of_rows(tmp_path: Path) -> None:
    """A column of classes gives each its number, in their natural order."""
    write_picture(tmp_path / "a.png")
    write_table(
        tmp_path / "x.csv",
        "ImageId,ClassId,EncodedPixels",
        f"a,10,{nerve_text(FIRST)}",
        f"a,2,{nerve_text(SECOND)}",
    )
    dataset = open_dataset(tmp_path)
    assert [c.name for c in dataset.classes[1:]] == ["2", "10"]
    labels = read_labels(dataset, dataset.samples[0], "reference")
    np.testing.assert_array_equal(labels, np.where(SECOND, 1, np.where(FIRST, 2, 0)))


def test_two_tables_for_one_image_are_refused(tmp_path: Path) -> None:
    """Which of them counts cannot be known."""
    write_picture(tmp_path / "a.png")
    for name in ("first", "second"):
        write_table(tmp_path / f"{name}.csv", "img,pixels", f"a,{nerve_text(SECOND)}")
    with pytest.raises(LayoutError, match=r"a\.png: expected rows in one table"):
        open_dataset(tmp_path)


def test_runs_beyond_the_image_are_a_problem(tmp_path: Path) -> None:
    """A table of another size is told at the image."""
    write_picture(tmp_path / "a.png")
    write_table(tmp_path / "x.csv", "img,pixels", "a,70 20")
    (case,) = examine(open_dataset(tmp_path))
    assert "x.csv: row 2: expected runs within the 80 pixels" in case.problems[0]


@pytest.mark.parametrize("row", ["a,b.png", "a,1;2", "a,1 2 x", "a,-3"])
def test_other_tables_are_passed_over(tmp_path: Path, row: str) -> None:
    """A CSV whose cells are no run lengths, such as a manifest, draws nothing."""
    write_picture(tmp_path / "a.png")
    write_table(tmp_path / "x.csv", "image,mask", row)
    with pytest.raises(LayoutError, match="Known layouts"):
        open_dataset(tmp_path)


def test_the_real_table_decodes_within_bounds(shared_data: Path, tmp_path: Path) -> None:
    """Each of SIIM's own rows fits 1024 x 1024 px; the sums of its lengths are the areas."""
    text = (shared_data / "siim_rle" / "train-rle-sample.csv").read_bytes()
    (tmp_path / "train-rle.csv").write_bytes(text)
    areas = {}
    for line in text.decode("utf-8-sig").splitlines()[1:]:
        name, runs = line.split(",")
        numbers = [int(n) for n in runs.split()]
        areas[name] = 0 if numbers == [-1] else sum(numbers[1::2])
        write_picture(tmp_path / "images" / f"{name}.png", (1024, 1024))
    dataset = open_dataset(tmp_path)
    found = {s.id: int(read_labels(dataset, s, "reference").sum()) for s in dataset.samples}
    assert found == areas
    assert sorted(area > 0 for area in found.values()) == [False] * 5 + [True] * 5
