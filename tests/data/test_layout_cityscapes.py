from __future__ import annotations

import cv2
import numpy as np
import pytest

from delineate.core.errors import LayoutError
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.mask_encoding import MaskEncoding, read_mask

IMAGE = np.zeros((1, 4, 3), np.uint8)
LABEL_IDS = np.array([[7, 26, 0, 29]], np.uint8)  # road, car, unlabelled, caravan
TRAIN_IDS = np.array([[0, 13, 255, 255]], np.uint8)
FRAMES = {"train/aachen": "aachen_000000_000019", "val/frankfurt": "frankfurt_000001_005898"}


def _set(kind, mask, truth="gtFine"):
    files = {}
    for place, name in FRAMES.items():
        files[f"leftImg8bit/{place}/{name}_leftImg8bit.png"] = IMAGE
        files[f"{truth}/{place}/{name}_{truth}_{kind}.png"] = mask
        files[f"{truth}/{place}/{name}_{truth}_color.png"] = IMAGE
        files[f"{truth}/{place}/{name}_{truth}_instanceIds.png"] = LABEL_IDS.astype(np.uint16)
        files[f"{truth}/{place}/{name}_{truth}_polygons.json"] = "{}"
    return files


@pytest.mark.parametrize("truth", ["gtFine", "gtCoarse"])
@pytest.mark.parametrize(("kind", "mask"), [("labelIds", LABEL_IDS), ("labelTrainIds", TRAIN_IDS)])
def test_both_kinds_of_ids_agree(pictures_in, kind, mask, truth):
    """Road is 1 and car 14 in either kind; what is not scored is unknown; cities are subjects."""
    dataset = settle_encodings(open_dataset(pictures_in(_set(kind, mask, truth))))
    assert dataset.layout == "cityscapes"
    assert [(s.id, s.subject, s.split) for s in dataset.samples] == [
        ("aachen_000000_000019", "aachen", "train"),
        ("frankfurt_000001_005898", "frankfurt", "validation"),
    ]
    labels = read_labels(dataset, dataset.samples[0], "reference")
    assert labels.tolist() == [[1, 14, IGNORE, IGNORE]]
    assert dataset.classes[1].name == "road"
    assert dataset.classes[14].colour == (0, 0, 142)
    assert not dataset.has_instances


def test_polygons_where_there_are_no_pictures(folder_of):
    """The JSON files are the masks then, and their objects instances."""
    names = [f"leftImg8bit/{place}/{name}_leftImg8bit.png" for place, name in FRAMES.items()]
    names += [f"gtFine/{place}/{name}_gtFine_polygons.json" for place, name in FRAMES.items()]
    dataset = open_dataset(folder_of(names))
    assert str(dataset.encodings["reference"]) == "cityscapes-polygons"
    assert dataset.has_instances
    assert dataset.samples[0].masks["reference"][0].suffix == ".json"
    assert "masks are polygons" in dataset.notes[0]


def test_fine_ones_before_coarse(folder_of):
    """Where both are there, gtFine is read, even of fewer images."""
    names = []
    for place, name in FRAMES.items():
        names += [f"leftImg8bit/{place}/{name}_leftImg8bit.png",
                  f"gtCoarse/{place}/{name}_gtCoarse_labelIds.png"]  # fmt: skip
    names.append("gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png")
    dataset = open_dataset(folder_of(names))
    assert [[f.name for f in s.masks.get("reference", ())] for s in dataset.samples] == [
        ["aachen_000000_000019_gtFine_labelIds.png"], [],
    ]  # fmt: skip


def test_mask_without_its_image_is_told(folder_of):
    """A mask of a frame that is not there is a note; the image twice an error."""
    names = ["a_0_1_leftImg8bit.png", "a_0_1_gtFine_labelIds.png", "a_0_2_gtFine_labelIds.png"]
    dataset = open_dataset(folder_of(names))
    assert dataset.notes[-1] == "no image for 1 mask: a_0_2_gtFine_labelIds.png"
    (dataset.root / "more").mkdir()
    (dataset.root / "more/a_0_1_leftImg8bit.png").touch()
    with pytest.raises(LayoutError, match="expected one image of this name"):
        open_dataset(dataset.root)


def test_the_real_crop(shared_data):
    """Label ids and train ids of the shared sample agree, but at edges, where it was resized."""
    root = shared_data / "cityscapes/tests/data/pseudo_cityscapes_dataset"
    (sample,) = open_dataset(root).samples
    (file,) = sample.masks["reference"]
    by_label = read_mask(file, MaskEncoding.parse("values:cityscapes-labelids"))
    other = file.with_name(file.name.replace("labelIds", "labelTrainIds"))
    by_train = read_mask(other, MaskEncoding.parse("values:cityscapes-trainids"))
    differing = by_label != by_train
    assert differing.sum() == 77
    for index in np.unique(by_label):
        found = by_train[by_label == index]
        assert np.bincount(found, minlength=256).argmax() == index
    interior = cv2.erode((by_label == 3).astype(np.uint8), np.ones((5, 5), np.uint8)) == 1
    assert interior.sum() > 5000
    assert not differing[interior].any()


@pytest.mark.parametrize(("kind", "dummy"), [("labelIds", LABEL_IDS * 0 + 3), ("polygons", None)])
def test_dummies_of_the_test_images_are_no_masks(pictures_in, kind, dummy):
    """The official masks of test hold unknown pixels alone: scores would mean nothing."""
    roi = '{"imgHeight": 1, "imgWidth": 4, "objects": [{"label": "out of roi", "polygon": []}]}'
    road = roi.replace("out of roi", "road")
    files = {}
    for split, frame in (("train", "aachen_000000_000019"), ("test", "berlin_000000_000019")):
        files[f"leftImg8bit/{split}/x/{frame}_leftImg8bit.png"] = IMAGE
        mask = LABEL_IDS if split == "train" else dummy
        if kind == "polygons":
            files[f"gtFine/{split}/x/{frame}_gtFine_polygons.json"] = (
                road if split == "train" else roi
            )
        else:
            files[f"gtFine/{split}/x/{frame}_gtFine_labelIds.png"] = mask
    dataset = open_dataset(pictures_in(files))
    assert [(s.split, bool(s.masks)) for s in dataset.samples] == [("train", True), ("test", False)]
    assert "the masks of test are dummies" in dataset.notes[1]


def test_real_masks_of_test_images_stay(pictures_in):
    """Masks in a folder called test that do say something are read like others."""
    files = {
        "leftImg8bit/test/x/berlin_000000_000019_leftImg8bit.png": IMAGE,
        "gtFine/test/x/berlin_000000_000019_gtFine_labelIds.png": LABEL_IDS,
    }
    (sample,) = open_dataset(pictures_in(files)).samples
    assert sample.masks
