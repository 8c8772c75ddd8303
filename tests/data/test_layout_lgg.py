from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset

A, B = "TCGA_CS_4941_19960909", "TCGA_DU_A5TP_19970614"


def _slices(patient, numbers, top="", end="tif"):
    below = f"{top}{patient}/{patient}"
    return [f"{below}_{n}{mask}.{end}" for n in numbers for mask in ("", "_mask")]


def test_subject_is_the_patient(folder_of):
    """A folder a patient, slices in the order of their numbers, beside Kaggle's own table."""
    root = folder_of([*_slices(A, [10, 9]), *_slices(B, [1]), "data.csv", "README.md"])
    dataset = open_dataset(root)
    assert dataset.layout == "lgg"
    assert "3 pairs of 2 patients" in dataset.reason
    assert [(s.id, s.subject) for s in dataset.samples] == [
        (f"{A}_9", A), (f"{A}_10", A), (f"{B}_1", B),
    ]  # fmt: skip
    assert dataset.samples[0].masks["reference"][0].name == f"{A}_9_mask.tif"


@pytest.mark.parametrize("top", ["train/", "kaggle_3m/train/"])
def test_splits_endings_and_flat_folders(folder_of, top):
    """Folders for splits above, PNG, and all slices in one folder are read too."""
    flat = [f"{top.replace('train', 'test')}{B}_{n}{m}.PNG" for n in (1, 2) for m in ("", "_mask")]
    dataset = open_dataset(folder_of([*_slices(A, [1], top, "png"), *flat]))
    assert dataset.layout == "lgg"
    assert [(s.subject, s.split) for s in dataset.samples] == [
        (A, "train"), (B, "test"), (B, "test"),
    ]  # fmt: skip


def test_archive_that_holds_the_set_twice(folder_of):
    """Kaggle's archive has everything again one folder below: it is left out and told."""
    names = [*_slices(A, [1]), *_slices(A, [1], "lgg-mri-segmentation/kaggle_3m/")]
    dataset = open_dataset(folder_of(names))
    assert [s.id for s in dataset.samples] == [f"{A}_1"]
    assert dataset.samples[0].image.parent.parent == dataset.root
    assert "a file of the same name lies above: 2 files" in dataset.notes[0]


def test_lost_and_unlabelled(folder_of):
    """An image without a mask is unlabelled; a mask without its image is told."""
    root = folder_of([*_slices(A, [1]), f"{A}/{A}_2.tif", f"{A}/{A}_3_mask.tif"])
    dataset = open_dataset(root)
    assert [bool(s.masks) for s in dataset.samples] == [True, False]
    assert dataset.notes == (f"no image for 1 mask: {A}_3_mask.tif",)


def test_two_files_of_one_slice_are_refused(folder_of):
    """A TIFF beside a PNG of one name: which one is meant cannot be known."""
    with pytest.raises(LayoutError, match="expected one image of this name"):
        open_dataset(folder_of([*_slices(A, [1]), f"{A}/{A}_1.png"]))


def test_a_strange_name_is_another_layout(folder_of):
    """One picture that is no slice makes it plain folders."""
    assert open_dataset(folder_of([*_slices(A, [1]), "overview.png"])).layout == "folders"
