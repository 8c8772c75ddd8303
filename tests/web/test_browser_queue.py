"""The queue that a model fills in a browser, and the case that one comes to from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from delineate.auditing.findings.finding import MODEL, Finding
from delineate.auditing.review.review_log import ReviewLog
from delineate.web.review.desk import key_of

MODELS_KINDS = ("model_disagreement", "worst_case", "uncertain_case")


@pytest.fixture(scope="module")
def log(_audited: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of the discs, to which findings are added."""
    return Path(shutil.copytree(_audited, tmp_path_factory.mktemp("queue") / "audit"))


@pytest.fixture(scope="module")
def address(serving: Any, disc_run: Path, log: Path) -> Iterator[str]:
    """A server over the discs and that log."""
    with serving(disc_run, "--review", log) as server:
        yield server.address


def test_the_model_looks_for_more(page: Page, address: str, log: Path) -> None:
    """One click: how far it is, then what it found, in the page and in the log."""
    page.goto(f"{address}/review")
    page.get_by_role("button", name="Let the model look for more").click()
    expect(page.locator("#making-words")).to_have_text("Done.")
    expect(page.locator("#making-bar")).to_have_js_property("value", 24)
    expect(page.locator("#make")).to_be_enabled()
    found = ReviewLog.open(log).findings()
    added = [each for each in found if each.kind in MODELS_KINDS]
    assert {each.kind for each in added} >= {"worst_case", "uncertain_case"}
    assert all(each.text[0].isupper() for each in added)
    expect(page.locator("#counts")).to_have_text(f"{len(found)} open, 0 decided")
    expect(page.get_by_role("heading", name="Cases that a model does worst on")).to_be_visible()
    page.get_by_role("link", name="Model unsure").click()
    unsure = [each for each in added if each.kind == "uncertain_case"]
    expect(page.locator(".finding-row")).to_have_count(len(unsure))
    expect(page.locator(".finding-row").first).to_contain_text(unsure[0].text)


def test_picture_and_tools_are_seen_at_once(page: Page, address: str, log: Path) -> None:
    """Whatever was found about a case leaves room for it; the rest unfolds."""
    own = ReviewLog.open(log)
    pair, *_ = own.findings(kind="contradictory_twins")
    also = Finding("worst_case", pair.samples[:1], "The model's mask shares nothing with the label")
    own.refresh_queues([also], MODEL, sizes_px={})
    page.goto(f"{address}/review/case/{key_of(pair.samples[0])}?finding={pair.id}")
    page.locator("#case[data-ready]").wait_for()
    for place in ("#tools", "#stage", "#save"):
        box = page.locator(place).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900
    expect(page.locator("#notices")).to_contain_text(pair.text)
    others = page.locator("#notices details")
    expect(others.get_by_text(also.text)).to_be_hidden()
    others.locator("summary").click()
    expect(others.get_by_text(also.text)).to_be_visible()


def test_work_that_the_server_has_forgotten_is_given_up(page: Page, address: str) -> None:
    """A server that was started anew knows nothing of it: the page says so and may ask again."""
    gone = {"error": "no such job; it went with the server that had it", "kind": "no_job"}
    page.route("**/api/v1/jobs/*/events", lambda route: route.abort())
    page.route("**/api/v1/jobs/*", lambda route: route.fulfill(status=404, json=gone))
    page.goto(f"{address}/review")
    page.get_by_role("button", name="Let the model look for more").click()
    expect(page.locator("#making-words")).to_have_text(gone["error"])
    expect(page.locator("#make")).to_be_enabled()
