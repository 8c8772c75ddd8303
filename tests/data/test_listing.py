from __future__ import annotations

import os

import pytest

from delineate.core.errors import LayoutError
from delineate.data.listing import list_images, natural_key, some, stem


def test_numbers_sort_by_value():
    """2 stands before 10, whatever the case of the letters around."""
    assert sorted(["b10", "B2", "a1"], key=natural_key) == ["a1", "B2", "b10"]


def test_mixed_starts_can_be_compared():
    """Names that begin with a digit and with a letter sort together without an error."""
    assert sorted(["x", "1", "1x", ""], key=natural_key) == ["", "1", "1x", "x"]


def test_hidden_and_foreign_files_are_passed_over(folder_of):
    """Hidden files, __MACOSX and Thumbs.db are nobody's images."""
    root = folder_of(
        ["a.PNG", ".b.png", "._a.png", "__MACOSX/a.png", "Thumbs.db", ".git/c.png", "notes.txt"]
    )
    listing = list_images(root)
    assert listing.count == 1
    assert listing.names("") == ("a.PNG",)


def test_link_that_points_upwards_ends(folder_of):
    """A folder that links to its parent is listed once, not for ever."""
    root = folder_of(["in/a.png"])
    (root / "in" / "again").symlink_to(root)
    assert list_images(root).count == 1


def test_missing_folder_is_named(tmp_path):
    """A path that does not exist is an error with that path."""
    with pytest.raises(LayoutError, match="gone: no such folder"):
        list_images(tmp_path / "gone")


def test_what_was_found_is_described(folder_of):
    """The description counts images and names the first folders."""
    root = folder_of(["x/1.png", "x/2.png", "y/1.png"])
    assert list_images(root).describe() == "3 images in 2 folders: x/ (2), y/ (1)"


def test_no_images_says_what_else_is_there(folder_of):
    """Where nothing is an image, the endings found instead are named."""
    assert list_images(folder_of(["a.nii", "b.nii"])).describe() == "no image files (but 2 .nii)"


def test_dicom_without_an_ending_is_found(tmp_path):
    """Files without an ending, or with digits for one, are images where they hold DICOM."""
    head = bytes(128) + b"DICM" + bytes(40)
    for name in ("IM000001", "1.2.840.10008", "b.DCM", "c.ima"):
        (tmp_path / name).write_bytes(head)
    (tmp_path / "DICOMDIR").write_bytes(head + b"1.2.840.10008.1.3.10")
    (tmp_path / "notes").write_text("no image at all")
    (tmp_path / "short.1").write_bytes(b"x")
    (tmp_path / "d.dat").write_bytes(head)
    listing = list_images(tmp_path)
    assert listing.names("") == ("1.2.840.10008", "b.DCM", "c.ima", "IM000001")
    assert dict(listing.other_files) == {"": 2, ".1": 1, ".dat": 1}


def test_what_cannot_be_looked_into_is_no_image(tmp_path):
    """A pipe and a dangling link without an ending are passed over, not waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert list_images(tmp_path).count == 0


def test_digits_are_no_ending():
    """Identifiers of digits and points keep their last part."""
    assert [stem(n) for n in ("1.2.840.5", "1.2.840.6", "IM.0001", "1_1.tif")] == [
        "1.2.840.5",
        "1.2.840.6",
        "IM.0001",
        "1_1",
    ]


def test_few_names_need_no_more():
    """Up to three names are given whole."""
    assert some(["a", "b", "c"]) == "a, b, c"
