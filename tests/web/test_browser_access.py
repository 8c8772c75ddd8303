"""Every page for everybody: axe-core over all of them, light, dark, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

SERIOUS = ("serious", "critical")
# Waits for what each page shows once its addresses have answered.
PAGES = {
    "/": "text=Drop images here",
    "/review": "#findings li",
    "/cases": "#list li",
    "/history": "main h1",
    "/api": "main h1",
    "/no-such-page": "main h1",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "400 px": {"viewport": {"width": 400, "height": 800}, "has_touch": True},
}


@pytest.fixture(scope="module")
def address(serving, disc_run: Path, _audited: Path, tmp_path_factory) -> Iterator[str]:
    """A server with a model, data, and what an audit found."""
    audit = copytree(_audited, tmp_path_factory.mktemp("access") / "audit")
    with serving(disc_run, "--review", audit) as server:
        yield server.address


@pytest.mark.parametrize("look", LOOKS)
def test_pages_have_no_serious_finding(
    address: str, new_context: Callable[..., BrowserContext], look: str
) -> None:
    """Axe-core finds nothing serious on any page, and no page is wider than its screen."""
    page = new_context(**LOOKS[look]).new_page()
    for path, sign in PAGES.items():
        page.goto(address + path)
        page.locator(sign).first.wait_for()
        _require_accessible(page)
    for open_one in (_open_result, _open_finding, _open_case):
        open_one(page, address)
        _require_accessible(page)


def _open_result(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#examples button").first.click()
    page.wait_for_url("**/result/*")
    page.locator("canvas").first.wait_for()


def _open_finding(page: Page, address: str) -> None:
    page.goto(f"{address}/review")
    page.locator("#findings a").first.click()
    page.locator("#finding[data-ready] canvas").first.wait_for()


def _open_case(page: Page, address: str) -> None:
    page.goto(f"{address}/cases")
    page.locator("#list a").first.click()
    page.locator("#case[data-ready] canvas").first.wait_for()


def _require_accessible(page: Page) -> None:
    found = [
        f"{each['id']} ({each['impact']}): {node['html'][:200]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
    assert found == [], page.url
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, page.url
