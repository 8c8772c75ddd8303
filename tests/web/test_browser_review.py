"""The review in a browser: the queue, contradictory copies, the editor, and others who decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from skimage.segmentation import flood

from delineate.files.image_files import read_image
from delineate.web.review.desk import key_of
from delineate.workflows import review

from .conftest import SIZE_PX, painted, pinch, wait_until
from .shared_desk import SharedDesk

API = "/api/v1"
NAME = "if (location.protocol === 'http:') localStorage.setItem('delineate.who', '{}')"
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ada(new_context: NewContext) -> Page:
    """A browser whose user has said who she is."""
    context = new_context()
    context.add_init_script(NAME.format("Ada Lovelace"))
    return context.new_page()


def open_case(page: Page, desk: SharedDesk, sample: str) -> Page:
    """The editor, once it can be used."""
    page.goto(desk.case(sample))
    page.locator("#case[data-ready]").wait_for()
    return page


def place(page: Page, row: float, column: float) -> tuple[float, float]:
    """Where a pixel of a fitted picture lies in the window, which shows all of it."""
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    assert box is not None
    height, width = SIZE_PX
    scale = min(box["width"] / width, box["height"] / height)
    left = box["x"] + (box["width"] - width * scale) / 2
    top = box["y"] + (box["height"] - height * scale) / 2
    return left + column * scale, top + row * scale


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A stroke with the left button."""
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=5)
    page.mouse.up()


def save(page: Page, why: str = "") -> None:
    """Save and wait until it is, and until the page has heard of its own decision."""
    page.fill("#why", why)
    page.click("#save")
    state = page.locator("#state")
    expect(state).to_have_text(re.compile(r"^Saved as decision \d+\.$"))
    number = re.findall(r"\d+", state.inner_text())[0]
    expect(page.locator("#decisions li").first).to_contain_text(f"{number} · ")


def set_brush(page: Page, diameter_px: int) -> None:
    """The brush of that size."""
    page.check("[name=tool][value=brush]", force=True)
    page.locator("#diameter").fill(str(diameter_px))


def truth(discs: Path, sample: str) -> np.ndarray:
    """The mask as filed."""
    labels: np.ndarray = (read_image(discs / f"masks/{sample}.png")[..., 0] > 0).astype(np.uint8)
    return labels


def test_a_mended_mask_is_there_after_a_reload(ada: Page, desk: SharedDesk, discs: Path) -> None:
    """A stroke of the brush becomes one decision, pixel by pixel, and stays."""
    page = open_case(ada, desk, "s01_1")
    set_brush(page, 3)
    drag(page, (10.5, 20.5), (10.5, 60.5))
    save(page, "a vessel was missed")
    row = desk.decisions()[-1]
    assert (row["action"], row["samples"], row["who"]) == ("replace", ["s01_1"], "Ada Lovelace")
    assert row["why"] == "a vessel was missed"
    saved = desk.mask(row["number"])
    added = saved - truth(discs, "s01_1")
    rows, columns = np.nonzero(added)
    assert (set(rows), columns.min(), columns.max()) == ({9, 10, 11}, 19, 61)
    page.reload()
    page.locator("#case[data-ready]").wait_for()
    expect(page.locator("#badges")).to_contain_text("mended")
    np.testing.assert_array_equal(desk.labels(page, f"{API}/cases/{key_of('s01_1')}/labels"), saved)
    expect(page.locator("#save")).to_be_disabled()


