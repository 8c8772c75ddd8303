"""Smoothing, undo, and labels as files, in a real browser."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from delineate.core.types import IGNORE

Grid = NDArray[np.uint8]


def run(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """What a function body returns; `m` is the module, `a` the argument."""
    script = f"async (a) => {{ const m = await import('/static/review/{module}.js'); {body} }}"
    return page.evaluate(script, argument)


def smoothed(page: Page, labels: Grid, radius: float, box: tuple[int, int, int, int]) -> Grid:
    """(H, W) labels after a vote within `box` = top, left, bottom, right."""
    body = """
    const [top, left, bottom, right] = a.box;
    const size = { width: a.width, height: a.height };
    return [...m.smoothed(Uint8Array.from(a.labels), size, a.radius, { top, left, bottom, right })];
    """
    argument = {"labels": labels.ravel().tolist(), "radius": radius, "box": box}
    size = {"height": labels.shape[0], "width": labels.shape[1]}
    return np.array(run(page, "smooth", body, {**argument, **size}), np.uint8).reshape(labels.shape)


def voted(labels: Grid, radius: float) -> Grid:
    """The same by counting, for each pixel, the labels of the disc around it."""
    rows, columns = np.indices(labels.shape)
    result = labels.copy()
    for row, column in np.argwhere(labels != IGNORE):
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        votes = np.bincount(labels[disc], minlength=256)[:IGNORE]
        if votes.max() > votes[labels[row, column]]:
            result[row, column] = votes.argmax()
    return result


@pytest.mark.parametrize("radius", [1, 2, 3.5])
def test_smoothing_takes_the_label_that_most_neighbours_have(modules: Page, radius: float) -> None:
    """Three labels and unknown pixels come out as counting every disc by itself says."""
    rng = np.random.default_rng(5)
    labels = rng.choice(np.array([0, 1, 2, IGNORE], np.uint8), (22, 25), p=[0.5, 0.3, 0.15, 0.05])
    result = smoothed(modules, labels, radius, (0, 0, 22, 25))
    np.testing.assert_array_equal(result, voted(labels, radius))


def test_smoothing_changes_nothing_outside_of_its_box(modules: Page) -> None:
    """Pixels beside the box vote, but keep their labels."""
    labels = np.random.default_rng(6).integers(0, 2, (16, 16)).astype(np.uint8)
    result = smoothed(modules, labels, 2, (4, 5, 10, 12))
    expected = labels.copy()
    expected[4:10, 5:12] = voted(labels, 2)[4:10, 5:12]
    np.testing.assert_array_equal(result, expected)


def test_smoothing_removes_specks_and_keeps_a_straight_edge(modules: Page) -> None:
    """One lone pixel goes, one hole is closed, a half plane stays as it is."""
    labels = np.zeros((12, 12), np.uint8)
    labels[:, 6:] = 1
    edge = labels.copy()
    labels[5, 2], labels[5, 9] = 1, 0
    np.testing.assert_array_equal(smoothed(modules, labels, 2, (0, 0, 12, 12)), edge)


STEPS = """
const size = { width: 150, height: 131 };
const labels = new Uint8Array(size.width * size.height);
const undo = new m.Undo(labels, size, { mostBytes: a.most });
let state = a.seed;
const random = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return state % n; };
const states = [labels.slice()];
const same = (one, other) => one.every((value, i) => value === other[i]);
let at = 0;
for (let step = 0; step < 200; step += 1) {
  const choice = random(4);
  if (choice < 2) {
    const top = random(size.height), left = random(size.width);
    const [bottom, right] = [top + random(90), left + random(90)];
    const box = { top: top - 3, left: left - 3, bottom, right };
    undo.touch(box);
    for (let y = Math.max(0, box.top); y < Math.min(size.height, box.bottom); y += 1) {
      for (let x = Math.max(0, box.left); x < Math.min(size.width, box.right); x += 1) {
        labels[y * size.width + x] = 1 + random(5);
      }
    }
    if (random(5) === 0) {
      undo.rollback();
      if (!same(labels, states[at])) return "rollback";
      continue;
    }
    if (!undo.commit("draw")) continue;
    states.splice(at + 1);
    states.push(labels.slice());
    at += 1;
  } else if (choice === 2) {
    const name = undo.undo();
    if ((name === null) !== (at === 0)) return "undo past its end";
    if (name) at -= 1;
  } else {
    const name = undo.redo();
    if ((name === null) !== (at === states.length - 1)) return "redo past its end";
    if (name) at += 1;
  }
  if (!same(labels, states[at])) return `other labels after step ${step}`;
}
return "as kept";
"""


@pytest.mark.parametrize("seed", range(3))
def test_undo_and_redo_bring_back_every_state(modules: Page, seed: int) -> None:
    """After any row of changes, undos and redos the labels are those that were kept whole."""
    assert run(modules, "undo", STEPS, {"seed": seed, "most": 2**30}) == "as kept"


def test_undo_holds_no_more_than_it_may(modules: Page) -> None:
    """The oldest steps go first; the newest stays though it alone is too large."""
    body = """
    const size = { width: 640, height: 640 };
    const labels = new Uint8Array(size.width * size.height);
    const undo = new m.Undo(labels, size, { mostBytes: 4000 });
    for (let step = 1; step <= 50; step += 1) {
      undo.touch({ top: 0, left: 0, bottom: 64, right: 64 });
      for (let i = 0; i < 64; i += 1) labels[i] = step + (i % 2);
      undo.commit("small");
    }
    const small = undo.bytes;
    undo.touch({ top: 0, left: 0, bottom: 640, right: 640 });
    labels.forEach((_, i) => { labels[i] = i % 7; });
    undo.commit("noise");
    undo.touch({ top: 0, left: 0, bottom: 640, right: 640 });
    labels.fill(3);
    undo.commit("large");
    const names = [];
    for (let name = undo.undo(); name; name = undo.undo()) names.push(name);
    return { small, names, first: [...labels.slice(0, 8)] };
    """
    result = run(modules, "undo", body)
    assert 0 < result["small"] <= 4000
    assert result["names"] == ["large"]
    assert result["first"] == [0, 1, 2, 3, 4, 5, 6, 0]


def test_a_change_of_nothing_is_no_step(modules: Page) -> None:
    """A touched box whose pixels stay the same cannot be undone, and keeps what can be redone."""
    body = """
    const labels = new Uint8Array(100);
    const undo = new m.Undo(labels, { width: 10, height: 10 });
    const box = { top: 0, left: 0, bottom: 5, right: 5 };
    undo.touch(box); labels[3] = 1; undo.commit("dot"); undo.undo();
    undo.touch(box);
    return [undo.commit("nothing"), undo.canUndo, undo.canRedo];
    """
    assert run(modules, "undo", body) == [False, False, True]


def test_labels_are_written_as_a_grey_png(modules: Page) -> None:
    """Another reader finds the same 8-bit values, 255 included, without palette or channels."""
    labels = np.random.default_rng(3).integers(0, 256, (37, 53)).astype(np.uint8)
    body = """
    const file = await m.greyPng(Uint8Array.from(a), { width: 53, height: 37 });
    return await m.base64(file);
    """
    text = run(modules, "grey_png", body, labels.ravel().tolist())
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), labels)


def test_packed_labels_come_out_as_they_were(modules: Page) -> None:
    """Runs of any length, single pixels and no pixels at all."""
    body = "return a.map((labels) => [...m.unpacked(m.packed(Uint8Array.from(labels)))]);"
    cases = [[], [7], [0, 0, 0, 255], [1, 2, 1, 2, 2, 2, 0]]
    assert run(modules, "runs", body, cases) == cases


DRAWN = """
const drawing = new m.Drawing(Uint8Array.from(a.labels), { width: 8, height: 1 });
drawing.label = 1;
drawing.keepsOthers = a.keeps;
const [left, right] = [{ row: 0.5, column: 0.5 }, { row: 0.5, column: 7.5 }];
if (a.how === "brush" || a.how === "eraser") {
  drawing.stroke(left, right, 1, { erases: a.how === "eraser" });
  drawing.end(a.how);
} else drawing.take(Uint8Array.from(a.others), a.how);
const after = [...drawing.labels];
drawing.undo();
return { after, before: [...drawing.labels], isChanged: drawing.isChanged };
"""


@pytest.mark.parametrize(
    ("how", "keeps", "expected"),
    [
        ("brush", False, [1, 1, 1, 1, 1, 1, 1, 1]),
        ("brush", True, [1, 1, 1, 2, 2, 255, 1, 1]),
        ("eraser", False, [0, 0, 0, 0, 0, 0, 0, 0]),
        ("eraser", True, [0, 0, 0, 2, 2, 255, 0, 0]),
        ("whole", False, [0, 1, 1, 1, 2, 0, 2, 0]),
        ("more", False, [0, 1, 1, 1, 2, 255, 0, 1]),
        ("less", False, [0, 1, 0, 2, 2, 255, 0, 0]),
    ],
)
def test_classes_change_as_they_are_meant_to(
    modules: Page, how: str, keeps: bool, expected: list[int]
) -> None:
    """By hand: what is painted, rubbed out or taken from others, and back by one undo."""
    labels, others = [0, 1, 0, 2, 2, 255, 0, 1], [0, 1, 1, 1, 2, 0, 2, 0]
    argument = {"labels": labels, "others": others, "how": how, "keeps": keeps}
    result = run(modules, "drawing", DRAWN, argument)
    assert result == {"after": expected, "before": labels, "isChanged": False}
