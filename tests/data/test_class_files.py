from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

IMAGE = np.zeros((1, 4, 3), np.uint8)
NUMBERS = np.array([[0, 1, 2, 255]], np.uint8)
COLOURS = np.array([[[0, 0, 0], [9, 0, 0], [0, 9, 0], [9, 9, 9]]], np.uint8)
DICT = "name,r,g,b\nbackground,0,0,0\ncat,9,0,0\ndog,0,9,0\nvoid,9,9,9\n"


def _set(mask, **tables):
    names = {"images/a.png": IMAGE, "images/b.png": IMAGE, "masks/b.png": mask}
    texts = {f"{name}.{'csv' if 'dict' in name else 'txt'}": text for name, text in tables.items()}
    # The first mask is empty and says nothing.
    return names | {"masks/a.png": np.zeros_like(mask)} | texts


@pytest.mark.parametrize(
    ("mask", "tables"),
    [
        (COLOURS, {"class_dict": DICT}),
        (NUMBERS, {"class_dict": DICT}),
        (NUMBERS, {"labels": "__ignore__\n_background_\ncat\ndog\n"}),
        (NUMBERS, {"class_names": "background\ncat\ndog\n"}),
    ],
)
def test_plain_folders_take_names_from_a_table(pictures_in, mask, tables):
    """Colours or numbers, the table beside the folders settles and names them."""
    dataset = settle_encodings(open_dataset(pictures_in(_set(mask, **tables))))
    assert dataset.layout == "folders"
    assert [c.name for c in dataset.classes[1:]] == ["cat", "dog"]
    labels = read_labels(dataset, dataset.samples[1], "reference")
    assert labels.tolist() == [[0, 1, 2, IGNORE]]
    assert dataset.notes[-1].startswith("names of classes: ")


@pytest.mark.parametrize(
    ("mask", "tables"),
    [
        (NUMBERS, {"classes": "cat\ndog\nhorse\n"}),  # from 0 or from 1?
        (np.array([[0, 255, 0, 0]], np.uint8), {"labels": "background\ncat\n"}),
        (np.array([[0, 1, 5, 0]], np.uint8), {"labels": "background\ncat\n"}),
        (NUMBERS, {"labels": "train 1 2\nname,r\n"}),
        (NUMBERS, {"labels": ""}),
        (NUMBERS, {"labels": "\0\0"}),
    ],
)
def test_a_table_of_something_else_is_passed_over(pictures_in, mask, tables):
    """A list that does not fit the masks, or is none, changes nothing."""
    dataset = open_dataset(pictures_in(_set(mask, **tables)))
    assert (dataset.encodings, dataset.classes, dataset.notes) == ({}, (), ())
