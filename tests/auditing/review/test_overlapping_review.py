"""Decisions on masks whose classes overlap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.review.applying import apply_decisions
from delineate.auditing.review.replacing_mask import as_png
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset
from delineate.files.mask_encoding import MaskEncoding

from .conftest import DOUBLE, ODD, SIZE_PX, box

MakeLog = Callable[..., ReviewLog]
ORGAN = {"a": box(2, 2), "b": box(4, 4), "e": box(0, 0)}
VESSEL = {"a": box(3, 3), "b": box(3, 3), "e": box(0, 0)}


@pytest.fixture
def overlapping(tmp_path: Path) -> Path:
    """`images/` beside `masks/organ` and `masks/vessel`; a and b are one picture."""
    rng = np.random.default_rng(4)
    root = tmp_path / "data"
    picture = rng.integers(0, 255, SIZE_PX, dtype=np.uint8)
    for name in ORGAN:
        write(root / "images" / f"{name}.png", picture if name in "ab" else 255 - picture)
        write(root / "masks" / "organ" / f"{name}.png", ORGAN[name])
        write(root / "masks" / "vessel" / f"{name}.png", VESSEL[name])
    return root


def write(path: Path, values: NDArray[np.uint8]) -> None:
    """A PNG of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def codes_of(dataset: Dataset, name: str) -> NDArray[np.uint8]:
    """The labels of one sample, with encodings settled as `train` settles them."""
    settled = settle_encodings(dataset)
    sample = next(each for each in settled.samples if each.id == name)
    return read_labels(settled, sample, settled.observers[0])


def lit(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where a mask is not 0."""
    return (values != 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("action", "joined"),
    [("union", np.bitwise_or), ("intersection", np.bitwise_and), ("majority", np.bitwise_and)],
)
def test_masks_are_merged_class_by_class(
    overlapping: Path, make_log: MakeLog, tmp_path: Path, action: str, joined: np.ufunc
) -> None:
    """Each class is merged for itself, and read back as it was merged."""
    log = make_log(DOUBLE)
    log.decide(DOUBLE.id, action)
    dataset = open_dataset(overlapping, overlapping=True)
    reviewed = apply_decisions(dataset, log, tmp_path / "out")
    organ = joined(lit(ORGAN["a"]), lit(ORGAN["b"]))
    expected = organ | lit(VESSEL["a"]) << 1
    for name in "ab":
        np.testing.assert_array_equal(codes_of(reviewed.dataset, name), expected)
    files = reviewed.dataset.samples[0].masks["reference"]
    assert len(files) == 2
    assert all(file.parent == tmp_path / "out" for file in files)


def test_a_mask_that_replaces_all_classes(
    overlapping: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """A mask of class indices stands for codes; what it does not know stays unknown."""
    values = np.zeros(SIZE_PX, np.uint8)
    values[:3], values[3], values[4] = 1, 2, IGNORE
    write(tmp_path / "new.png", values)
    log = make_log(ODD)
    log.decide(
        ODD.id,
        "replace",
        samples=["e"],
        argument=tmp_path / "new.png",
        encoding=MaskEncoding.parse("index,ignore:255"),
    )
    dataset = open_dataset(overlapping, overlapping=True)
    reviewed = apply_decisions(dataset, log, tmp_path / "out")
    found = codes_of(reviewed.dataset, "e")
    np.testing.assert_array_equal(found, np.where(values == 2, 0b10, values))


def test_a_mask_of_codes_replaces_all_classes(
    overlapping: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """A file that says that it has codes keeps them, whatever encoding others are given with."""
    codes = np.resize(np.array([0, 1, 2, 3, IGNORE], np.uint8), SIZE_PX)
    (tmp_path / "new.png").write_bytes(as_png(codes, is_overlapping=True))
    log = make_log(ODD)
    told = MaskEncoding.parse("threshold:128")
    log.decide(ODD.id, "replace", samples=["e"], argument=tmp_path / "new.png", encoding=told)
    dataset = open_dataset(overlapping, overlapping=True)
    reviewed = apply_decisions(dataset, log, tmp_path / "out")
    np.testing.assert_array_equal(codes_of(reviewed.dataset, "e"), codes)


def test_codes_need_data_that_overlaps(
    overlapping: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Read without the declaration, 3 would be a third class: nothing changes, and it is said."""
    (tmp_path / "new.png").write_bytes(as_png(VESSEL["e"] // 255 * 3, is_overlapping=True))
    log = make_log(ODD)
    log.decide(ODD.id, "replace", samples=["e"], argument=tmp_path / "new.png")
    (overlapping / "masks" / "vessel").rename(overlapping / "others")
    reviewed = apply_decisions(open_dataset(overlapping), log, tmp_path / "out")
    assert reviewed.relabelled == ()
    assert "say --overlapping" in reviewed.applied[0].reason


def test_an_empty_merged_mask_is_empty(
    overlapping: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Where nothing is held by both, the samples have an empty mask and not none."""
    for name in "ab":
        write(overlapping / "masks" / "organ" / f"{name}.png", box(0, 0 if name == "a" else 8))
        write(overlapping / "masks" / "vessel" / f"{name}.png", box(8, 0 if name == "a" else 8))
    log = make_log(DOUBLE)
    log.decide(DOUBLE.id, "intersection")
    dataset = open_dataset(overlapping, overlapping=True)
    reviewed = apply_decisions(dataset, log, tmp_path / "out")
    assert not codes_of(reviewed.dataset, "a").any()
