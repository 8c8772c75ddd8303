from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset

TRAINING = [
    "training/images/21_training.tif",
    "training/1st_manual/21_manual1.gif",
    "training/mask/21_training_mask.gif",
]
TEST = [
    "test/images/01_test.tif",
    "test/1st_manual/01_manual1.gif",
    "test/2nd_manual/01_manual2.gif",
    "test/mask/01_test_mask.gif",
]


def test_observers_region_and_subject(folder_of):
    """Both observers, the field of view, the number as subject and the split are found."""
    dataset = open_dataset(folder_of(TRAINING + TEST))
    train, test = dataset.samples
    assert dataset.layout == "drive"
    assert (train.id, train.subject, train.split) == ("21_training", "21", "train")
    assert (test.id, test.subject, test.split) == ("01_test", "01", "test")
    assert {o: [f.name for f in files] for o, files in test.masks.items()} == {
        "1": ["01_manual1.gif"],
        "2": ["01_manual2.gif"],
    }
    assert list(train.masks) == ["1"]
    assert dataset.observers == ("1", "2")
    assert test.region is not None
    assert test.region.name == "01_test_mask.gif"


def test_test_images_may_have_no_masks(folder_of):
    """The download without test masks opens, its test images unlabelled."""
    dataset = open_dataset(folder_of([*TRAINING, TEST[0], TEST[3]]))
    assert [bool(s.masks) for s in dataset.samples] == [True, False]


def test_folder_around_is_opened_too(folder_of):
    """The folder that holds nothing but DRIVE opens like DRIVE, and the reason says so."""
    dataset = open_dataset(folder_of([f"DRIVE/{name}" for name in TRAINING + TEST]))
    assert dataset.layout == "drive"
    assert dataset.root.name == "DRIVE"
    assert "(in DRIVE/)" in dataset.reason


def test_one_part_alone_states_no_split(folder_of):
    """training/ given by itself opens, and can then be split in any way."""
    root = folder_of(TRAINING)
    (sample,) = open_dataset(root / "training").samples
    assert sample.split is None
    assert sample.subject == "21"


def test_mask_without_image_is_noted(folder_of):
    """A mask of a number that no image has is said, not forgotten."""
    dataset = open_dataset(folder_of([*TRAINING, "training/1st_manual/99_manual1.gif"]))
    assert dataset.notes == ("no image for 1 mask of observer 1: 99_manual1.gif",)


def test_number_twice_is_refused(folder_of):
    """Two images of one number cannot both have its mask."""
    root = folder_of([*TRAINING, "training/images/21_copy.tif"])
    with pytest.raises(LayoutError, match="expected one file of number 21"):
        open_dataset(root)


def test_name_without_number_is_refused(folder_of):
    """An image that does not begin with a number is named in the error."""
    root = folder_of([*TRAINING, "training/images/left.tif"])
    with pytest.raises(LayoutError, match=r"left\.tif: expected a number first"):
        open_dataset(root)


def test_real_drive(shared_data):
    """The real DRIVE has 20 and 20 images, the second observer on test alone."""
    dataset = open_dataset(shared_data / "drive")
    assert [s.split for s in dataset.samples].count("train") == 20
    assert all(s.region for s in dataset.samples)
    assert [s.id for s in dataset.samples if "2" in s.masks] == [
        f"{n:02d}_test" for n in range(1, 21)
    ]
