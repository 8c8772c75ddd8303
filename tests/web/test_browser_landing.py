"""The first page in a browser: images by every way, what is said of them, and of the model."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route, expect

from ..files.dicom_writing import write_dicom
from .conftest import wait_until

PREDICTIONS = "**/api/v1/predictions"


@pytest.fixture(scope="module")
def address(serving: Any, disc_run: Path) -> Iterator[str]:
    """A server that takes files of one megabyte."""
    with serving(disc_run, "--largest-upload", 1) as server:
        yield server.address


@pytest.fixture
def landing(page: Page, address: str) -> Page:
    """The first page."""
    page.goto(address)
    return page


@pytest.fixture
def some_discs(discs: Path) -> list[Path]:
    """Three images, one of them without anything to find."""
    return [discs / f"images/{name}.png" for name in ("s00_0", "s00_1", "s01_1")]


def send(page: Page, files: list[Path]) -> None:
    """Choose files as somebody does who has clicked on the button."""
    page.set_input_files("#files", files)


def document(page: Page, row: int) -> dict[str, Any]:
    """What the API says of the result in a row."""
    link = page.locator("#rows > li").nth(row).get_by_role("link").get_attribute("href")
    assert link is not None
    answer = page.request.get(f"{page.url}api/v1/predictions/{link.rpartition('/')[2]}")
    said: dict[str, Any] = answer.json()
    return said


def test_the_model_is_shown_with_its_score_and_limits(landing: Page, disc_run: Path) -> None:
    """Score, interval and baselines are those of the evaluation; the limits those of the page."""
    evaluation = json.loads((disc_run / "evaluation-test/evaluation.json").read_text())
    own, *others = [
        each
        for each in evaluation["headline"]
        if each["score"] == evaluation["headline"][0]["score"]
    ]
    panel = landing.get_by_role("region", name="How good it is")
    expect(panel.locator(".figure")).to_have_text(f"{own['value']:.3f}")
    expect(panel.locator(".badge")).to_have_text("held out")
    rows = panel.get_by_role("row").all_inner_texts()
    baselines = [each for each in others if each["pooling"] == own["pooling"]]
    shown = {text.split("\t")[0]: text.split("\t")[-1] for text in rows}
    assert shown["this model"] == f"{own['value']:.3f}"
    assert len(rows) == 1 + len(baselines) > 1
    for each in baselines:
        assert shown[each["predictor"]] == f"{each['value']:.3f}"
    expect(panel).to_contain_text(f"test split, {evaluation['cases']} images")
    limits = landing.get_by_role("region", name="What it must not be used for")
    expect(limits).to_contain_text("no medical device")


def test_bars_are_as_long_as_their_figures(landing: Page) -> None:
    """The bar of a score of 0.8 takes 80 % of its ground."""
    for row in landing.locator(".bars tr").all():
        value = float(row.locator(".number").inner_text())
        width = row.locator("rect").get_attribute("width")
        assert width is not None
        assert float(width) == pytest.approx(100 * value, abs=0.051)


def test_each_image_gets_a_row_with_what_was_found(landing: Page, some_discs: list[Path]) -> None:
    """Count, area and share of a row are those of the API; an empty image says so."""
    send(landing, some_discs)
    rows = landing.locator("#rows > li")
    expect(rows.get_by_role("link", name="Open")).to_have_count(3)
    for place in range(3):
        (measure,) = document(landing, place)["measurements"]["classes"]
        if measure["count"] == 0:
            expect(rows.nth(place)).to_contain_text("nothing found")
        else:
            expect(rows.nth(place)).to_contain_text(
                re.compile(rf"foreground: {measure['count']} objects?, {measure['area_px']:,} px")
            )
    assert rows.nth(0).locator(".name").inner_text() == "s00_0.png"


def test_the_small_picture_shows_the_outline(landing: Page, some_discs: list[Path]) -> None:
    """Pixels in the colour of the class stand in the small picture, and grey ones."""
    send(landing, some_discs[:2])
    expect(landing.locator("#rows").get_by_role("link", name="Open")).to_have_count(2)
    colour = document(landing, 0)["classes"][-1]["colour"]
    canvas = landing.locator("#rows canvas").first
    # It is drawn after the row has its link, and has the sides of the image from then on.
    expect(canvas).to_have_js_property("height", 108)
    counts = canvas.evaluate(
        """(canvas, [red, green, blue]) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const counts = { own: 0, grey: 0, other: 0 };
          for (let at = 0; at < data.length; at += 4) {
            const [r, g, b] = data.slice(at, at + 3);
            if (r === red && g === green && b === blue) counts.own += 1;
            else counts[r === g && g === b ? "grey" : "other"] += 1;
          }
          return counts;
        }""",
        colour,
    )
    assert counts["own"] > 50
    assert counts["grey"] > counts["own"]
    assert counts["other"] == 0


def test_a_single_image_leads_to_its_result(landing: Page, some_discs: list[Path]) -> None:
    """Whoever sends one image sees its result at once."""
    send(landing, some_discs[:1])
    landing.wait_for_url("**/result/*")


def test_a_file_that_is_no_image_says_why_and_can_be_tried_again(
    landing: Page, some_discs: list[Path], tmp_path: Path
) -> None:
    """The server's words stand in the row; the others are done; a second try asks again."""
    wrong = tmp_path / "notes.png"
    wrong.write_text("no picture at all")
    send(landing, [wrong, some_discs[0]])
    rows = landing.locator("#rows > li")
    failed = rows.filter(has_text="notes.png")
    expect(failed).to_contain_text("Not done: expected an image (PNG, TIFF, JPEG")
    expect(rows.filter(has_text="s00_0.png").get_by_role("link", name="Open")).to_be_visible()
    with landing.expect_response(PREDICTIONS) as answer:
        failed.get_by_role("button", name="Try again").click()
    assert answer.value.status == 415
    expect(failed).to_contain_text("Not done")