def test_keys_alone_mend_a_mask(ada: Page, desk: SharedDesk, discs: Path) -> None:
    """Tab to the picture, arrows move a cross, the space bar paints, Ctrl+S saves."""
    page = open_case(ada, desk, "s03_1")
    set_brush(page, 1)
    page.mouse.move(1, 1)
    page.focus("#stage")
    for key in ("ArrowUp", "Shift+ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.down(" ")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.keyboard.up(" ")
    page.keyboard.press("Control+s")
    expect(page.locator("#state")).to_contain_text("Saved as decision")
    added = desk.mask(desk.decisions()[-1]["number"]) - truth(discs, "s03_1")
    rows, columns = np.nonzero(added)
    assert (len(set(rows)), len(columns)) == (1, 7)
    assert columns.max() - columns.min() == 6
    assert rows[0] == SIZE_PX[0] // 2 - 11


def test_undo_and_redo_follow_the_drawing(ada: Page, desk: SharedDesk) -> None:
    """What is undone entirely cannot be saved; what is made again can."""
    page = open_case(ada, desk, "s05_1")
    set_brush(page, 9)
    drag(page, (20, 20), (30, 50))
    expect(page.locator("#save")).to_be_enabled()
    page.focus("#stage")
    page.keyboard.press("Control+z")
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#save")).to_be_disabled()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#save")).to_be_enabled()
    page.click("#undo")
    expect(page.locator("#save")).to_be_disabled()


def test_a_polygon_and_a_fill_make_one_mask(ada: Page, desk: SharedDesk, discs: Path) -> None:
    """Four corners are filled; the eraser cuts a hole, which `Fill holes` closes."""
    page = open_case(ada, desk, "s07_1")
    page.check("[name=tool][value=polygon]", force=True)
    for corner in ((10, 10), (10, 40), (30, 40), (30, 10)):
        page.mouse.click(*place(page, *corner))
    page.focus("#stage")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("Polygon filled.")
    page.keyboard.press("e")
    page.mouse.click(*place(page, 20.5, 20.5))
    page.click("#holes")
    expect(page.locator("#state")).to_contain_text("px of holes filled.")
    save(page)
    expected = truth(discs, "s07_1")
    expected[10:30, 10:40] = 1
    np.testing.assert_array_equal(desk.mask(desk.decisions()[-1]["number"]), expected)


def test_a_fill_follows_the_grey_levels(ada: Page, desk: SharedDesk, discs: Path) -> None:
    """What hangs together and is as bright within 2 % of black to white, as scikit-image floods."""
    page = open_case(ada, desk, "s07_0")
    page.check("[name=tool][value=fill]", force=True)
    page.check("[name=fills][value=grey]")
    page.locator("#tolerance").fill("2")
    page.mouse.click(*place(page, 20.5, 70.5))
    expect(page.locator("#state")).to_contain_text("px filled")
    save(page)
    grey = read_image(discs / "images/s07_0.png")[..., 0].astype(float)
    region = flood(grey, (20, 70), connectivity=1, tolerance=0.02 * 255)
    filed = truth(discs, "s07_0")
    assert 100 < np.count_nonzero(region & (filed == 0)) < 1000
    expected = np.where(region, 1, filed)
    np.testing.assert_array_equal(desk.mask(desk.decisions()[-1]["number"]), expected)


def test_the_proposal_of_the_model_is_taken(ada: Page, desk: SharedDesk) -> None:
    """The labels that are saved are those of the API at the same threshold."""
    page = open_case(ada, desk, "s10_1")
    expect(page.locator("#notices")).to_contain_text("A test case, on which this model was scored")
    page.click("#ask")
    page.locator("#threshold").fill("0.3")
    expect(page.locator("#threshold-warning")).to_contain_text("scores hold at")
    page.click("#take")
    save(page, "the model saw it better")
    saved = desk.mask(desk.decisions()[-1]["number"])
    address = f"{desk.address}{API}/cases/{key_of('s10_1')}/prediction?threshold=0.3"
    link = page.request.post(address, headers={"Origin": desk.address}).json()["links"]["labels"]
    assert saved.any()
    np.testing.assert_array_equal(saved, desk.labels(page, link))


def test_the_filed_mask_can_be_brought_back(ada: Page, desk: SharedDesk, discs: Path) -> None:
    """After a decision the original is one button and one more decision away."""
    page = open_case(ada, desk, "s02_0")
    set_brush(page, 15)
    drag(page, (60, 10), (60, 80))
    save(page)
    page.click("#filed")
    expect(page.locator("#save")).to_be_enabled()
    save(page)
    np.testing.assert_array_equal(desk.mask(desk.decisions()[-1]["number"]), truth(discs, "s02_0"))


def test_a_draft_survives_the_page(ada: Page, desk: SharedDesk) -> None:
    """What was drawn and not saved is offered again, and can be gone on with."""
    page = open_case(ada, desk, "s04_0")
    set_brush(page, 7)
    drag(page, (60, 10), (64, 80))
    kept = "async (key) => Boolean(await (await import('/static/review/draft.js')).draftOf(key))"
    wait_until(page, lambda: bool(page.evaluate(kept, key_of("s04_0"))), "a draft")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="Go on with it").click()
    expect(page.locator("#save")).to_be_enabled()
    save(page)
    assert desk.decisions()[-1]["samples"] == ["s04_0"]


