from __future__ import annotations

import numpy as np
import pytest

from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

IMAGE = np.zeros((2, 3, 3), np.uint8)
EMPTY = np.zeros((2, 3), np.uint8)
LEFT, RIGHT = (np.array([row, [0, 0, 0]], np.uint8) for row in ([255, 0, 0], [0, 0, 255]))


def _busi(top=""):
    return {
        f"{top}benign/benign (2).png": IMAGE,
        f"{top}benign/benign (2)_mask.png": LEFT,
        f"{top}benign/benign (2)_mask_1.png": RIGHT,
        f"{top}malignant/malignant (10).png": IMAGE,
        f"{top}malignant/malignant (10)_mask.png": RIGHT,
        f"{top}normal/normal (1).png": IMAGE,
        f"{top}normal/normal (1)_mask.png": EMPTY,
    }


def _labels(dataset):
    return {s.id: read_labels(dataset, s, "reference")[0].tolist() for s in dataset.samples}


@pytest.mark.parametrize("top", ["", "Dataset_BUSI_with_GT/"])
def test_masks_draw_one_class(pictures_in, top):
    """Several masks of an image are united; the folder is neither class nor subject."""
    dataset = settle_encodings(open_dataset(pictures_in(_busi(top))))
    assert dataset.layout == "class-folders"
    assert "(benign, malignant, normal)" in dataset.reason
    assert not any(s.subject for s in dataset.samples)
    assert _labels(dataset) == {
        "benign (2)": [1, 0, 1], "malignant (10)": [0, 0, 1], "normal (1)": [0, 0, 0],
    }  # fmt: skip
    assert len(dataset.classes) == 2
    assert "which are united: 1 image" in dataset.notes[0]
    assert "class-folders-apart" in dataset.notes[1]


def test_the_folder_as_class(pictures_in):
    """Asked for, what is drawn in a folder is of its class; nothing is in normal ones."""
    dataset = open_dataset(pictures_in(_busi()), layout="class-folders-apart")
    dataset = settle_encodings(dataset)
    assert [c.name for c in dataset.classes] == ["background", "benign", "malignant"]
    assert _labels(dataset) == {
        "benign (2)": [1, 0, 1], "malignant (10)": [0, 0, 2], "normal (1)": [0, 0, 0],
    }  # fmt: skip
    assert all("apart" not in note for note in dataset.notes)


def test_splits_above(folder_of):
    """Folders of splits may hold the folders of classes, with names that repeat."""
    names = [
        f"{split}/{kind}/1{end}.png"
        for split in ("train", "test")
        for kind in ("benign", "malignant")
        for end in ("", "_mask")
    ]
    dataset = open_dataset(folder_of(names))
    assert dataset.layout == "class-folders"
    assert [(s.id, s.split) for s in dataset.samples] == [
        ("train_benign_1", "train"), ("train_malignant_1", "train"),
        ("test_benign_1", "test"), ("test_malignant_1", "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("kinds", [("cat", "dog"), ("Galaxy", "Comet")])
def test_any_class_whose_images_bear_its_name(folder_of, kinds):
    """`cat (1).png` in cat/ is enough where the words are not known."""
    names = [f"{k}/{k.lower()} ({n}){e}.jpg" for k in kinds for n in (1, 2) for e in ("", "_mask")]
    assert open_dataset(folder_of(names)).layout == "class-folders"


def test_patients_are_not_classes(folder_of):
    """Folders of unknown words whose files begin with their names stay subjects."""
    names = [f"{who}/{who}_1{end}.png" for who in ("anna", "ben") for end in ("", "_mask")]
    dataset = open_dataset(folder_of(names))
    assert (dataset.layout, dataset.samples[0].subject) == ("folders", "anna")


def test_folders_of_whole_images_alone_are_not_it(folder_of):
    """Without a single mask there is nothing to segment."""
    names = ["benign/a.png", "malignant/b.png", "x/images/1.png", "x/masks/1.png"]
    assert open_dataset(folder_of(names)).layout == "folders"
