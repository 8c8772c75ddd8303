from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset


def test_subject_is_first_number(folder_of):
    """S_N.tif beside S_N_mask.tif: the subject is S, ids sort by number."""
    root = folder_of(
        ["10_1.tif", "10_1_mask.tif", "2_1.tif", "2_1_mask.tif", "2_10.tif", "2_9.tif"]
    )
    dataset = open_dataset(root)
    assert dataset.layout == "nerve"
    assert [s.id for s in dataset.samples] == ["2_1", "2_9", "2_10", "10_1"]
    assert [s.subject for s in dataset.samples] == ["2", "2", "2", "10"]
    assert [bool(s.masks) for s in dataset.samples] == [True, False, False, True]


def test_kaggle_test_images_have_no_subject(folder_of):
    """Kaggle's own test/ holds numbers alone: unlabelled, nobody's, and still the layout."""
    dataset = open_dataset(folder_of(["train/1_1.tif", "train/1_1_mask.tif", "test/1.tif"]))
    assert dataset.layout == "nerve"
    assert [(s.id, s.subject, s.split) for s in dataset.samples] == [
        ("1_1", "1", "train"),
        ("1", None, "test"),
    ]
    assert dataset.has_subjects


def test_masks_in_their_own_folder_and_other_endings(folder_of):
    """JPEG pairs under train/images and train/masks are the nerve layout too."""
    root = folder_of(["train/images/3_7.JPG", "train/masks/3_7_mask.jpg"])
    (sample,) = open_dataset(root).samples
    assert sample.masks["reference"][0].name == "3_7_mask.jpg"
    assert sample.split == "train"


def test_one_name_in_two_splits_gets_two_ids(folder_of):
    """The same S_N in train and test are two samples of one subject, and a note says so."""
    root = folder_of(
        [f"{part}/3_7{end}.tif" for part in ("train", "test") for end in ("", "_mask")]
    )
    dataset = open_dataset(root)
    assert [s.id for s in dataset.samples] == ["train_3_7", "test_3_7"]
    assert {s.subject for s in dataset.samples} == {"3"}
    assert "ids begin with the split" in dataset.notes[0]


def test_mask_without_image_is_noted(folder_of):
    """A mask whose image is missing is said."""
    dataset = open_dataset(folder_of(["1_1.tif", "1_1_mask.tif", "1_2_mask.tif"]))
    assert dataset.notes == ("no image for 1 mask: 1_2_mask.tif",)


def test_image_twice_is_refused(folder_of):
    """1_1.tif beside 1_1.png: which one is meant cannot be known."""
    root = folder_of(["1_1.tif", "1_1.png", "1_1_mask.tif"])
    with pytest.raises(LayoutError, match="expected one image named 1_1"):
        open_dataset(root)


def test_another_name_is_not_this_layout(folder_of):
    """One name that does not fit makes it a plain folder of pairs."""
    root = folder_of(["1_1.tif", "1_1_mask.tif", "left.tif", "left_mask.tif"])
    assert open_dataset(root).layout == "folders"


def test_real_nerve_jpeg(shared_data):
    """The shared part of the set has four subjects, each in train and test."""
    dataset = open_dataset(shared_data / "nerve_jpeg")
    assert dataset.layout == "nerve"
    assert {(s.subject, s.split) for s in dataset.samples} == {
        (who, split) for who in ("3", "11", "20", "33") for split in ("train", "test")
    }
    assert all(s.masks for s in dataset.samples)


def test_masks_alone_say_so(shared_data):
    """A folder of masks without images is refused for that reason."""
    with pytest.raises(LayoutError, match="all are named as masks"):
        open_dataset(shared_data / "nerve_masks")
