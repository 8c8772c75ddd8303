"""What the viewer computes: places, samples, marks, colours, and numbers out of pictures."""

from __future__ import annotations

from typing import Any

import cv2
import matplotlib
import numpy as np
import pytest
from playwright.sync_api import Page, Route


def run(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """What a function body returns; `m` is the module, `a` the argument."""
    script = f"async (a) => {{ const m = await import('/static/viewer/{module}.js'); {body} }}"
    return page.evaluate(script, argument)


VIEW = """
const view = new m.View();
view.image = { width: 400, height: 300 };
view.resize(800, 500);
"""


def test_zoom_keeps_what_lies_under_the_pointer(modules: Page) -> None:
    """After any zoom the same place of the picture lies there, and places go there and back."""
    body = f"""{VIEW}
    const before = view.toImage(310, 220);
    const found = [1.7, 3, 0.4].map((factor) => {{
      view.zoomAt(310, 220, factor);
      return view.toImage(310, 220);
    }});
    const there = view.toHost(before.row, before.column);
    return {{ before, found, there }};"""
    said = run(modules, "view", body)
    for each in said["found"]:
        assert each == pytest.approx(said["before"])
    assert said["there"] == pytest.approx({"x": 310, "y": 220})


def test_a_picture_fits_and_never_leaves(modules: Page) -> None:
    """300 rows fill 500 px; however far it is moved, the middle of the host shows some of it."""
    body = f"""{VIEW}
    const fitted = {{ scale: view.scale, left: view.left, top: view.top }};
    const middles = [[9e4, 9e4], [-9e5, -9e5]].map(([x, y]) => {{
      view.move(x, y);
      return view.toImage(400, 250);
    }});
    view.fit();
    view.resize(400, 250);
    return {{ fitted, middles, again: view.scale }};"""
    said = run(modules, "view", body)
    assert said["fitted"] == pytest.approx({"scale": 5 / 3, "left": (800 - 2000 / 3) / 2, "top": 0})
    assert said["middles"] == [{"row": 0, "column": 0}, {"row": 300, "column": 400}]
    assert said["again"] == pytest.approx(5 / 6)


SAMPLED = """
const frame = { width: a.width, height: a.height, scale: a.scale, left: a.left, top: 0, ratio: 1 };
const join = (...four) => Math.max(...four);
const plane = new m.Plane(Uint8Array.from(a.labels), a.columns, a.rows, join);
const out = new Uint8Array(a.width * a.height);
const part = { top: 0, left: 0, bottom: a.height, right: a.width };
m.sampled(plane, frame, part, out, { outside: 9 });
return [...out];
"""


def sampled(page: Page, labels: Any, size: tuple[int, int], scale: float, left: float) -> Any:
    """(height, width) samples of a picture whose left edge lies at `left`."""
    argument = {
        "labels": labels.ravel().tolist(),
        "rows": labels.shape[0],
        "columns": labels.shape[1],
        "height": size[0],
        "width": size[1],
        "scale": scale,
        "left": left,
    }
    return np.array(run(page, "plane", SAMPLED, argument)).reshape(size)


def test_large_pixels_are_repeated(modules: Page) -> None:
    """Two pixels at three px each, one px from the edge."""
    found = sampled(modules, np.array([[1, 2]]), (3, 8), 3, 1)
    assert found.tolist() == [[9, 1, 1, 1, 2, 2, 2, 9]] * 3


def test_a_thin_line_stays_in_a_small_view(modules: Page) -> None:
    """A line one pixel wide is unbroken at a quarter of the size, wherever it lies."""
    for column in range(8, 16):
        labels = np.zeros((64, 61), np.uint8)
        labels[:, column] = 1
        found = sampled(modules, labels, (16, 15), 0.25, 0)
        assert found.any(axis=1).all()
        assert np.flatnonzero(found[0]).tolist() == [column // 4]


PAINTED = """
const { Marks } = m;
const size = { width: 60, height: 40 };
const frame = { width: 150, height: 110, scale: a.scale, left: -7.5, top: 3, ratio: 1 };
const classes = [{ index: 0, colour: [0, 0, 0] }, { index: 1, colour: [230, 159, 0] },
                 { index: 2, colour: [86, 180, 233] }];
const canvas = new OffscreenCanvas(frame.width, frame.height);
const context = canvas.getContext('2d');
const drawn = (marks) => {
  context.clearRect(0, 0, frame.width, frame.height);
  marks.draw(context, frame);
  return [...new Uint32Array(context.getImageData(0, 0, frame.width, frame.height).data.buffer)];
};
const labels = new Uint8Array(60 * 40);
const marks = new Marks(() => {});
marks.setLabels(labels, size, classes, false);
const before = drawn(marks);
for (const [top, left, height, width, label] of [[4, 5, 12, 20, 1], [10, 18, 9, 30, 2]]) {
  for (let y = top; y < top + height; y += 1) {
    labels.fill(label, y * 60 + left, y * 60 + left + width);
  }
  marks.change([top, left, height, width]);
}
const changed = drawn(marks);
const fresh = new Marks(() => {});
fresh.setLabels(labels.slice(), size, classes, false);
return { before, changed, whole: drawn(fresh) };
"""


@pytest.mark.parametrize("scale", [2.5, 1, 0.4])
def test_painting_what_changed_is_painting_all(modules: Page, scale: float) -> None:
    """After two strokes every px, outlines included, is as in a picture that is painted anew."""
    said = run(modules, "marks", PAINTED, {"scale": scale})
    assert not any(said["before"])
    assert any(said["changed"])
    assert said["changed"] == said["whole"]


def test_heat_has_the_colours_of_reports(modules: Page) -> None:
    """All 256 colours lie within 7 of 255 of matplotlib's inferno."""
    found = run(
        modules, "heat", "return Array.from({length: 256}, (_, x) => m.heatColour(x / 255))"
    )
    expected = np.array(matplotlib.colormaps["inferno"](np.arange(256)))[:, :3] * 255
    assert np.abs(np.array(found) - expected).max() <= 7


def test_an_outline_stands_out_from_the_line_around_it(modules: Page) -> None:
    """Any colour is lifted to 4.5:1 against black, by WCAG's formula; a bright one stays."""
    colours = [[0, 0, 0], [128, 0, 0], [0, 0, 255], [230, 159, 0]]
    found = np.array(run(modules, "palette", "return a.map(m.lifted)", colours)) / 255
    linear = np.where(found <= 0.04045, found / 12.92, ((found + 0.055) / 1.055) ** 2.4)
    contrast = (linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05
    assert (contrast >= 4.4999).all()
    assert np.rint(found[-1] * 255).tolist() == colours[-1]


def test_numbers_of_a_grey_png_come_out_as_they_were(modules: Page) -> None:
    """Every one of 256 levels of a picture that is read in several bands."""
    height, width = 1100, 1301
    numbers = np.random.default_rng(2).integers(0, 256, (height, width)).astype(np.uint8)
    encoded = bytes(cv2.imencode(".png", numbers)[1])

    def answer(route: Route) -> None:
        route.fulfill(body=encoded, content_type="image/png")

    modules.route("**/numbers.png", answer)
    body = """
    const numbers = await m.readGrey('/numbers.png', { width_px: a[1], height_px: a[0] });
    const places = new Uint32Array(256 * 2);
    numbers.forEach((value, at) => {
      places[value] += 1;
      places[256 + value] = (places[256 + value] + at * (at % 7919)) >>> 0;
    });
    return [...places];"""
    found = np.array(run(modules, "reading", body, [height, width]))
    modules.unroute("**/numbers.png", answer)
    at = np.arange(numbers.size, dtype=np.uint64)
    sums = [int((at * (at % 7919))[numbers.ravel() == value].sum() % 2**32) for value in range(256)]
    assert found[:256].tolist() == np.bincount(numbers.ravel(), minlength=256).tolist()
    assert found[256:].tolist() == sums