def test_a_file_that_is_too_large_is_not_sent(landing: Page, tmp_path: Path) -> None:
    """A file beyond the limit is refused in the browser, with both sizes."""
    sent: list[Request] = []
    landing.on(
        "request", lambda request: sent.append(request) if request.method == "POST" else None
    )
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1000), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), noise)
    send(landing, [tmp_path / "large.png"])
    expect(landing.locator("#rows > li")).to_contain_text(
        re.compile(r"Not done: the file has 1\.\d+ MB, and this server takes 1 MB at most")
    )
    assert sent == []


def test_rows_can_be_removed_and_cleared(landing: Page, some_discs: list[Path]) -> None:
    """One row goes by its button, all by another, and the list with the last one."""
    send(landing, some_discs)
    rows = landing.locator("#rows > li")
    expect(rows).to_have_count(3)
    landing.get_by_role("button", name="Remove s00_1.png").click()
    expect(rows).to_have_count(2)
    landing.get_by_role("button", name="Clear the list").click()
    expect(landing.get_by_role("heading", name="Your images")).to_be_hidden()
    expect(landing.get_by_role("button", name="Choose images")).to_be_focused()


def test_a_folder_is_dropped_with_all_below_it(landing: Page, discs: Path, tmp_path: Path) -> None:
    """Images of deeper folders are taken in natural order; other files are named as left out."""
    source = (discs / "images/s00_0.png").read_bytes()
    for name in ("b/scan10.png", "b/scan9.png", "a.png", "b/notes.txt", "b/.hidden", "IM0001"):
        target = tmp_path / "dropped" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source)
    drag(landing, [tmp_path / "dropped"])
    names = landing.locator("#rows .name")
    expect(names).to_have_text(["a.png", "IM0001", "scan9.png", "scan10.png"])
    expect(landing.locator("#left-out")).to_contain_text("2 files left out")
    expect(landing.locator("#left-out")).to_contain_text("notes.txt")
    expect(landing.get_by_role("link", name="Open")).to_have_count(4)


def drag(page: Page, paths: list[Path]) -> None:
    """Drop files or folders on the page, as from a file manager."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(each) for each in paths], "dragOperationsMask": 1}

    def event(kind: str) -> None:
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 400, "data": data})

    def is_over() -> bool:
        event("dragOver")  # again and again, as of a hand: the page forgets a drag that is silent
        return "is-over" in (page.locator("#drop").get_attribute("class") or "")

    event("dragEnter")
    wait_until(page, is_over, "a sign that files may be dropped")
    event("drop")
    expect(page.locator("#drop")).not_to_have_class(re.compile("is-over"))


def test_a_picture_is_pasted(landing: Page, some_discs: list[Path]) -> None:
    """A picture of the clipboard is taken like a file."""
    landing.evaluate(
        """async (bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list(some_discs[0].read_bytes()),
    )
    landing.wait_for_url("**/result/*")