def test_unsaved_work_is_not_left_without_a_word(ada: Page, desk: SharedDesk) -> None:
    """The browser asks before the page goes."""
    page = open_case(ada, desk, "s06_0")
    set_brush(page, 7)
    drag(page, (5, 5), (5, 40))
    expect(page.locator("#save")).to_be_enabled()
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    page.goto(f"{desk.address}/cases")
    assert asked == ["beforeunload"]


def test_two_people_on_one_case_are_told(
    ada: Page, new_context: NewContext, desk: SharedDesk, discs: Path
) -> None:
    """A save over somebody else's is refused until it is meant; both stay in the log."""
    page = open_case(ada, desk, "s08_0")
    set_brush(page, 5)
    drag(page, (5, 5), (5, 40))
    other = new_context()
    other.add_init_script(NAME.format("Grace Hopper"))
    theirs = open_case(other.new_page(), desk, "s08_0")
    set_brush(theirs, 5)
    drag(theirs, (66, 5), (66, 40))
    save(theirs, "the lower one")
    notice = page.get_by_role("alert").filter(has_text="Somebody decided on this case meanwhile")
    expect(notice).to_contain_text("Grace Hopper")
    expect(notice).to_contain_text("the lower one")
    notice.get_by_role("button", name="Keep mine").click()
    save(page, "the upper one")
    assert [row["why"] for row in desk.decisions()[-2:]] == ["the lower one", "the upper one"]
    # Grace has nothing unsaved: her picture follows.
    expect(theirs.locator("#state")).to_contain_text("Ada Lovelace has decided")
    assert desk.mask(desk.decisions()[-1]["number"])[5, 5:40].all()


def test_a_save_that_was_overtaken_is_refused(ada: Page, desk: SharedDesk) -> None:
    """Without live news the server's 409 says who decided what, and a way on."""
    page = ada
    page.route("**/decisions/events", lambda route: route.abort())
    open_case(page, desk, "s08_1")
    set_brush(page, 5)
    drag(page, (5, 5), (5, 40))
    key = key_of("s08_1")
    answer = page.request.post(
        f"{desk.address}{API}/decisions",
        data={"case": key, "action": "drop", "who": "Grace Hopper", "why": "blurred"},
        headers={"Origin": desk.address},
    )
    assert answer.status == 201
    page.click("#save")
    notice = page.get_by_role("alert").filter(has_text="Somebody decided on this case meanwhile")
    expect(notice).to_contain_text("Grace Hopper, drop s08_1, “blurred”")
    expect(page.locator("#state")).to_contain_text("Not saved")
    notice.get_by_role("button", name="Take theirs").click()
    expect(page.locator("#badges")).to_contain_text("dropped")
    expect(page.locator("#save")).to_be_disabled()


def test_what_others_decide_during_a_save_is_not_lost(ada: Page, desk: SharedDesk) -> None:
    """A decision that comes before the answer to one's own is shown after it."""
    page = ada

    def late(route: Route) -> None:
        own = route.fetch()
        review.decide(desk.log, desk.finding(), "keep_one", samples=["s00_0"], who="a terminal")
        page.evaluate(
            """(last) => new Promise((heard) => {
              const stream = new EventSource("/api/v1/decisions/events");
              stream.addEventListener("decision", ({ data }) => {
                if (JSON.parse(data).last >= last) heard(stream.close());
              });
            })""",
            own.json()["number"] + 1,
        )
        route.fulfill(response=own)

    open_case(page, desk, "s11_1")
    set_brush(page, 5)
    drag(page, (5, 5), (5, 40))
    page.route("**/api/v1/decisions", late)
    page.click("#save")
    expect(page.locator("#badges")).to_contain_text("dropped")
    expect(page.locator("#state")).to_contain_text("a terminal has decided")
    expect(page.locator("#save")).to_be_disabled()


