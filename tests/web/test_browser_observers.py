"""Masks of several observers on the page of a case: their outlines, and how far they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from delineate.core.types import IGNORE, Labels
from delineate.metrics.counts import count
from delineate.metrics.overlap import dice
from delineate.web.review.desk import key_of

from .observed import SAMPLES, drawn, drawn_by_b, the_region, write_observed

BORDERS = """async ([labels, index, isOverlapping, size]) => {
  const { bordersOf } = await import('/static/review/borders.js');
  const { belonging } = await import('/static/review/labelling.js');
  return bordersOf(Uint8Array.from(labels), belonging(index, isOverlapping), size);
}"""
AGREEMENT = """async ([one, other, how]) => {
  const m = await import('/static/review/agreement.js');
  const region = how.region && Uint8Array.from(how.region);
  return m.diceWords(m.counts(Uint8Array.from(one), Uint8Array.from(other), { ...how, region }));
}"""
PICTURE = "document.querySelector('#stage .viewer-canvas').toDataURL()"


def borders(page: Page, labels: Labels, index: int, *, is_overlapping: bool) -> list[list[int]]:
    """The loops around a class as the page finds them."""
    size = {"height": labels.shape[0], "width": labels.shape[1]}
    found: list[list[int]] = page.evaluate(
        BORDERS, [labels.ravel().tolist(), index, is_overlapping, size]
    )
    return found


@pytest.mark.parametrize("is_overlapping", [False, True])
def test_loops_enclose_what_they_are_drawn_around(modules: Page, is_overlapping: bool) -> None:
    """Filled by the rule of even and odd they are the class again, holes and corners included."""
    labels = np.random.default_rng(4).choice([0, 1, 2, 3, IGNORE], (23, 31)).astype(np.uint8)
    wanted = (labels == 2) | ((labels == 3) & is_overlapping)
    filled = np.zeros(labels.shape, np.bool_)
    for loop in borders(modules, labels, 2, is_overlapping=is_overlapping):
        corners = np.reshape(loop, (-1, 2))
        for (column, row), (other, below) in zip(corners, np.roll(corners, -1, 0), strict=True):
            assert (column == other) != (row == below)
            if column == other:
                filled[min(row, below) : max(row, below), column:] ^= True
    np.testing.assert_array_equal(filled, wanted)


def test_a_loop_runs_on_around_corners(modules: Page) -> None:
    """One rectangle is one loop of four corners, so that its dashes are whole."""
    labels = np.zeros((9, 9), np.uint8)
    labels[2:5, 1:8] = 1
    (loop,) = borders(modules, labels, 1, is_overlapping=False)
    assert loop == [1, 2, 8, 2, 8, 5, 1, 5]


@pytest.mark.parametrize("has_region", [False, True])
def test_the_figure_is_that_of_evaluation(modules: Page, has_region: bool) -> None:
    """Dice of a class among others, where both say something and inside the region."""
    rng = np.random.default_rng(8)
    one, other = rng.choice(np.array([0, 1, 2, IGNORE], np.uint8), (2, 40, 50))
    region = rng.random((40, 50)) > 0.4 if has_region else np.ones((40, 50), np.bool_)
    counted = (one != IGNORE) & (other != IGNORE) & region
    expected = dice(count(one == 2, other == 2, counted)).value
    how: dict[str, Any] = {"index": 2, "isOverlapping": False}
    if has_region:
        how["region"] = region.ravel().astype(int).tolist()
    said = modules.evaluate(AGREEMENT, [one.ravel().tolist(), other.ravel().tolist(), how])
    assert said == f"{expected:.3f}"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ([0, 2], [0, 0], "none in either"),
        ([IGNORE, 1], [1, IGNORE], "no pixel to compare"),
        ([0, 1], [1, 0], "0.000"),
    ],
)
def test_where_there_is_no_figure_it_is_said(
    modules: Page, one: list[int], other: list[int], words: str
) -> None:
    """Two empty masks, and two that know no pixel in common."""
    how = {"index": 1, "isOverlapping": False}
    assert modules.evaluate(AGREEMENT, [one, other, how]) == words


@pytest.fixture(scope="module")
def address(
    serving: Any, disc_run: Path, discs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server over three discs, two of which another observer drew too."""
    folder = tmp_path_factory.mktemp("observed")
    manifest = write_observed(discs, folder / "data")
    with serving(disc_run, "--data", manifest, "--review", folder / "log") as server:
        yield server.address


def open_case(page: Page, address: str, sample: str) -> None:
    """The page of a case, once it can be drawn on."""
    page.goto(f"{address}/review/case/{key_of(sample)}")
    page.locator("#case[data-ready]").wait_for()


def agreed(discs: Path, sample: str, mended: Labels | None = None) -> str:
    """The line that the page should show."""
    one = drawn(discs, sample) if mended is None else mended
    found = dice(count(one != 0, drawn_by_b(discs, sample) != 0, the_region())).value
    return f"Dice: {found:.3f}"


def test_another_observer_is_outlined_when_asked_for(page: Page, address: str, discs: Path) -> None:
    """Off at first; on it changes the picture and not the mask; off again it is as before."""
    open_case(page, address, SAMPLES[0])
    row = page.locator("#observer-list li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(agreed(discs, SAMPLES[0]))
    expect(page.locator("#observers-rule")).to_contain_text("inside the region of interest")
    before = page.evaluate(PICTURE)
    box = page.get_by_role("checkbox", name="Observer b")
    expect(box).not_to_be_checked()
    box.check()
    page.wait_for_function(f"(before) => {PICTURE} !== before", arg=before)
    expect(page.locator("#save")).to_be_disabled()
    box.uncheck()
    page.wait_for_function(f"(before) => {PICTURE} === before", arg=before)


def test_the_figure_follows_what_is_drawn(page: Page, address: str, discs: Path) -> None:
    """The mask is smoothed; a step back brings the figure back."""
    open_case(page, address, SAMPLES[0])
    figures = page.locator("#observer-list .small")
    expect(figures).to_have_text(agreed(discs, SAMPLES[0]))
    page.locator("#radius").fill("9")
    page.click("#smooth")
    expect(figures).not_to_have_text(agreed(discs, SAMPLES[0]))
    expect(figures).to_have_text(re.compile(r"^Dice: 0\.\d{3}$"))
    page.click("#undo")
    expect(figures).to_have_text(agreed(discs, SAMPLES[0]))


def test_a_mask_that_cannot_be_read_is_said(page: Page, address: str) -> None:
    """The case can be mended all the same, and that observer not be switched on."""
    gone = {"error": "s00_0_b.png: holds no picture", "kind": "unusable_case"}
    page.route("**/labels?observer=b", lambda route: route.fulfill(status=422, json=gone))
    open_case(page, address, SAMPLES[0])
    expect(page.locator("#observer-list .small")).to_have_text(gone["error"])
    expect(page.get_by_role("checkbox", name="Observer b")).to_be_disabled()
    expect(page.locator("#tools input").first).to_be_enabled()


def test_a_case_of_one_observer_has_no_such_panel(page: Page, address: str) -> None:
    """Where nobody else drew it there is nothing to switch on."""
    open_case(page, address, SAMPLES[2])
    expect(page.locator("#observers")).to_be_hidden()
