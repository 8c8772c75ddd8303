"""Every page for everybody: axe-core over all of them, light, dark, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from .conftest import painted
from .shared_desk import SharedDesk

SERIOUS = ("serious", "critical")
# Waits for what each page shows once its addresses have answered.
PAGES = {
    "/": "text=Drop images here",
    "/review": "#findings li",
    "/cases": "#list li",
    "/history": "#nothing:visible, #rows tr",
    "/api": "main h1",
    "/no-such-page": "main h1",
}
# Which colours are shown follows the page's media, without loading it once more.
SCREENS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "desktop": ({}, ("light", "dark")),
    "400 px": ({"viewport": {"width": 400, "height": 800}, "has_touch": True}, ("light",)),
}


@pytest.mark.parametrize("screen", SCREENS)
def test_pages_have_no_serious_finding(
    desk: SharedDesk, new_context: Callable[..., BrowserContext], screen: str
) -> None:
    """Axe-core finds nothing serious on any page, and no page is wider than its screen."""
    options, looks = SCREENS[screen]
    page = new_context(reduced_motion="reduce", **options).new_page()
    for path, sign in PAGES.items():
        page.goto(desk.address + path)
        page.locator(sign).first.wait_for()
        _require_accessible(page, looks)
    for open_one in (_open_result, _open_finding, _open_case):
        open_one(page, desk.address)
        _require_accessible(page, looks)


def _open_result(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#examples button").first.click()
    page.wait_for_url("**/result/*")
    page.locator("#result[aria-busy=false] canvas").first.wait_for()


def _open_finding(page: Page, address: str) -> None:
    page.goto(f"{address}/review")
    page.locator("#findings a").first.click()
    page.locator("#finding[data-ready] canvas").first.wait_for()


def _open_case(page: Page, address: str) -> None:
    page.goto(f"{address}/cases")
    page.locator("#list a").first.click()
    page.locator("#case[data-ready] canvas").first.wait_for()


def _require_accessible(page: Page, looks: tuple[str, ...]) -> None:
    for look in looks:
        page.emulate_media(color_scheme=look)
        painted(page)  # grounds change in a transition, words at once
        found = [
            f"{each['id']} ({each['impact']}): {node['html'][:200]}"
            for each in Axe().run(page).response["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]
        assert found == [], f"{page.url}, {look}"
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, page.url
