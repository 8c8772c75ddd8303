from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImages

from delineate.core.errors import LayoutError
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

IMAGE = np.zeros((2, 3, 3), np.uint8)
MASK = np.array([[0, 15, 255], [0, 20, 0]], np.uint8)
COLOURED = np.array([[[0, 0, 0], [9, 9, 200], [0, 0, 0]]] * 2, np.uint8)


def _labels(dataset, at=0):
    return read_labels(dataset, dataset.samples[at], "reference").tolist()


@pytest.mark.parametrize("top", ["", "VOC2012/", "VOCdevkit/VOC2012/"])
def test_official(pictures_in, top):
    """Pascal's names and colours, splits of the lists, images of other tasks left out."""
    files = {f"{top}JPEGImages/2007_00000{n}.jpg": IMAGE for n in range(5)}
    files |= {f"{top}SegmentationClass/2007_00000{n}.png": MASK for n in range(3)}
    files |= {f"{top}SegmentationObject/2007_000000.png": MASK}
    lists = {"train": "2007_000000\n", "val": "2007_000001 \n", "trainval": "2007_000000\n",
             "test": "2007_000003\n"}  # fmt: skip
    texts = {f"{top}ImageSets/Segmentation/{k}.txt": v for k, v in lists.items()}
    texts |= {f"{top}ImageSets/Main/train.txt": "2007_000001\n"}
    dataset = settle_encodings(open_dataset(pictures_in(files | texts)))
    assert dataset.layout == "voc"
    assert [(s.id, s.split, bool(s.masks)) for s in dataset.samples] == [
        ("2007_000000", "train", True), ("2007_000001", "validation", True),
        ("2007_000003", "test", False), ("2007_000002", None, True),
    ]  # fmt: skip
    assert "no list names them: 1 image" in dataset.notes[0]
    assert _labels(dataset) == [[0, 15, IGNORE], [0, 20, 0]]
    assert (dataset.classes[15].name, dataset.classes[15].colour) == ("person", (192, 128, 128))


def test_two_years_side_by_side(pictures_in):
    """VOC2007 and VOC2012 in one folder are one set; ids that repeat begin with their folder."""
    files = {}
    for year in ("VOC2007", "VOC2012"):
        files |= {
            f"{year}/JPEGImages/000001.jpg": IMAGE,
            f"{year}/SegmentationClass/000001.png": MASK,
        }
    dataset = open_dataset(pictures_in(files))
    assert [s.id for s in dataset.samples] == [
        "VOC2007_JPEGImages_000001", "VOC2012_JPEGImages_000001",
    ]  # fmt: skip


def test_names_without_pascals_are_not_pascals(pictures_in):
    """Other images in the same folders have numbered classes, as their masks hold."""
    root = pictures_in({"JPEGImages/cat.jpg": IMAGE, "SegmentationClass/cat.png": MASK})
    dataset = settle_encodings(open_dataset(root))
    assert dataset.classes[15].name == "class 15"
    assert len(dataset.classes) == 21


@pytest.mark.parametrize("first", ["", "__ignore__\n"])
def test_labelme_arrays(pictures_in, first):
    """Arrays with -1 as unknown are the masks where no picture is; class_names.txt names them."""
    array = np.array([[0, 2, -1], [0, 1, 0]], np.int32)
    files = {"JPEGImages/a.jpg": IMAGE, "SegmentationClassNpy/a.npy": array,
             "class_names.txt": first + "_background_\ncat\ndog"}  # fmt: skip
    dataset = settle_encodings(open_dataset(pictures_in(files)))
    assert _labels(dataset) == [[0, 2, IGNORE], [0, 1, 0]]
    assert [c.name for c in dataset.classes] == ["_background_", "cat", "dog"]


def test_names_take_the_colours_of_the_palette(pictures_in):
    """Where the table has names alone, the masks' own palette colours them."""
    files = {"JPEGImages/a.jpg": IMAGE, "class_names.txt": "_background_\ncat\ndog"}
    root = pictures_in(files)
    mask = PillowImages.fromarray(np.array([[0, 1, 2]] * 2, np.uint8))
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    (root / "SegmentationClass").mkdir()
    mask.save(root / "SegmentationClass/a.png")
    dataset = open_dataset(root)
    assert [c.colour for c in dataset.classes] == [(0, 0, 0), (128, 0, 0), (0, 128, 0)]


def test_cvat_colours(pictures_in):
    """CVAT writes colours with labelmap.txt and its one list default.txt."""
    files = {"JPEGImages/a.png": IMAGE, "SegmentationClass/a.png": COLOURED,
             "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:9,9,200::\n",
             "ImageSets/Segmentation/default.txt": "a\n"}  # fmt: skip
    dataset = settle_encodings(open_dataset(pictures_in(files)))
    assert _labels(dataset) == [[0, 1, 0]] * 2
    assert [c.name for c in dataset.classes] == ["background", "cat"]


def test_a_name_in_two_lists_is_refused(pictures_in):
    """One image cannot be trained on and scored."""
    files = {"JPEGImages/a.jpg": IMAGE, "SegmentationClass/a.png": MASK}
    files |= {f"ImageSets/Segmentation/{s}.txt": "a\n" for s in ("train", "val")}
    with pytest.raises(LayoutError, match=r"val\.txt: expected each image in one list"):
        open_dataset(pictures_in(files))


def test_masks_of_other_names_are_refused(pictures_in):
    """Folders of the right names whose files do not belong together say so."""
    root = pictures_in({"JPEGImages/a.jpg": IMAGE, "SegmentationClass/b.png": MASK})
    with pytest.raises(LayoutError, match="expected masks named like the images"):
        open_dataset(root)


def test_real_palette_and_arrays_agree(shared_data):
    """labelme's palette pictures and arrays of the shared sample are the same labels."""
    from delineate.files.mask_encoding import MaskEncoding, read_mask

    dataset = open_dataset(shared_data / "labelme_voc/data_dataset_voc")
    for sample in dataset.samples:
        array = dataset.root / "SegmentationClassNpy" / f"{sample.id}.npy"
        from_array = read_mask(array, MaskEncoding.parse("index,ignore:255"))
        assert np.array_equal(from_array, read_labels(dataset, sample, "reference"))
