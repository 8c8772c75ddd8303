"""Decisions carried out on a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.audit.applying import Reviewed, apply_decisions
from delineate.audit.review_log import ReviewLog
from delineate.core.checks import sha256_of_file
from delineate.core.errors import CannotWriteError, UncertainMaskError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, with_encodings
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset

from .conftest import DOUBLE, MASKS, ODD, TRIPLE, box

MakeLog = Callable[..., ReviewLog]


def labels_of(dataset: Dataset, name: str) -> np.ndarray:
    """The labels of one sample, with encodings settled as `train` settles them."""
    settled = settle_encodings(dataset)
    sample = next(each for each in settled.samples if each.id == name)
    return read_labels(settled, sample, settled.observers[0])


def ids(reviewed: Reviewed) -> list[str]:
    """The samples that are left."""
    return [each.id for each in reviewed.dataset.samples]


def test_keep_one_drops_the_other_copies(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """The sample that is named stays, the other copies go, and nothing is written."""
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, "keep_one", samples=["b"])
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert ids(reviewed) == ["b", "d", "e"]
    assert reviewed.dropped == ("a", "c")
    assert reviewed.applied[0].dropped == ("a", "c")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("union", lambda a, b, c: a | b | c),
        ("intersection", lambda a, b, c: a & b & c),
        ("majority", lambda a, b, c: a.astype(int) + b + c >= 2),
    ],
)
def test_merging_goes_through_the_flip(
    copies: Path, make_log: MakeLog, tmp_path: Path, action: str, expected: Callable[..., object]
) -> None:
    """Each copy gets the merged mask in its own position, and all of them say the same."""
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, action)
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    upright = expected(MASKS["a"] > 0, MASKS["b"] > 0, np.fliplr(MASKS["c"]) > 0)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "a"), upright)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "b"), upright)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "c"), np.fliplr(upright))
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), MASKS["e"] > 0)
    assert reviewed.relabelled == ("a", "b", "c")


def test_originals_stay_as_they_are(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """No file of the data changes, whatever is decided."""
    before = {file: sha256_of_file(file) for file in sorted(copies.rglob("*.png"))}
    log = make_log(TRIPLE, ODD)
    log.decide(TRIPLE.id, "union")
    log.decide(ODD.id, "drop")
    apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert {file: sha256_of_file(file) for file in sorted(copies.rglob("*.png"))} == before


def test_a_given_mask_takes_the_place_of_the_old_one(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """The content is in the log: the file that was given may be gone."""
    given = tmp_path / "better.png"
    cv2.imwrite(str(given), box(7, 7))
    log = make_log(ODD)
    log.decide(ODD.id, "replace", argument=given)
    given.unlink()
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), box(7, 7, value=1))
    assert reviewed.relabelled == ("e",)


def test_a_mask_of_another_size_is_not_applied(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Where the log knows no sizes, the reason is given when decisions are carried out."""
    given = tmp_path / "small.png"
    cv2.imwrite(str(given), np.zeros((4, 4), np.uint8))
    log = make_log(ODD)
    log.decide(ODD.id, "replace", argument=given)
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert not reviewed.applied[0].is_applied
    assert "expected a mask of 12x16 px" in reviewed.applied[0].reason
    assert reviewed.relabelled == ()
