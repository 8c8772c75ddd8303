from __future__ import annotations

import numpy as np
import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset


@pytest.mark.parametrize(
    ("names", "remedy"),
    [
        (["im0001.ppm.gz", "im0002.ppm.gz"], r"2 \.ppm\.gz are not read: unpack them first"),
        (["Tissue Images/a.tif", "Annotations/a.xml"], r"1 \.xml are not read: export the outline"),
        (["a.nii", "notes.txt"], r"1 \.nii are not read: write each slice"),
        (["a.nii.gz", "b.nii.gz"], r"2 \.nii\.gz are not read: write each slice"),
        (["a.json"], r"bring the images of the JSON files along"),
        (["images/a.jpg", "labels/a.txt"], r"the text in labels/ is not read: export the outline"),
    ],
)
def test_files_of_other_kinds_come_with_a_remedy(folder_of, names, remedy):
    """What data sets are handed out in and is not read here is named, with what to do."""
    with pytest.raises(LayoutError, match=remedy):
        open_dataset(folder_of(names))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", '{"images": [{"id": 1', r"a\.json: expected a JSON document, found"),
        (
            "a.json",
            '{"images": [{"id": 1, "file_name": "b.png"}], "categories": [], '
            '"annotations": [{"image_id": 1, "segmentation": [[1, 1, 2, 1, 2, 2]]}]}',
            r"a\.json draws b\.png, and no image here is called so",
        ),
        ("a.csv", "img,pixels\nb,1 2\n", r"a\.csv draws b, and no image here is called so"),
        ("a.csv", "img,pixels\na,-1 2 x\n", r"a\.csv holds other cells than run lengths"),
        ("a.csv", "img,pixels\na,1 2,3\n", r"a\.csv: row 2: expected 2 cells"),
    ],
)
def test_what_is_wrong_with_drawn_files_is_said(pictures_in, name, text, why):
    """A damaged table or JSON is named with its damage, not only passed over."""
    root = pictures_in({"a.png": np.zeros((4, 4), np.uint8), name: text})
    with pytest.raises(LayoutError, match=why):
        open_dataset(root)
