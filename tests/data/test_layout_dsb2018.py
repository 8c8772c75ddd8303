from __future__ import annotations

import numpy as np

from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels


def _case(id_, masks, top="stage1_train"):
    return [f"{top}/{id_}/images/{id_}.png", *(f"{top}/{id_}/masks/{m}.png" for m in masks)]


def test_a_mask_an_object(folder_of):
    """Each file is an object; stage1_test has no masks; tables beside are no pictures."""
    names = [*_case("0a7d", ["f1", "f2"]), *_case("1b2c", ["e9"]), *_case("9f", [], "stage1_test")]
    dataset = open_dataset(folder_of([*names, "stage1_train_labels.csv"]))
    assert dataset.layout == "dsb2018"
    assert dataset.has_instances
    assert [(s.id, s.split, len(s.masks.get("reference", ()))) for s in dataset.samples] == [
        ("0a7d", "train", 2), ("1b2c", "train", 1), ("9f", "test", 0),
    ]  # fmt: skip
    assert not dataset.has_subjects


def test_objects_are_united_for_labels(pictures_in):
    """The labels of an image hold all of its objects, RGBA images included."""
    image = np.full((2, 3, 4), 255, np.uint8)
    first, second = np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)
    first[0, 0], second[1] = 255, 255
    root = pictures_in(
        {"a/images/a.png": image, "a/masks/x.png": first, "a/masks/y.png": second,
         "b/images/b.png": image, "b/masks/z.png": first}
    )  # fmt: skip
    dataset = settle_encodings(open_dataset(root))
    assert dataset.layout == "dsb2018"
    labels = read_labels(dataset, dataset.samples[0], "reference")
    assert labels.tolist() == [[1, 0, 0], [1, 1, 1]]


def test_whole_masks_are_plain_folders(folder_of):
    """Masks that bear their image's name are no objects, and several images are no case."""
    named = [f"{c}/{k}/{c}{e}.png" for c in "ab" for k, e in (("images", ""), ("masks", "_mask"))]
    dataset = open_dataset(folder_of(named))
    assert (dataset.layout, dataset.has_instances) == ("folders", False)


def test_several_images_a_folder_are_plain_folders(folder_of):
    """A patient's folder with several images and as many masks is no case of the Bowl."""
    names = [f"{p}/{k}/{n}.png" for p in "ab" for k in ("images", "masks") for n in (1, 2)]
    assert open_dataset(folder_of(names)).layout == "folders"


def test_masks_without_an_image_are_told(folder_of):
    """A folder of masks whose image is missing is a note."""
    names = [*_case("a", ["x", "y"]), "stage1_train/b/masks/z.png"]
    dataset = open_dataset(folder_of(names))
    assert dataset.notes == ("no image for the masks of stage1_train/b/",)
