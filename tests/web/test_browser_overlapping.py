"""Masks whose classes overlap, mended in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.phantoms.overlapping import overlapping_picture, write_overlapping
from delineate.data.reading import read_labels
from delineate.web.review.desk import key_of
from delineate.workflows.reviewed import decided
from delineate.workflows.train import train

from .conftest import SIZE_PX, SMALL, NewContext, Serve, wait_until
from .test_browser_drawing import run, voted
from .test_browser_review import NAME, drag, place, save, set_brush

Codes = NDArray[np.uint8]
LESION, ORGAN, VESSEL = 1, 2, 3


class Overlapping(NamedTuple):
    """A server over pictures of lesion, organ and vessel."""

    address: str
    data: Path
    log: Path

    def open(self, page: Page, sample: str) -> Page:
        """The editor, once it can be used."""
        page.goto(f"{self.address}/review/case/{key_of(sample)}")
        page.locator("#case[data-ready]").wait_for()
        return page

    def labels(self, page: Page, sample: str) -> Codes:
        """The codes as decided."""
        answer = page.request.get(f"{self.address}/api/v1/cases/{key_of(sample)}/labels")
        return np.asarray(Image.open(io.BytesIO(answer.body())))

    def trained_on(self, sample: str) -> Codes:
        """The codes that `train --review` gives a network."""
        with decided(open_dataset(self.data, overlapping=True), self.log) as found:
            data = settle_encodings(found.dataset)
            return read_labels(
                data, next(s for s in data.samples if s.id == sample), data.observers[0]
            )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, serving: Serve) -> Iterator[Overlapping]:
    """A server whose model has hardly learnt; every test takes a case of its own."""
    root = tmp_path_factory.mktemp("overlapping")
    data = write_overlapping(root / "data", subjects=4, images=2, size_px=SIZE_PX)
    train(
        data, root / "run", recipe="general", changes=SMALL, steps=4, subjects=r"^(s\d+)_",
        overlapping=True, device="cpu", threads=1,
    )  # fmt: skip
    with serving(root / "run", "--review", root / "review") as server:
        yield Overlapping(server.address, data, root / "review")


@pytest.fixture
def ada(new_context: NewContext) -> Page:
    """A browser whose user has said who she is."""
    context = new_context()
    context.add_init_script(NAME.format("Ada Lovelace"))
    return context.new_page()


def filed(sample: str) -> Codes:
    """The codes that the files have."""
    subject, number = sample[1:].split("_")
    return overlapping_picture(0, int(subject), int(number), SIZE_PX).codes


def choose(page: Page, label: int) -> None:
    """The class that every tool changes."""
    page.check(f"[name=label][value='{label}']", force=True)


def crossing(codes: Codes) -> tuple[int, int]:
    """A row, and a column from which 12 pixels are of the organ alone."""
    run_px = 12
    for row, column in np.argwhere(codes == 0b010):
        if column + run_px < codes.shape[1] and (codes[row, column:][:run_px] == 0b010).all():
            return int(row), int(column)
    raise AssertionError("no row of the organ is free of others")


def test_a_class_is_added_to_another_and_taken_away(ada: Page, desk: Overlapping) -> None:
    """A vessel painted over the organ: both bits are kept; its eraser leaves the organ."""
    page, before = desk.open(ada, "s0_1"), filed("s0_1")
    row, column = crossing(before)
    start, end = (row + 0.5, column + 0.5), (row + 0.5, column + 9.5)
    choose(page, VESSEL)
    set_brush(page, 1)
    drag(page, start, end)
    page.mouse.move(*place(page, *start))
    expect(page.locator("#place")).to_have_text(f"row {row}, column {column}: organ + vessel")
    save(page, "the vessel runs on through the organ")
    expected = before.copy()
    expected[row, column : column + 10] |= 0b100
    np.testing.assert_array_equal(desk.labels(page, "s0_1"), expected)
    np.testing.assert_array_equal(desk.trained_on("s0_1"), expected)
    desk.open(page, "s0_1")
    choose(page, VESSEL)
    page.check("[name=tool][value=eraser]", force=True)
    page.locator("#diameter").fill("1")
    drag(page, start, (row + 0.5, column + 4.5))
    save(page)
    expected[row, column : column + 5] = 0b010
    np.testing.assert_array_equal(desk.labels(page, "s0_1"), expected)
    np.testing.assert_array_equal(desk.trained_on("s0_1"), expected)


def test_nothing_known_is_the_whole_pixel(ada: Page, desk: Overlapping) -> None:
    """It takes all classes away; a class that is painted over it is alone; undo brings all back."""
    page, before = desk.open(ada, "s1_1"), filed("s1_1")
    row, column = (int(each) for each in np.argwhere(before == 0b110)[0])
    choose(page, IGNORE)
    set_brush(page, 1)
    expect(page.locator("#keeps-line")).to_be_hidden()
    page.mouse.click(*place(page, row + 0.5, column + 0.5))
    save(page)
    assert desk.labels(page, "s1_1")[row, column] == IGNORE
    choose(page, LESION)
    page.mouse.click(*place(page, row + 0.5, column + 0.5))
    save(page)
    assert desk.labels(page, "s1_1")[row, column] == 0b001
    page.click("#undo")
    page.click("#undo")
    expect(page.locator("#undo")).to_be_disabled()
    save(page)
    np.testing.assert_array_equal(desk.labels(page, "s1_1"), before)


def test_a_draft_of_codes_comes_back(ada: Page, desk: Overlapping) -> None:
    """What was begun and not saved is offered, and goes on as it was."""
    page, before = desk.open(ada, "s2_1"), filed("s2_1")
    row, column = crossing(before)
    choose(page, LESION)
    set_brush(page, 1)
    page.mouse.click(*place(page, row + 0.5, column + 0.5))
    kept = "async (key) => Boolean(await (await import('/static/review/draft.js')).draftOf(key))"
    key = f"{key_of('s2_1')} codes"
    wait_until(page, lambda: bool(page.evaluate(kept, key)), "a draft")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="Go on with it").click()
    save(page)
    before[row, column] |= 0b001
    np.testing.assert_array_equal(desk.labels(page, "s2_1"), before)


def test_a_proposal_is_taken_as_codes(ada: Page, desk: Overlapping) -> None:
    """Whole, it is what the model says; by class, only the class in use is added."""
    page, before = desk.open(ada, "s3_1"), filed("s3_1")
    with page.expect_response(lambda answer: answer.url.endswith("/prediction")) as asked:
        page.click("#ask")
    own = page.request.get(f"{desk.address}{asked.value.json()['links']['labels']}").body()
    proposed: Codes = np.asarray(Image.open(io.BytesIO(own)))
    assert is_class(proposed, ORGAN, is_overlapping=True).any()
    choose(page, ORGAN)
    page.click("#add")
    save(page)
    added = before | (proposed & 0b010)
    assert (added != before).any()
    np.testing.assert_array_equal(desk.labels(page, "s3_1"), added)
    page.click("#take")
    save(page)
    np.testing.assert_array_equal(desk.labels(page, "s3_1"), proposed)


DRAWN = """
const size = { width: a.width, height: a.labels.length / a.width };
const drawing = new m.Drawing(Uint8Array.from(a.labels), size, { isOverlapping: true });
drawing.label = a.label;
const [left, right] = [{ row: 0.5, column: 0.5 }, { row: 0.5, column: a.width - 0.5 }];
const ways = {
  brush: () => { drawing.stroke(left, right, 1); drawing.end("brush"); },
  eraser: () => { drawing.stroke(left, right, 1, { erases: true }); drawing.end("eraser"); },
  polygon: () => drawing.polygon(a.points),
  contour: () => drawing.fillContour(a.start),
  holes: () => drawing.fillHoles(),
  smooth: () => drawing.smooth(a.radius),
  take: () => drawing.take(Uint8Array.from(a.others), a.how),
};
ways[a.way]();
const after = [...drawing.labels];
while (drawing.undo());
return { after, before: [...drawing.labels] };
"""


def drawn(page: Page, labels: Any, label: int, way: str, **more: Any) -> list[int]:
    """Codes after one change, in one list; undone they must be what they were."""
    rows = np.atleast_2d(np.asarray(labels, np.uint8))
    flat = rows.ravel().tolist()
    argument = {"labels": flat, "width": rows.shape[1], "label": label, "way": way, **more}
    result = run(page, "drawing", DRAWN, argument)
    assert result["before"] == flat
    return list(result["after"])


ROW = [0b00, 0b01, 0b10, 0b11, 0b101, IGNORE]


@pytest.mark.parametrize(
    ("way", "label", "expected"),
    [
        ("brush", 2, [0b10, 0b11, 0b10, 0b11, 0b111, 0b10]),
        ("brush", IGNORE, [IGNORE] * 6),
        ("eraser", 1, [0b00, 0b00, 0b10, 0b10, 0b100, IGNORE]),
        ("eraser", IGNORE, [0b00, 0b01, 0b10, 0b11, 0b101, 0b00]),
    ],
)
def test_codes_are_painted_and_rubbed_out(
    modules: Page, way: str, label: int, expected: list[int]
) -> None:
    """By hand: one bit at a time, and all of a pixel of which nothing is known."""
    assert drawn(modules, ROW, label, way) == expected


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("whole", [0b11, 0b10, 0b00, 0b01, IGNORE, 0b10]),
        ("more", [0b10, 0b11, 0b10, 0b11, 0b101, 0b10]),
        ("less", [0b00, 0b01, 0b00, 0b01, 0b101, IGNORE]),
    ],
)
def test_codes_are_taken_over_by_class(modules: Page, how: str, expected: list[int]) -> None:
    """By hand: all classes, or the second alone added or taken away."""
    others = [0b11, 0b10, 0b00, 0b01, IGNORE, 0b10]
    assert drawn(modules, ROW, 2, "take", others=others, how=how) == expected


def test_filling_sees_the_class_in_use_alone(modules: Page) -> None:
    """A ring of class 1 is filled across the edge of class 2, which stays; the unknown stops it."""
    labels = np.zeros((7, 8), np.uint8)
    labels[1:6, 1:7] = 0b01
    labels[2:5, 2:6] = 0
    labels[:, 4:] |= 0b10
    labels[3, 3] = IGNORE
    ring = labels.copy()
    ring[2:5, 2:6] |= 0b01
    ring[3, 3] = IGNORE
    start = 2 * labels.shape[1] + 2
    assert drawn(modules, labels, 1, "contour", start=start) == ring.ravel().tolist()
    assert drawn(modules, labels, 1, "holes") == ring.ravel().tolist()
    points = [{"row": row, "column": column} for row, column in ((0, 0), (0, 8), (7, 8), (7, 0))]
    whole = np.where(labels == IGNORE, 0b01, labels | 0b01)
    assert drawn(modules, labels, 1, "polygon", points=points) == whole.ravel().tolist()


@pytest.mark.parametrize("label", [1, 2])
def test_smoothing_moves_one_class(modules: Page, label: int) -> None:
    """The class in use is smoothed as a mask of its own; others and the unknown stay."""
    rng = np.random.default_rng(8)
    labels = rng.choice(np.array([0, 1, 2, 3, IGNORE], np.uint8), (14, 16))
    bit = 1 << (label - 1)
    alone = np.where(labels == IGNORE, IGNORE, (labels & bit) > 0).astype(np.uint8)
    expected = np.where(labels == IGNORE, IGNORE, labels & ~np.uint8(bit) | voted(alone, 1) * bit)
    found = drawn(modules, labels, label, "smooth", radius=1)
    assert (expected != labels).any()
    np.testing.assert_array_equal(np.reshape(found, labels.shape), expected)