def test_an_example_leads_to_its_result(landing: Page) -> None:
    """Examples are held-out images; a click on one shows what the model finds in it."""
    examples = landing.locator("#examples button")
    assert {each.split("_")[0] for each in examples.all_inner_texts()} == {"s09", "s10"}
    name = examples.first.inner_text()
    examples.first.click()
    landing.wait_for_url("**/result/*")
    landing.go_back()
    expect(landing.locator("#earlier-list a")).to_have_text([name])


def test_results_of_this_tab_are_listed_while_the_server_has_them(
    landing: Page, some_discs: list[Path]
) -> None:
    """After a reload earlier results are links; one that the server forgot is listed no more."""
    send(landing, some_discs[:2])
    expect(landing.get_by_role("link", name="Open")).to_have_count(2)
    gone = document(landing, 0)["id"]
    landing.reload()
    expect(landing.locator("#earlier-list a")).to_have_count(2)
    assert landing.request.delete(f"{landing.url}api/v1/predictions/{gone}").status == 204
    landing.reload()
    expect(landing.locator("#earlier-list a")).to_have_text(["s00_1.png"])
    landing.get_by_role("button", name="Forget them").click()
    landing.reload()
    expect(landing.locator("#earlier-list a")).to_have_count(0)


def test_a_result_that_comes_while_earlier_ones_are_looked_for_is_kept(
    landing: Page, some_discs: list[Path]
) -> None:
    """Whether the server still has the earlier ones is answered late; the new ones stay listed."""
    send(landing, some_discs[:2])
    expect(landing.get_by_role("link", name="Open")).to_have_count(2)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET" and len(held) < 2:
            held.append(route)
        else:
            route.continue_()

    landing.route(f"{PREDICTIONS}/*", hold)
    landing.reload()
    wait_until(landing, lambda: len(held) == 2, "the question after both")
    send(landing, some_discs[1:])
    expect(landing.get_by_role("link", name="Open")).to_have_count(2)
    for each in held:
        each.continue_()
    expect(landing.locator("#earlier-list a")).to_have_count(2)
    landing.reload()
    expect(landing.locator("#earlier-list a")).to_have_count(4)


def test_a_full_queue_is_waited_for_in_words(landing: Page, some_discs: list[Path]) -> None:
    """A 503 is said in the row and tried again after Retry-After, not shown as a failure."""
    problem = {"error": "The queue is full.", "kind": "busy"}
    landing.route(
        PREDICTIONS,
        lambda route: route.fulfill(status=503, headers={"Retry-After": "3"}, json=problem),
    )
    send(landing, some_discs[:1])
    expect(landing.locator("#rows .state")).to_have_text(
        re.compile(r"^The queue is full; trying again in [123] s\.$")
    )
    landing.unroute(PREDICTIONS)
    landing.wait_for_url("**/result/*")


def test_a_server_that_is_away_is_waited_for_in_words(
    landing: Page, some_discs: list[Path]
) -> None:
    """While nothing answers the row says so, and goes on by itself when something does."""
    landing.route(PREDICTIONS, lambda route: route.abort("connectionrefused"))
    send(landing, some_discs[:1])
    expect(landing.locator("#rows .state")).to_have_text(
        re.compile(r"^The server does not answer\. .+; trying again in [1248] s\.$")
    )
    landing.unroute(PREDICTIONS)
    landing.wait_for_url("**/result/*")


def test_colours_are_chosen_and_kept(landing: Page) -> None:
    """Dark is on at once, after a reload, and goes back to the system's when asked to."""
    paper = "getComputedStyle(document.body).backgroundColor"
    light = landing.evaluate(paper)
    landing.get_by_role("radio", name="Dark").check()
    dark = landing.evaluate(paper)
    assert dark != light
    landing.reload()
    assert landing.evaluate(paper) == dark
    expect(landing.get_by_role("radio", name="Dark")).to_be_checked()
    landing.get_by_role("radio", name="As the system has it").check()
    assert landing.evaluate(paper) == light
    landing.emulate_media(color_scheme="dark")
    assert landing.evaluate(paper) == dark


