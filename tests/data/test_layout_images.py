"""Pictures alone, on request."""

from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset


def test_every_picture_is_a_sample(folder_of):
    """Ids are paths without endings, splits come from folders, masks by name are left out."""
    folder = folder_of(["train/a.png", "test/a.png", "test/b.png", "b_mask.png", "masks/c.png"])
    dataset = open_dataset(folder, layout="images")
    assert [(s.id, s.split) for s in dataset.samples] == [
        ("train/a", "train"),
        ("test/a", "test"),
        ("test/b", "test"),
    ]
    assert not any(s.masks for s in dataset.samples)
    assert dataset.notes == ("left out as masks by their names: 2 files",)


def test_two_endings_of_one_name_stay_apart(folder_of):
    """Files that differ in their ending alone are named with it."""
    dataset = open_dataset(folder_of(["x/a.png", "x/a.jpg", "y/b.jpg"]), layout="images")
    assert {s.id for s in dataset.samples} == {"x/a.png", "x/a.jpg", "y/b"}


def test_it_is_never_recognised(folder_of):
    """Without the request a folder of pictures is an error that names the layout."""
    with pytest.raises(LayoutError, match="with --layout images"):
        open_dataset(folder_of(["a.png", "b.png"]))


def test_masks_alone_are_no_pictures(folder_of):
    """A folder that holds masks only is refused."""
    with pytest.raises(LayoutError, match="not the layout images"):
        open_dataset(folder_of(["masks/a.png"]), layout="images")
