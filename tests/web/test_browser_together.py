"""Several people at one log, and somebody without a mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from delineate.auditing.review.review_log import ReviewLog

from .conftest import wait_until
from .shared_desk import SharedDesk


@pytest.fixture
def log(desk: SharedDesk) -> ReviewLog:
    """What the audit found, with nothing in force."""
    return ReviewLog.open(desk.log)


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
    desk: SharedDesk, log: ReviewLog, new_context: Callable[..., BrowserContext]
) -> None:
    """The other page, open all the while, says who decided what; so does the terminal's log."""
    finding, before = desk.finding(), len(log.decisions())
    anna, ben = (named(new_context(), who, desk.address) for who in ("Anna", "Ben"))
    for each in (anna, ben):
        each.goto(f"{desk.address}/review/finding/{finding}")
        each.locator("#finding[data-ready]").wait_for()
    anna.locator("#why").fill("its outline is whole")
    anna.get_by_role("button", name="Keep one: A (").click()
    newest = ben.locator("#decisions li").filter(has_text=f"{before + 1} · ")
    expect(newest).to_contain_text("Anna")
    expect(newest).to_contain_text("its outline is whole")
    decided = log.decisions()[before:]
    assert [(each.action, each.who, each.why) for each in decided] == [
        ("keep_one", "Anna", "its outline is whole")
    ]


def test_a_decision_in_the_terminal_shows_in_the_browser(
    desk: SharedDesk, log: ReviewLog, page: Page
) -> None:
    """A queue that is open loses what was decided elsewhere, without being loaded again."""
    finding = desk.finding()
    page.goto(f"{desk.address}/review")
    row = page.locator(f'#findings a[data-id="{finding}"]')
    row.wait_for()
    expect(page.locator("#counts")).to_contain_text(", 0 decided")
    log.decide(finding, "union", who="terminal")
    expect(page.locator("#counts")).to_contain_text(", 1 decided")


def test_a_row_keeps_the_focus_while_others_decide(
    desk: SharedDesk, log: ReviewLog, page: Page
) -> None:
    """Whoever walks down the list by keys is not thrown out of it when the list is made anew."""
    asked: list[Route] = []

    def hold_the_second(route: Route) -> None:
        asked.append(route)
        if len(asked) != 2:
            route.continue_()

    page.route("**/api/v1/findings?*", hold_the_second)
    page.goto(f"{desk.address}/review")
    page.locator("#findings a").first.wait_for()
    wait_until(page, lambda: len(asked) == 2, "the list, asked for once more")
    page.keyboard.press("j")
    expect(page.locator("#findings a").first).to_be_focused()
    *_, last = log.findings(open_only=True)
    log.decide(last.id, "keep", who="terminal")
    asked[1].continue_()
    expect(page.locator("#counts")).to_contain_text(", 1 decided")
    expect(page.locator("#findings a").first).to_be_focused()


def test_a_case_is_tried_and_decided_by_keys_alone(
    desk: SharedDesk, log: ReviewLog, page: Page
) -> None:
    """An example, the threshold, a finding and its decision, with Tab, Enter and arrows."""
    before = len(log.decisions())
    page.goto(desk.address)
    _tab_to(page, "#examples button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/result/*")
    page.locator("#result:not([aria-busy=true])").wait_for()
    chosen = page.locator("#threshold-number").input_value()
    _tab_to(page, "#threshold-slider")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#threshold-number")).not_to_have_value(chosen)
    page.goto(f"{desk.address}/review")
    page.locator("#findings li").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#finding[data-ready]").wait_for()
    _tab_to(page, "#actions button")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Your name").wait_for()
    page.keyboard.type("Kim")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text(f"Decision {before + 1}: keep_one")
    assert [each.who for each in log.decisions()[before:]] == ["Kim"]


def _tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on the first such element."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"no way by Tab to {wanted} on {page.url}")
