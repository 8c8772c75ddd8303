from __future__ import annotations

import numpy as np
import pytest

from delineate.core.errors import LayoutError, SizeMismatchError
from delineate.data.manifest import write_manifest
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

IMAGE = np.zeros((4, 5, 3), np.uint8)
CROP = np.array([[255, 0], [255, 255]], np.uint8)
# The crop with its corner in row 1 and column 2.
PLACED = [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]]


def _labels(dataset, at=0):
    dataset = settle_encodings(dataset)
    return read_labels(dataset, dataset.samples[at], "reference").tolist()


@pytest.mark.parametrize(
    ("mask", "table"),
    [
        ("masks/a.png", "mask,x,y\na.png,2,1\n"),
        ("masks/a_mask.png", "image,left,top,width,height\na,2,1,2,2\n"),
        ("masks/a.png", "Image;X_Offset;Y_Offset\na.jpg;2.0;1\n"),
        ("masks/zz.png", "image,mask,x0,y0\nimages/a.jpg,masks/zz.png,2,1\n"),
        ("crops/a_1.png", "file_name\txmin\tymin\na_1.png\t2\t1\n"),
    ],
)
def test_masks_lie_where_the_table_says(pictures_in, mask, table):
    """By the mask's name or the image's, in any common spelling of the columns."""
    root = pictures_in({"images/a.jpg": IMAGE, mask: CROP, "offsets.csv": table})
    dataset = open_dataset(root)
    assert dataset.layout == "cropped"
    assert _labels(dataset) == PLACED


def test_several_crops_are_objects(pictures_in):
    """Two crops of one image are united in labels and objects of their own; splits are told."""
    files = {"train/images/a.png": IMAGE, "train/masks/a_1.png": CROP, "train/masks/a_2.png": CROP,
             "test/images/b.png": IMAGE,
             "offsets.csv": "mask,x,y\na_1.png,2,1\na_2.png,0,2\n"}  # fmt: skip
    dataset = open_dataset(pictures_in(files))
    assert dataset.has_instances
    assert [(s.id, s.split, bool(s.masks)) for s in dataset.samples] == [
        ("a", "train", True), ("b", "test", False),
    ]  # fmt: skip
    assert _labels(dataset) == [[0] * 5, PLACED[1], [1, 0, 1, 1, 0], [1, 1, 0, 0, 0]]


def test_class_indices_stay(pictures_in):
    """Crops of several classes keep their numbers."""
    crop = np.array([[0, 1], [2, 2]], np.uint8)
    files = {"images/a.png": IMAGE, "masks/a.png": crop, "t.csv": "mask,x,y\na.png,0,0\n"}
    dataset = settle_encodings(open_dataset(pictures_in(files)))
    assert len(dataset.classes) == 3
    assert read_labels(dataset, dataset.samples[0], "reference")[:2, :2].tolist() == crop.tolist()


def test_through_a_manifest(pictures_in):
    """The table of offsets travels in the manifest's encoding, relative to it."""
    files = {"images/a.png": IMAGE, "masks/a.png": CROP, "o.csv": "mask,x,y\na.png,2,1\n"}
    dataset = open_dataset(pictures_in(files))
    (dataset.root / "below").mkdir()
    write_manifest(dataset, dataset.root / "below/m.csv")
    assert "offsets:../o.csv" in (dataset.root / "below/m.csv").read_text()
    assert _labels(open_dataset(dataset.root / "below/m.csv")) == PLACED


def test_whole_masks_beside_a_table_are_plain_folders(pictures_in):
    """Masks as large as their images are no crops, whatever the table speaks of."""
    whole = np.zeros((4, 5), np.uint8)
    files = {"images/a.png": IMAGE, "masks/a.png": whole, "boxes.csv": "image,x,y\na,1,1\n"}
    assert open_dataset(pictures_in(files)).layout == "folders"


def test_asked_for_without_a_table(pictures_in):
    """By name it says what is missing."""
    root = pictures_in({"images/a.png": IMAGE, "masks/a.png": CROP})
    with pytest.raises(LayoutError, match="not the layout cropped"):
        open_dataset(root, layout="cropped")


def test_beyond_the_image(pictures_in):
    """A crop that hangs over the edge names file, place and table."""
    files = {"images/a.png": IMAGE, "masks/a.png": CROP, "o.csv": "mask,x,y\na.png,4,1\n"}
    dataset = open_dataset(pictures_in(files))
    with pytest.raises(SizeMismatchError, match=r"a\.png: .* from row 1 and column 4 on; .*o\.csv"):
        _labels(dataset)


def test_lost_crops_are_told(pictures_in):
    """A crop of no image is a note."""
    files = {"images/a.png": IMAGE, "masks/a.png": CROP, "masks/q.png": CROP,
             "o.csv": "mask,x,y\na.png,2,1\nq.png,0,0\n"}  # fmt: skip
    assert open_dataset(pictures_in(files)).notes == ("no image for 1 mask: q.png",)
