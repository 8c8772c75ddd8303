"""The single objects of a sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError
from delineate.core.types import IGNORE, default_classes
from delineate.data.instances import components, read_objects
from delineate.data.sample import Dataset, Sample
from delineate.files.mask_encoding import MaskEncoding


def dataset(folder: Path, masks: dict[str, list], encoding: str, **fields: object) -> Dataset:
    """One image with these mask files of an observer."""
    size = np.shape(next(iter(masks.values())))
    Image.fromarray(np.zeros(size, np.uint8)).save(folder / "image.png")
    for name, values in masks.items():
        Image.fromarray(np.array(values, np.uint8)).save(folder / name)
    sample = Sample("a", folder / "image.png", masks={"1": tuple(folder / name for name in masks)})
    return Dataset(
        folder, "test", "", (sample,), {"1": MaskEncoding.parse(encoding)}, default_classes(3),
        **fields,
    )  # fmt: skip


def drawn(data: Dataset) -> list[tuple[int, list]]:
    """Class and mask of each object."""
    found = read_objects(data, data.samples[0], "1")
    return [(one.label, one.mask.astype(int).tolist()) for one in found]


def test_each_file_is_an_object_where_the_data_has_instances(tmp_path) -> None:
    """Two files that touch are two objects."""
    masks = {"m1.png": [[255, 255, 0, 0]], "m2.png": [[0, 0, 255, 255]]}
    data = dataset(tmp_path, masks, "binary", has_instances=True)
    assert drawn(data) == [(1, [[1, 1, 0, 0]]), (1, [[0, 0, 1, 1]])]


def test_an_instance_in_parts_stays_one(tmp_path) -> None:
    """A file with two pieces is one object; as components they would be two."""
    masks = {"m.png": [[255, 0, 0, 255]]}
    assert len(drawn(dataset(tmp_path, masks, "binary", has_instances=True))) == 1
    assert len(drawn(dataset(tmp_path, masks, "binary"))) == 2


def test_components_of_each_class_where_there_are_none(tmp_path) -> None:
    """Eight neighbours join, classes part, and what is ignored is told."""
    masks = {"m.png": [[1, 0, 2, 0], [0, 1, 2, 255]]}
    data = dataset(tmp_path, masks, "index,ignore:255")
    assert drawn(data) == [
        (1, [[1, 0, 0, 0], [0, 1, 0, 0]]),
        (2, [[0, 0, 1, 0], [0, 0, 1, 0]]),
        (IGNORE, [[0, 0, 0, 0], [0, 0, 0, 1]]),
    ]


def test_components_of_codes_overlap() -> None:
    """A pixel of two classes belongs to an object of each."""
    found = list(components(np.array([[1, 3, 2, 0, 2]], np.uint8), is_overlapping=True))
    assert [(one.label, one.mask.astype(int).tolist()) for one in found] == [
        (1, [[1, 1, 0, 0, 0]]),
        (2, [[0, 1, 1, 0, 0]]),
        (2, [[0, 0, 0, 0, 1]]),
    ]


def test_an_observer_who_drew_nothing_is_an_error(tmp_path) -> None:
    """It is named, with what to do."""
    data = dataset(tmp_path, {"m.png": [[255]]}, "binary", has_instances=True)
    with pytest.raises(LayoutError, match="expected a mask of observer 2, found none"):
        read_objects(data, data.samples[0], "2")
