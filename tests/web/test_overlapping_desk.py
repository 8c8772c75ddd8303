"""The desk over data whose classes overlap: masks of codes in, masks of codes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.phantoms.overlapping import overlapping_picture, write_overlapping
from delineate.data.reading import read_labels
from delineate.web.review.desk import Desk, key_of
from delineate.workflows.review import decide_from_table, export_table
from delineate.workflows.reviewed import decided

from .desks import Client, desk_of, painted

SIZE_PX = (32, 40)
CASE = key_of("s0_1")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Four pictures of lesion, organ and vessel, which overlap, and an empty log."""
    data = write_overlapping(tmp_path / "data", subjects=2, images=2, size_px=SIZE_PX)
    log = ReviewLog.create(tmp_path / FILE, findings=(), facts={})
    return desk_of(open_dataset(data, overlapping=True), log, tmp_path / "scratch")


def codes() -> NDArray[np.uint8]:
    """Every code of three classes in rows of its own, and rows of which nothing is known."""
    rows = np.array([*range(8), IGNORE], np.uint8)
    return np.resize(np.repeat(rows, 3), SIZE_PX[0])[:, None].repeat(SIZE_PX[1], axis=1)


def applied(desk: Desk) -> NDArray[np.uint8]:
    """The labels of the case as `train --review` and `evaluate --review` read them."""
    given = open_dataset(desk.reviewed.dataset.root, overlapping=True)
    with decided(given, desk.log.path) as found:
        data = settle_encodings(found.dataset)
        return read_labels(data, next(s for s in data.samples if s.id == "s0_1"), data.observers[0])


def test_a_case_says_what_its_labels_mean(desk: Desk) -> None:
    """Codes are sent as the files have them, and the case says that they are codes."""
    client = Client(desk)
    assert client.get(f"/cases/{CASE}")["is_overlapping"]
    filed = overlapping_picture(0, 0, 1, SIZE_PX).codes
    assert {0b010, 0b110} <= set(np.unique(filed).tolist())
    np.testing.assert_array_equal(client.pixels(f"/cases/{CASE}/labels"), filed)


def test_codes_survive_all_the_way(desk: Desk) -> None:
    """What is sent is kept, shown again as decided, and what training is given."""
    client = Client(desk)
    made = client.decide("replace", case=CASE, mask_png=painted(codes()))
    assert made.status == 201
    np.testing.assert_array_equal(client.pixels(f"/cases/{CASE}/labels"), codes())
    actions = client.get(f"/findings/{made.finding}")["actions"]
    assert [each["name"] for each in actions] == ["keep", "replace", "drop"]
    np.testing.assert_array_equal(applied(desk), codes())


def test_codes_survive_a_table(desk: Desk, tmp_path: Path) -> None:
    """A table that is written and read back decides nothing new, and the same in another log."""
    client = Client(desk)
    client.decide("replace", case=CASE, mask_png=painted(codes()))
    table = tmp_path / "table.csv"
    export_table(desk.log.path, table)
    again = decide_from_table(desk.log.path, table, encoding="threshold:128")
    assert again.document["decisions"] == []
    client.decide("undo", undoes=1)
    decide_from_table(desk.log.path, table)
    np.testing.assert_array_equal(client.pixels(f"/cases/{CASE}/labels"), codes())


@pytest.mark.parametrize(("value", "is_known"), [(7, True), (8, False), (254, False)])
def test_only_codes_of_the_classes_are_taken(desk: Desk, value: int, is_known: bool) -> None:
    """Three classes have codes up to 7."""
    client = Client(desk)
    labels = np.full(SIZE_PX, value, np.uint8)
    answer = client.decide("replace", case=CASE, mask_png=painted(labels))
    assert (answer.status == 201) == is_known
    if not is_known:
        assert (
            f"classes that overlap from 0 to 7, or 255 where nothing is known, found {value}"
            in (answer.error)
        )
        assert desk.log.newest() == 0
