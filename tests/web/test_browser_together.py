"""Several people at one log, and somebody without a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from delineate.auditing.review.review_log import ReviewLog


@pytest.fixture
def log(audited: Path) -> ReviewLog:
    """What the audit found, with nothing decided."""
    return ReviewLog.open(audited)


@pytest.fixture
def address(serving: Any, disc_run: Path, log: ReviewLog) -> Iterator[str]:
    """A server on that log."""
    with serving(disc_run, "--review", log.path) as server:
        yield server.address


def pair_of(log: ReviewLog) -> str:
    """The id of the contradictory copies."""
    return next(each.id for each in log.findings(kind="contradictory_twins"))


def named(context: BrowserContext, who: str, address: str) -> Page:
    """A page of a browser in which somebody has said who they are."""
    page = context.new_page()
    page.goto(f"{address}/review")
    page.get_by_role("button", name="Say who you are").click()
    page.get_by_role("textbox", name="Your name").fill(who)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text(who)
    return page


def test_a_pair_decided_in_one_browser_shows_in_another(
    address: str, log: ReviewLog, new_context: Callable[..., BrowserContext]
) -> None:
    """The other page, open all the while, says who decided what; so does the terminal's log."""
    finding = pair_of(log)
    anna, ben = (named(new_context(), who, address) for who in ("Anna", "Ben"))
    for each in (anna, ben):
        each.goto(f"{address}/review/finding/{finding}")
        each.locator("#finding[data-ready]").wait_for()
    anna.locator("#why").fill("its outline is whole")
    anna.get_by_role("button", name="Keep one: A (").click()
    expect(ben.locator("#decisions")).to_contain_text("Anna")
    expect(ben.locator("#decisions")).to_contain_text("its outline is whole")
    decided = log.decisions()
    assert [(each.action, each.who, each.why) for each in decided] == [
        ("keep_one", "Anna", "its outline is whole")
    ]


def test_a_decision_in_the_terminal_shows_in_the_browser(
    address: str, log: ReviewLog, page: Page
) -> None:
    """A queue that is open loses what was decided elsewhere, without being loaded again."""
    finding = pair_of(log)
    page.goto(f"{address}/review")
    row = page.locator(f'#findings a[data-id="{finding}"]')
    row.wait_for()
    log.decide(finding, "union", who="terminal")
    expect(page.locator("#counts")).to_contain_text("1 decided")


def test_a_case_is_tried_and_decided_by_keys_alone(
    address: str, log: ReviewLog, page: Page
) -> None:
    """An example, the threshold, a finding and its decision, with Tab, Enter and arrows."""
    page.goto(address)
    _tab_to(page, "#examples button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/result/*")
    page.locator("#result:not([aria-busy=true])").wait_for()
    before = page.locator("#threshold-number").input_value()
    _tab_to(page, "#threshold-slider")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#threshold-number")).not_to_have_value(before)
    page.goto(f"{address}/review")
    page.locator("#findings li").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#finding[data-ready]").wait_for()
    _tab_to(page, "#actions button")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Your name").wait_for()
    page.keyboard.type("Kim")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Decision 1: keep_one")
    assert [each.who for each in log.decisions()] == ["Kim"]


def _tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on the first such element."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"no way by Tab to {wanted} on {page.url}")