def test_a_contradictory_pair_is_decided_from_the_queue(ada: Page, desk: SharedDesk) -> None:
    """By keys from the list to the finding; figures, union, next finding, taken back."""
    page = ada
    page.goto(f"{desk.address}/review")
    page.locator(".finding-row").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#finding[data-ready]").wait_for()
    expect(page.locator("#pictures")).to_contain_text("only in A")
    picture = page.get_by_role("img", name="Masks of A and B")
    picture.evaluate("(image) => image.decode()")  # which fails where there is no picture
    page.fill("#why", "both are right")
    page.get_by_role("button", name="Union").click()
    toast = page.locator(".toast").filter(has_text="union")
    toast.hover()  # which keeps it
    row = desk.decisions()[-1]
    assert (row["action"], row["why"], row["finding"]) == (
        "union",
        "both are right",
        desk.finding(),
    )
    toast.get_by_role("button", name="Take back").click()
    expect(page.locator(".toast").filter(has_text="is taken back")).to_be_visible()
    assert desk.decisions()[-1]["action"] == "undo"


def test_another_browser_and_the_terminal_are_seen(
    ada: Page, new_context: NewContext, desk: SharedDesk
) -> None:
    """The queue and the history of a second browser follow what others decide, here or there."""
    queue = new_context().new_page()
    queue.goto(f"{desk.address}/review")
    expect(queue.locator("#counts")).to_have_text(re.compile(r"^\d+ open, 0 decided$"))
    still = int((queue.locator("#counts").text_content() or "").split()[0])
    history = ada
    history.goto(f"{desk.address}/history")
    before = len(desk.decisions())
    review.decide(desk.log, desk.finding(), "keep_both", who="a terminal")
    expect(queue.locator("#counts")).to_have_text(f"{still - 1} open, 1 decided")
    row = history.locator(f"[data-number='{before + 1}']")
    expect(row).to_contain_text("a terminal")
    row.get_by_role("button", name="Take back").click()
    expect(queue.locator("#counts")).to_have_text(f"{still} open, 0 decided")
    expect(history.locator("#rows tr").first).to_contain_text(f"undo {before + 1}")


def test_who_decides_is_asked_once(page: Page, desk: SharedDesk) -> None:
    """Without a name nothing is decided; with one it is shown and kept."""
    page.goto(f"{desk.address}/review/finding/{desk.finding()}")
    page.locator("#finding[data-ready]").wait_for()
    count = len(desk.decisions())
    page.get_by_role("button", name="Keep all").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_contain_text("nobody said who decides")
    assert len(desk.decisions()) == count
    page.get_by_role("button", name="Keep all").click()
    page.get_by_label("Your name").fill("Mary Somerville")
    page.get_by_role("button", name="That is me").click()
    expect(page.locator(".toast").filter(has_text="keep_both")).to_be_visible()
    assert desk.decisions()[-1]["who"] == "Mary Somerville"
    expect(page.locator("#who")).to_contain_text("Mary Somerville")


def test_cases_are_searched_and_opened(ada: Page, desk: SharedDesk) -> None:
    """Part of a name is enough; the address keeps what was asked."""
    page = ada
    page.goto(f"{desk.address}/cases")
    expect(page.locator("#counts")).to_have_text("24 cases")
    page.fill("#search", "s07")
    expect(page.locator("#counts")).to_have_text("2 cases")
    expect(page).to_have_url(f"{desk.address}/cases?search=s07")
    page.fill("#search", "nothing like it")
    expect(page.locator("#nothing")).to_be_visible()
    page.fill("#search", "")
    page.select_option("#split", "test")
    expect(page.locator("#counts")).to_have_text("4 cases")
    page.get_by_role("link", name="s09_0").click()
    expect(page.locator("#name")).to_have_text("s09_0")


def test_a_narrow_screen_is_drawn_upon_by_touch(narrow: Page, desk: SharedDesk) -> None:
    """At 400 px nothing of the editor is cut off; one finger paints, and two of them zoom."""
    narrow.add_init_script(NAME.format("Ada Lovelace"))
    page = open_case(narrow, desk, "s09_1")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 400
    set_brush(page, 9)
    spot = place(page, 30, 30)
    # Where a finger may land Chromium knows from the last frame, not from the last scroll.
    painted(page)
    pinch(page, spot, [20, 30, 40])
    page.get_by_role("button", name="Fit").click()
    expect(page.locator("#undo")).to_be_disabled()
    spot = place(page, 30, 30)
    painted(page)
    page.touchscreen.tap(*spot)
    expect(page.locator("#save")).to_be_enabled()
