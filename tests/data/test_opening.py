from __future__ import annotations

from dataclasses import replace

import pytest

from delineate.core.errors import LayoutError, SettingsError
from delineate.data.opening import open_dataset, require_labels

PAIRS = ["p1_a.png", "p1_a_mask.png", "p1_b.png", "p1_b_mask.png", "p2_a.png", "p2_a_mask.png"]


def test_missing_folder_is_refused(tmp_path):
    """No such folder: the error names the path."""
    with pytest.raises(LayoutError, match="nowhere: no such folder"):
        open_dataset(tmp_path / "nowhere")


def test_empty_folder_is_refused(tmp_path):
    """An empty folder has no image files, and the error says so."""
    with pytest.raises(LayoutError, match="found no image files"):
        open_dataset(tmp_path)


def test_other_file_is_refused(tmp_path):
    """A single image is neither a folder nor a manifest."""
    (tmp_path / "a.png").touch()
    with pytest.raises(LayoutError, match=r"expected a folder or a manifest \.csv"):
        open_dataset(tmp_path / "a.png")


def test_unrecognised_folder_says_what_is_there(folder_of):
    """The error counts images and folders, says what lacks and which layouts there are."""
    root = folder_of(["cats/1.jpg", "cats/2.jpg", "dogs/1.jpg"])
    with pytest.raises(
        LayoutError, match=r"3 images in 2 folders: cats/ \(2\), dogs/ \(1\); no"
    ) as e:
        open_dataset(root)
    assert all(word in str(e.value) for word in ("drive", "nerve", "folders", "manifest"))
    assert "\n" not in str(e.value)


def test_unknown_layout_proposes_the_nearest(folder_of):
    """A layout that does not exist is answered with the nearest name."""
    with pytest.raises(SettingsError, match="did you mean 'drive'"):
        open_dataset(folder_of(PAIRS), layout="drvie")


def test_wrong_layout_is_refused(folder_of):
    """A layout asked for that does not fit is refused, though another would."""
    with pytest.raises(LayoutError, match="not the layout drive"):
        open_dataset(folder_of(PAIRS), layout="drive")


def test_subjects_by_expression(folder_of):
    """A group of a regular expression says who is who."""
    dataset = open_dataset(folder_of(PAIRS), subjects="^(p[0-9]+)_")
    assert [s.subject for s in dataset.samples] == ["p1", "p1", "p2"]
    assert dataset.has_subjects


def test_subjects_by_table(folder_of, tmp_path):
    """A CSV of id and subject says who is who."""
    table = tmp_path / "who.csv"
    table.write_text("id,subject\np1_a,Ann\np1_b,Ann\np2_a,Ben\n")
    dataset = open_dataset(folder_of(PAIRS), subjects=str(table))
    assert [s.subject for s in dataset.samples] == ["Ann", "Ann", "Ben"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("^p1_", "expected one group in brackets"),
        ("^(p1)_", r"found none for 1 of 3 \(p2_a\)"),
        ("(", "expected a regular expression or a CSV"),
    ],
)
def test_expression_that_does_not_fit_is_refused(folder_of, expression, message):
    """An expression without a group, or one that leaves samples out, is refused."""
    with pytest.raises(SettingsError, match=message):
        open_dataset(folder_of(PAIRS), subjects=expression)


def test_table_that_lacks_a_sample_is_refused(folder_of, tmp_path):
    """A CSV without a row for a sample with a mask is refused, naming the sample."""
    table = tmp_path / "who.csv"
    table.write_text("id,subject\np1_a,Ann\np1_b,Ann\n")
    with pytest.raises(LayoutError, match="p2_a"):
        open_dataset(folder_of(PAIRS), subjects=str(table))


def test_two_subjects_of_one_sample_are_refused(folder_of, tmp_path):
    """A CSV that gives a sample two subjects is refused with the row."""
    table = tmp_path / "who.csv"
    table.write_text("id,subject\np1_a,Ann\np1_a,Ben\n")
    with pytest.raises(LayoutError, match="row 3: id p1_a has the subjects Ann and Ben"):
        open_dataset(folder_of(PAIRS), subjects=str(table))


def test_masks_for_every_observer(folder_of):
    """--masks confirms the encoding of every observer."""
    root = folder_of(["images/a.png", "masks_anna/a.png", "masks_ben/a.png"])
    encodings = open_dataset(root, masks="threshold:128").encodings
    assert {o: str(e) for o, e in encodings.items()} == {
        "anna": "threshold:128",
        "ben": "threshold:128",
    }


def test_masks_for_one_observer(folder_of):
    """OBSERVER=ENCODING confirms one observer alone, and later words win."""
    root = folder_of(["images/a.png", "masks_anna/a.png", "masks_ben/a.png"])
    encodings = open_dataset(root, masks=["index", "ben=binary"]).encodings
    assert {o: str(e) for o, e in encodings.items()} == {"anna": "index", "ben": "binary"}


def test_unknown_observer_is_refused(folder_of):
    """An encoding for an observer who is not there proposes the nearest name."""
    root = folder_of(["images/a.png", "masks_anna/a.png", "masks_ben/a.png"])
    with pytest.raises(SettingsError, match="did you mean 'anna'"):
        open_dataset(root, masks="ana=index")


def test_missing_masks_are_counted_and_named(folder_of):
    """Where every image needs a mask, the error counts and names those without."""
    names = ["images/a.png", "masks/a.png", *(f"images/x{n}.png" for n in range(5))]
    dataset = open_dataset(folder_of(names))
    with pytest.raises(LayoutError, match=r"5 of 6 images: .*x0\.png.* and 2 more"):
        require_labels(dataset, dataset.samples)


def test_masks_of_one_observer_may_be_required(folder_of):
    """A sample that another observer drew does not count for this one."""
    root = folder_of(
        ["images/a.png", "images/b.png", "masks_x/a.png", "masks_x/b.png", "masks_y/a.png"]
    )
    dataset = open_dataset(root)
    require_labels(dataset, dataset.samples, "x")
    with pytest.raises(LayoutError, match="1 of 2 images: expected a mask of observer y"):
        require_labels(dataset, dataset.samples, "y")


def test_image_labels_stand_in_for_masks(folder_of):
    """Where images have labels of their own, each needs one, and masks count for nothing."""
    dataset = open_dataset(folder_of(["images/a.png", "images/b.png", "masks/a.png"]))
    dataset = replace(dataset, image_labels={"b": True})
    assert [dataset.is_labelled(s) for s in dataset.samples] == [False, True]
    with pytest.raises(LayoutError, match=r"1 of 2 images: expected a label for each.* for a;"):
        require_labels(dataset, dataset.samples)
