from __future__ import annotations

import numpy as np
import pytest

from delineate.core.errors import LayoutError, UncertainMaskError
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

GREY = np.zeros((2, 3, 3), np.uint8)
NUMBERS = np.array([[0, 1, 10], [11, 3, 3]], np.uint8)
COLOURS = np.array(
    [[[64, 128, 64], [0, 0, 0], [192, 0, 128]], [[0, 0, 0], [0, 0, 0], [64, 128, 64]]], np.uint8
)
TABLE = "64 128 64\tAnimal\n192 0 128\tArchway\n0 0 0\t\tVoid\n"


def _opened(root):
    dataset = settle_encodings(open_dataset(root))
    (labels,) = {read_labels(dataset, s, "reference").tobytes() for s in dataset.samples if s.masks}
    return dataset, np.frombuffer(labels, np.uint8).reshape(2, 3).tolist()


def test_as_in_segnet(pictures_in):
    """Values 0 to 10 are the classes 1 to 11, 11 is unknown; the sequence is the subject."""
    files = {}
    for folder, name in (
        ("train", "0001TP_006690"), ("train", "0006R0_f00930"), ("val", "0016E5_07959"),
        ("test", "Seq05VD_f00000"), ("test", "0001TP_008550"),
    ):  # fmt: skip
        files |= {f"{folder}/{name}.png": GREY, f"{folder}annot/{name}.png": NUMBERS}
    lists = {"train.txt": "/SegNet/CamVid/train/0001TP_006690.png /SegNet/x.png\n"}
    dataset, labels = _opened(pictures_in(files | lists))
    assert dataset.layout == "camvid"
    assert labels == [[1, 2, 11], [IGNORE, 4, 4]]
    assert [c.name for c in dataset.classes][:3] == ["unlabelled", "sky", "building"]
    assert len(dataset.classes) == 12
    assert [(s.subject, s.split) for s in dataset.samples] == [
        ("0001TP", "train"), ("0006R0", "train"), ("0016E5", "validation"),
        ("0001TP", "test"), ("Seq05VD", "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("table", ["class_dict.csv", "label_colors.txt"])
@pytest.mark.parametrize(
    ("images", "masks"),
    [("701_StillsRaw_full", "LabeledApproved_full"), ("train", "train_labels")],
)
def test_in_colours(pictures_in, images, masks, table):
    """The first form, and Kaggle's: colours by a table, void unknown, masks called _L."""
    text = (
        TABLE
        if table.endswith("txt")
        else "name,r,g,b\nAnimal,64,128,64\nArchway,192,0,128\nVoid,0,0,0\n"
    )
    files = {f"{images}/0001TP_006690.png": GREY, f"{masks}/0001TP_006690_L.png": COLOURS}
    dataset, labels = _opened(pictures_in(files | {table: text}))
    assert dataset.layout == "camvid"
    assert labels == [[1, IGNORE, 2], [IGNORE, IGNORE, 1]]
    assert [c.name for c in dataset.classes] == ["unlabelled", "Animal", "Archway"]


def test_with_codes(pictures_in):
    """The form with masks called _P: a line a value, splits from valid.txt and the rest."""
    names = ["0001TP_006690", "0016E5_00390"]
    files = {f"images/{n}.png": GREY for n in names}
    files |= {f"labels/{n}_P.png": np.array([[0, 1, 2], [3, 1, 1]], np.uint8) for n in names}
    texts = {"codes.txt": "Animal\nArchway\nVoid\nTree", "valid.txt": "0016E5_00390.png\n"}
    dataset, labels = _opened(pictures_in(files | texts))
    assert labels == [[1, 2, IGNORE], [3, 2, 2]]
    assert [(s.id, s.split) for s in dataset.samples] == [
        ("0001TP_006690", "train"), ("0016E5_00390", "validation"),
    ]  # fmt: skip


def test_colours_without_a_table_stay_unsettled(pictures_in):
    """Nothing is guessed: a note says what is missing, and training would be refused."""
    root = pictures_in({"train/0001TP_1.png": GREY, "trainannot/0001TP_1.png": COLOURS})
    dataset = open_dataset(root)
    assert "no class_dict.csv or label_colors.txt names them" in dataset.notes[-1]
    with pytest.raises(UncertainMaskError, match="nothing says which class"):
        settle_encodings(dataset)


def test_another_encoding_takes_the_names_with_it(pictures_in):
    """Told to be indices, value 1 is not called sky any more."""
    root = pictures_in({"train/0001TP_1.png": GREY, "trainannot/0001TP_1.png": NUMBERS})
    dataset = settle_encodings(open_dataset(root, masks="index,ignore:11"))
    assert [c.name for c in dataset.classes][:2] == ["background", "class 1"]


def test_strange_sequences_are_plain_folders(folder_of):
    """Other names in train and trainannot are no CamVid: 11 need not be void there."""
    root = folder_of(["train/0001TP_1.png", "train/b.png", "trainannot/0001TP_1.png"])
    assert open_dataset(root).layout == "folders"


def test_a_frame_twice_is_refused(folder_of):
    """The same frame in two splits would be trained on and scored."""
    names = [f"{s}{a}/0001TP_1.png" for s in ("train", "test") for a in ("", "annot")]
    with pytest.raises(LayoutError, match="expected one image of this name"):
        open_dataset(folder_of(names))
