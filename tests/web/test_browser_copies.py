"""Samples that lie on each other: viewers that show the same place, and what is not shared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import ReviewLog

WIDTH_PX, HEIGHT_PX = 96, 72
# From a third picture: mirrored and half as large, a quarter turn and shifted.
TO_ONE, TO_OTHER = [-0.5, 0.0, 47.25, 0.0, 0.5, -0.25], [0.0, 1.0, 3.0, -1.0, 0.0, 95.0]

BETWEEN = """async ([one, other, place]) => {
  const m = await import('/static/viewer/affine.js');
  const map = m.ofPlaces(m.between(one, other));
  return [m.placed(map, place), m.magnification(map), m.between([1, 1, 0, 1, 1, 0], other)];
}"""
FOLLOWED = """async ([map, isFitted]) => {
  const { View } = await import('/static/viewer/view.js');
  const [one, other] = [new View(), new View()];
  one.image = { width: 48, height: 36 };
  other.image = { width: 72, height: 96 };
  one.resize(480, 360);
  other.resize(300, 400);
  one.zoomAt(100, 80, 2);
  if (isFitted) one.fit();
  other.follow(one, map);
  const middleOf = (each) => each.toImage(each.host.width / 2, each.host.height / 2);
  const middles = [one, other].map(middleOf);
  return { middles, scales: [one.scale, other.scale], isFitted: other.isFitted };
}"""
# What two viewers show lies on each other once one of them is mirrored, and has moved from its fit.
MIRRORED = """([before, mirrors]) => {
  const read = (canvas) => {
    const { width, height } = canvas;
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return { width, height, grey: (x, y) => data[4 * (y * width + x)] };
  };
  const [one, other] = [...document.querySelectorAll('.sample .viewer-canvas')].map(read);
  let [sum, apart] = [0, 0];
  for (let y = 0; y < one.height; y += 1) {
    for (let x = 0; x < one.width; x += 1) {
      const there = other.grey(mirrors ? other.width - 1 - x : x, y);
      sum += one.grey(x, y) * ((x % 97) + (y % 89));
      apart += Math.abs(one.grey(x, y) - there);
    }
  }
  if (before === null) return sum;
  return sum !== before && apart / (one.width * one.height) < 2;
}"""


def test_maps_of_two_samples_become_one_between_them(modules: Page) -> None:
    """As matrices of pixel centres have it, half a pixel from continuous places."""
    place = {"row": 10.5, "column": 20.5}
    placed, times, none = modules.evaluate(BETWEEN, [TO_ONE, TO_OTHER, place])
    one, other = (np.vstack([np.reshape(m, (2, 3)), [0, 0, 1]]) for m in (TO_ONE, TO_OTHER))
    column, row, _ = other @ np.linalg.inv(one) @ [20, 10, 1]
    assert placed == pytest.approx({"row": row + 0.5, "column": column + 0.5})
    assert times == pytest.approx(2)
    assert none is None


def test_a_view_follows_through_a_map(modules: Page) -> None:
    """The same place in the middle, as large on the screen, in a picture of another size."""
    turned = [0, 2, 0, -2, 0, 96]
    found = modules.evaluate(FOLLOWED, [turned, False])
    one, other = found["middles"]
    assert other == pytest.approx({"column": 2 * one["row"], "row": 96 - 2 * one["column"]})
    assert found["scales"] == pytest.approx([20, 10])


def test_all_of_a_picture_is_followed_by_all_of_another(modules: Page) -> None:
    """Whatever their sizes: each fits its own stage."""
    found = modules.evaluate(FOLLOWED, [[2, 0, 0, 0, 2, 0], True])
    assert found["isFitted"]
    assert found["scales"] == pytest.approx([10, 25 / 6])


@pytest.fixture(scope="module")
def pair(_audited: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finding, Finding]:
    """A log in which the mirrored copy is a leak as well, and a leak of an earlier audit."""
    folder = Path(shutil.copytree(_audited, tmp_path_factory.mktemp("copies") / "audit"))
    log = ReviewLog.open(folder)
    (found,) = log.findings(kind="contradictory_twins")
    leak = Finding("leaked_twins", found.samples, "A leak", dict(found.evidence))
    old = Finding("leaked_twins", found.samples, "A leak", about="told by an earlier audit")
    log.refresh([found, leak, old])
    return folder, leak, old


@pytest.fixture(scope="module")
def address(serving: Any, disc_run: Path, pair: tuple[Path, Finding, Finding]) -> Iterator[str]:
    """A server over the discs and that log."""
    with serving(disc_run, "--review", pair[0]) as server:
        yield server.address


def shown_without_masks(page: Page, address: str, finding: Finding) -> float:
    """Open a finding, hide its masks, which differ; the sum of what the first viewer shows."""
    page.goto(f"{address}/review/finding/{finding.id}")
    page.locator("#finding[data-ready]").wait_for()
    page.check("[name=style][value=none]", force=True)
    page.wait_for_function(MIRRORED, arg=[-1, finding.about == ""])
    return float(page.evaluate(MIRRORED, [None, False]))


def move(page: Page) -> None:
    """Zoom into the first picture towards a corner, by keys and wheel."""
    stage = page.locator(".sample-stage").first
    stage.focus()
    for key in ("+", "+", "+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)


def test_a_mirrored_copy_moves_the_other_way(
    page: Page, address: str, pair: tuple[Path, Finding, Finding]
) -> None:
    """Zoomed in and moved to one side, the copy shows the same tissue, mirrored."""
    before = shown_without_masks(page, address, pair[1])
    move(page)
    page.wait_for_function(MIRRORED, arg=[before, True])
    page.keyboard.press("0")
    page.wait_for_function(f"(before) => ({MIRRORED})([null, false]) === before", arg=before)


def test_a_leak_shows_what_its_copies_do_not_share(
    page: Page, address: str, pair: tuple[Path, Finding, Finding]
) -> None:
    """Masks and grey levels, as of copies; an earlier audit's leak shows neither."""
    page.goto(f"{address}/review/finding/{pair[1].id}")
    pictures = page.locator("#pictures img")
    expect(pictures).to_have_count(2)
    for place in range(2):
        expect(pictures.nth(place)).to_have_js_property("naturalWidth", WIDTH_PX)
    expect(page.locator("#mask-legend")).to_be_visible()
    page.goto(f"{address}/review/finding/{pair[2].id}")
    page.locator("#finding[data-ready]").wait_for()
    expect(page.locator("#differences")).to_be_hidden()
    expect(page.locator("#link-line")).to_be_visible()