def test_images_are_chosen_by_keyboard_alone(landing: Page, some_discs: list[Path]) -> None:
    """Tab reaches the button, Enter opens the picker, and Tab and Enter open a result."""
    # Playwright asks Chromium for pickers without waiting for its answer: early, or one is missed.
    landing.on("filechooser", lambda _: None)
    button = landing.get_by_role("button", name="Choose images")
    tab_to(landing, button)
    with landing.expect_file_chooser() as chooser:
        landing.keyboard.press("Enter")
    chooser.value.set_files(some_discs[:2])
    link = landing.get_by_role("link", name="Open the result of s00_0.png")
    expect(link).to_be_visible()
    tab_to(landing, link)
    landing.keyboard.press("Enter")
    landing.wait_for_url("**/result/*")


def tab_to(page: Page, target: Any) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("(each) => each === document.activeElement"):
            return
    pytest.fail(f"Tab never reaches {target}")


def test_nothing_is_wider_than_a_telephone(
    narrow: Page, address: str, some_discs: list[Path]
) -> None:
    """At 400 px nothing is cut off sideways, and what is touched is 24 px high or more."""
    narrow.goto(address)
    send(narrow, some_discs)
    expect(narrow.get_by_role("link", name="Open")).to_have_count(3)
    assert narrow.evaluate("document.documentElement.scrollWidth") == 400
    for each in narrow.locator("button:visible, a.button:visible").all():
        box = each.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24, each.inner_text()


def test_a_gate_is_told_from_what_was_found(landing: Page) -> None:
    """A closed gate, an open one over nothing, and one over something read differently."""
    words = landing.evaluate(
        """async () => {
          const { verdictWords } = await import("/static/upload/words.js");
          const open = { probability: 0.9, threshold: 0.26, is_present: true };
          const closed = { probability: 0.141, threshold: 0.26, is_present: false };
          return [verdictWords(closed, 0), verdictWords(open, 0), verdictWords(open, 1),
                  verdictWords(null, 0), verdictWords(null, 2)];
        }"""
    )
    assert words == [
        "gate: nothing to find (0.14, present from 0.26 on), so not outlined",
        "gate: something to find (0.90, present from 0.26 on), but nothing found",
        "gate: something to find (0.90, present from 0.26 on)",
        "nothing found",
        "",
    ]


def test_files_are_judged_by_their_names_in_folders_alone(landing: Page) -> None:
    """Names without an ending may be DICOM; notes, hidden files and lists of DICOM are not."""
    names = ["a.png", "A.JPG", "x.tiff", "IM0001", "1.2.840.113619.2", "scan.ima", "notes.txt",
             ".DS_Store", "DICOMDIR", "Thumbs.db", "report.pdf", "mask.nii.gz"]  # fmt: skip
    taken = landing.evaluate(
        """async (names) => {
          const { looksLikeImage } = await import("/static/upload/gather.js");
          return names.filter(looksLikeImage);
        }""",
        names,
    )
    assert taken == names[:6]


@pytest.fixture
def many(discs: Path, tmp_path: Path) -> Path:
    """A folder of 14 images, a broken one and notes."""
    folder = tmp_path / "many"
    folder.mkdir()
    for source in sorted((discs / "images").iterdir())[:14]:
        (folder / source.name).write_bytes(source.read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (folder / "notes.txt").write_text("not for the model")
    return folder


def test_many_images_become_one_batch(landing: Page, many: Path, tmp_path: Path) -> None:
    """More than twelve are asked about once, done together, and fetched as one archive."""
    landing.set_input_files("#folder", many)
    dialog = landing.get_by_role("dialog", name="One batch")
    expect(dialog).to_contain_text("15 images")
    expect(dialog).to_contain_text("1 file left out, not named like images: notes.txt.")
    dialog.get_by_label("COCO, with run lengths").check()
    dialog.get_by_label("overlays").uncheck()
    dialog.get_by_role("button", name="Start").click()
    landing.wait_for_url("**/batch/*")
    download = landing.get_by_role("link", name="Download all masks")
    expect(download).to_be_visible()
    expect(landing.locator("#words")).to_have_text("14 masks of 15 images.")
    expect(landing.get_by_role("region", name="1 image without a mask")).to_contain_text(
        "broken.png"
    )
    with landing.expect_download() as fetched:
        download.click()
    fetched.value.save_as(tmp_path / "masks.zip")
    names = zipfile.ZipFile(tmp_path / "masks.zip").namelist()
    assert sum(each.endswith("_mask.png") for each in names) == 14
    assert {"objects.csv", "instances_predictions.json"} <= set(names)
    assert not any(each.endswith(("_overlay.png", "_prob.png")) for each in names)
    landing.goto(landing.url.partition("/batch/")[0])
    expect(landing.locator("#earlier-list a")).to_have_text(["Batch of 15 images"])


def test_a_batch_tells_how_far_it_is_and_can_be_stopped(landing: Page) -> None:
    """The bar follows the server's events, and a stopped batch says where it stopped."""
    job = {
        "id": "x", "state": "running", "total": 15, "done": 6, "failures": [], "error": None,
        "links": {"self": "", "events": "/api/v1/jobs/x/events"},
    }  # fmt: skip

    def state(route: Route) -> None:
        if route.request.method == "DELETE":
            job["state"] = "cancelled"
            route.fulfill(status=204)
        else:
            route.fulfill(json=job)

    def events(route: Route) -> None:
        job["done"] = 9
        body = f"event: progress\ndata: {json.dumps(job)}\n\n"
        route.fulfill(body=body, headers={"Content-Type": "text/event-stream"})

    landing.route("**/api/v1/jobs/x", state)
    landing.route("**/api/v1/jobs/x/events", events)
    landing.goto(f"{landing.url}batch/x")
    expect(landing.locator("#words")).to_contain_text("9 of 15 images.")
    assert landing.get_by_role("progressbar").evaluate("(bar) => bar.position") == 0.6
    expect(landing).to_have_title("60 % · Batch · Delineate")
    landing.get_by_role("button", name="Stop this batch").click()
    expect(landing.locator("#words")).to_have_text("Stopped after 9 of 15 images.")
    expect(landing.locator("#state")).to_have_text("cancelled")


def test_a_batch_that_the_server_does_not_know_says_so(landing: Page) -> None:
    """After a restart the page of a batch says what to do, and waits for nothing."""
    landing.goto(f"{landing.url}batch/{'a' * 22}")
    expect(landing.get_by_role("alert")).to_contain_text("send the images again")
    expect(landing.get_by_role("button", name="Stop this batch")).to_be_hidden()


def test_more_than_a_batch_takes_is_not_sent(landing: Page, many: Path) -> None:
    """Files beyond the limits are named with a way on, and cannot be started."""
    (many / "large.png").write_bytes(bytes(1_200_000))
    landing.set_input_files("#folder", many)
    dialog = landing.get_by_role("dialog", name="One batch")
    expect(dialog.get_by_role("alert")).to_contain_text(
        "large.png has 1.14 MB; one image may have 1 MB"
    )
    expect(dialog.get_by_role("button", name="Start")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def test_of_a_film_one_frame_is_taken(landing: Page, discs: Path, tmp_path: Path) -> None:
    """A DICOM file of several frames asks which, and the model sees that one."""
    frames = [cv2.imread(str(discs / f"images/{name}.png"), 0) for name in ("s01_1", "s00_0")]
    film = write_dicom(tmp_path / "film.dcm", np.stack(frames), NumberOfFrames=2)
    send(landing, [film])
    row = landing.locator("#rows > li").first
    expect(row).to_contain_text("2 frames")
    row.get_by_role("spinbutton", name="Frame of film.dcm").fill("2")
    row.get_by_role("button", name="Take this frame").click()
    expect(row.get_by_role("link")).to_be_visible()
    expect(row).to_contain_text("frame 2")
    other = landing.request.post(
        f"{landing.url}api/v1/predictions",
        multipart={"image": {"name": "a.png", "mimeType": "image/png",
                             "buffer": (discs / "images/s00_0.png").read_bytes()}},
    ).json()  # fmt: skip
    assert document(landing, 0)["measurements"]["classes"] == other["measurements"]["classes"]
    assert other["measurements"]["classes"][0]["count"] > 0
