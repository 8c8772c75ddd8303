"""The page of one result in a browser: labels, threshold, gate, window, measurements, hands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from playwright.sync_api import Page, Route, expect

from delineate.core.checks import sha256_of_file
from delineate.core.types import Labels, Probability
from delineate.files.image_files import read_image
from delineate.files.writing import write_json
from delineate.inference.model import load_model
from delineate.inference.model_card import Threshold
from delineate.inference.model_folder import read_card
from delineate.inference.weights import save_network
from delineate.models.catalogue import build_model

from ..files.dicom_writing import write_dicom
from .conftest import PATIENCE_MS, pinch, wait_until
from .server import PREDICTIONS, Sent, sent_to

# What the page itself holds, and what it has painted.
_VIEWER = "const { viewer, result } = await import('/static/result.js');"
LABELS = f"async () => {{ {_VIEWER} return [...viewer.labels]; }}"
DRAWN = f"""async () => {{
  {_VIEWER}
  viewer.repaint();
  await new Promise((done) => viewer.addEventListener('drawn', done, {{ once: true }}));
}}"""
# Pixels of the canvas whose red and blue differ: of grey pictures only marks have any.
COLOURED = """() => {
  const canvas = document.querySelector('.viewer-canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) count += Math.abs(data[at] - data[at + 2]) > 25;
  return count;
}"""
BRIGHTNESS = """() => {
  const canvas = document.querySelector('.viewer-canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += data[at];
  return sum / (data.length / 4);
}"""


@pytest.fixture(scope="module")
def plain(disc_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server with one foreground class."""
    with sent_to(disc_run, tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="module")
def several(several_classes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server with three foreground classes."""
    with sent_to(several_classes, tmp_path_factory.mktemp("several")) as server:
        yield server


@pytest.fixture(scope="module")
def behind_gate(gated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server whose model lies behind a classifier."""
    with sent_to(gated, tmp_path_factory.mktemp("gated")) as server:
        yield server


def post(server: Sent, file: Path) -> dict[str, Any]:
    """The document of an image that was sent."""
    answer = server.post(file.read_bytes(), file.name.encode())
    assert answer.status == 201, answer.body
    document: dict[str, Any] = answer.document
    return document


def open_result(page: Page, server: Sent, document: dict[str, Any], query: str = "") -> None:
    """The page of a result, once it is complete."""
    page.goto(f"http://127.0.0.1:{server.port}/result/{document['id']}{query}")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    page.evaluate(DRAWN)


def labels_of(server: Sent, document: dict[str, Any], query: str = "") -> Labels:
    """(H, W) labels as the server has them."""
    content = server.ask(f"{PREDICTIONS}/{document['id']}/labels{query}").body
    labels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    return np.asarray(labels, np.uint8)


def expect_labels(page: Page, expected: Labels) -> None:
    """The labels in the page become these, every one of them."""
    until_s = monotonic() + PATIENCE_MS / 1000
    while True:
        found = np.array(page.evaluate(LABELS), np.uint8).reshape(expected.shape)
        if (found == expected).all() or monotonic() > until_s:
            break
        page.wait_for_timeout(50)
    np.testing.assert_array_equal(found, expected)


def coloured(page: Page) -> int:
    """How many pixels of the screen carry a mark."""
    page.evaluate(DRAWN)
    count: int = page.evaluate(COLOURED)
    return count


def expect_colours(page: Page) -> None:
    """Marks come onto the screen, once what they are made of has come."""
    wait_until(page, lambda: coloured(page) > 0, "anything drawn over the picture")


def test_a_moved_threshold_gives_the_server_s_labels_at_once(
    page: Page, plain: Sent, discs: Path
) -> None:
    """At each of many thresholds the page, which cuts by itself, has the labels of the server."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    expect_labels(page, labels_of(plain, document))
    counts = []
    for threshold in (0.02, 0.3, 0.77, 0.995, 0.0, 1.0):
        page.locator("#threshold-slider").fill(str(threshold))
        expected = labels_of(plain, document, f"?threshold={threshold}")
        expect_labels(page, expected)
        counts.append(int(expected.sum()))
    assert len(set(counts)) > 3, "the thresholds must make a difference"
    page.locator("#threshold-number").fill("0.61803")
    page.locator("#threshold-number").press("Enter")
    expect_labels(page, labels_of(plain, document, "?threshold=0.61803"))


def test_a_threshold_by_hand_is_warned_of_and_can_be_taken_back(
    page: Page, plain: Sent, discs: Path
) -> None:
    """Mask, figures, links and warning follow; a reload keeps it; one button takes it back."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    chosen = document["threshold"]["chosen"]
    before = coloured(page)
    expect(page.locator("#threshold-warning")).to_be_hidden()
    page.locator("#threshold-slider").fill("0.05")
    warning = page.locator("#threshold-warning")
    expect(warning).to_contain_text(f"The scores of this model hold at {chosen:.4g}")
    expect(page.locator("#threshold-badge")).to_have_text("by hand")
    area = plain.ask(f"{PREDICTIONS}/{document['id']}?threshold=0.05").document["measurements"]
    area_px = area["classes"][0]["area_px"]
    expect(page.locator("#classes .area")).to_have_text(f"{area_px:,} px")
    expect_labels(page, labels_of(plain, document, "?threshold=0.05"))
    assert coloured(page) > before
    links = page.locator("#files a").evaluate_all("(all) => all.map((each) => each.href)")
    assert links
    assert all(each.endswith("?threshold=0.05") for each in links)
    page.reload()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#threshold-number")).to_have_value("0.05")
    expect_labels(page, labels_of(plain, document, "?threshold=0.05"))
    page.get_by_role("button", name=f"Back to {chosen:.4g}").click()
    expect(warning).to_be_hidden()
    expect(page.locator("#threshold-badge")).to_have_text("as chosen")
    expect_labels(page, labels_of(plain, document))


def test_every_download_is_there(page: Page, plain: Sent, discs: Path) -> None:
    """Each link answers, and the mask that is downloaded is the mask of the threshold in use."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document, "?threshold=0.1")
    links = page.locator("#files a")
    assert links.count() == len(document["links"]["files"])
    for address in links.evaluate_all("(all) => all.map((each) => each.href)"):
        assert page.request.get(address).status == 200, address
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Mask")).click()
    mask = cv2.imread(str(download.value.path()), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    np.testing.assert_array_equal(mask > 0, labels_of(plain, document, "?threshold=0.1") > 0)


def test_the_table_has_the_server_s_figures_and_leads_to_each_object(
    page: Page, plain: Sent, discs: Path
) -> None:
    """Area and mean probability of every object; a click brings it to the middle."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    objects = document["measurements"]["objects"]
    rows = page.locator("#objects tr")
    assert rows.count() == len(objects) > 0
    for row, each in zip(rows.all(), objects, strict=True):
        expect(row.locator("td").nth(1)).to_have_text(f"{each['area_px']:,}")
        mean = float(row.locator("td").last.inner_text())
        assert mean == pytest.approx(each["mean_probability"], rel=1e-3)
    page.get_by_role("button", name="Show object 1 in the picture").click()
    script = f"""async () => {{ {_VIEWER}
      const place = viewer.toHost({objects[0]["row_px"]}, {objects[0]["column_px"]});
      const host = document.getElementById('viewer');
      return [place.x - host.clientWidth / 2, place.y - host.clientHeight / 2]; }}"""
    assert page.evaluate(script) == pytest.approx([0, 0], abs=1)
    expect(rows.first).to_have_attribute("aria-selected", "true")


def test_several_classes_are_shown_apart(page: Page, several: Sent, several_classes: Path) -> None:
    """The likeliest counts, so there is no slider; each class can be taken away and has a name."""
    document = post(several, several_classes.parent / "data/images/s00_0.png")
    open_result(page, several, document)
    labels = labels_of(several, document)
    present = [each for each in document["classes"] if each["index"] > 0]
    assert len(set(np.unique(labels)) - {0}) >= 2
    expect_labels(page, labels)
    expect(page.locator("#threshold-slider")).to_be_hidden()
    everything = coloured(page)
    for each in present:
        page.get_by_label(each["name"]).uncheck()
    assert coloured(page) == 0 < everything
    page.get_by_label(document["classes"][labels.max()]["name"]).check()
    assert 0 < coloured(page) < everything
    numbers = page.locator("#objects button").all_inner_texts()
    assert all(re.fullmatch(r"[123]\.\d+", each) for each in numbers)


def test_probability_is_drawn_as_heat_beside_a_scale(page: Page, plain: Sent, discs: Path) -> None:
    """Heat takes the place of the areas; the scale carries the threshold, which moves along."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    page.locator("#numbers").click()
    areas = coloured(page)
    page.get_by_label("Nothing").check(force=True)
    assert coloured(page) == 0 < areas
    page.get_by_label("Probability", exact=True).check(force=True)
    expect(page.locator("#heat")).to_be_visible()
    expect_colours(page)
    page.locator("#threshold-slider").fill("0.25")
    assert page.locator("#heat-mark").evaluate("(mark) => mark.style.left") == "25%"


def test_the_probability_that_was_asked_for_last_is_drawn(
    page: Page, several: Sent, several_classes: Path
) -> None:
    """A map that comes late is not drawn over that of the class that was chosen after it."""
    document = post(several, several_classes.parent / "data/images/s00_0.png")
    open_result(page, several, document)
    first, second = (each["index"] for each in document["classes"][1:3])
    held: list[Route] = []
    address = re.compile(rf"/probability/{first}$")
    page.route(address, lambda route: held.append(route))
    page.get_by_label("Nothing").check(force=True)
    page.get_by_label("Probability", exact=True).check(force=True)
    wait_until(page, lambda: bool(held), "the question about the first class")
    page.locator("#heat-class").select_option(str(second))
    expect_colours(page)
    shown = page.evaluate(BRIGHTNESS)
    with page.expect_response(address) as answer:
        held[0].continue_()
    answer.value.finished()
    for _ in range(20):  # frames, in any of which it might be drawn
        page.evaluate(DRAWN)
    assert page.evaluate(BRIGHTNESS) == shown


def closed_by_gate(server: Sent, discs: Path) -> dict[str, Any]:
    """The document of the first image that the gate does not let through."""
    return next(
        document
        for file in sorted((discs / "images").iterdir())
        if not (document := post(server, file))["gate"]["is_present"]
    )


def test_a_closed_gate_says_why_and_can_be_overruled(
    page: Page, behind_gate: Sent, discs: Path
) -> None:
    """Nothing is drawn until somebody segments anyway, which is said, and can be taken back."""
    closed = closed_by_gate(behind_gate, discs)
    open_result(page, behind_gate, closed)
    expect(page.locator("#gate-badge")).to_have_text("nothing")
    expect(page.locator("#summary")).to_have_text("The gate finds nothing here.")
    expect_labels(page, np.zeros_like(labels_of(behind_gate, closed)))
    page.locator("#threshold-slider").fill("0")
    expect(page.locator("#threshold-closed")).to_be_visible()
    expect_labels(page, np.zeros_like(labels_of(behind_gate, closed)))
    # A map that is fetched now, all zeros, must not be cut later.
    page.get_by_label("Probability", exact=True).check(force=True)
    page.get_by_role("button", name="Where it looked").click()
    expect(page.locator("#heat-words")).to_contain_text("Where the gate's network looked")
    expect_colours(page)
    page.locator("#threshold-slider").fill("0.02")
    page.get_by_role("button", name="Segment anyway").click()
    opened = labels_of(behind_gate, closed, "?gate_threshold=0&threshold=0.02")
    assert opened.any()
    expect_labels(page, opened)
    expect(page.locator("#gate-words")).to_contain_text("by hand")
    page.locator("#threshold-slider").fill("0.3")
    expect_labels(page, labels_of(behind_gate, closed, "?gate_threshold=0&threshold=0.3"))
    page.get_by_role("button", name="Back to its verdict").click()
    expect_labels(page, np.zeros_like(opened))


def test_an_opened_gate_acts_though_the_slider_moves_on(
    page: Page, behind_gate: Sent, discs: Path
) -> None:
    """A threshold that overtakes the answer on the gate brings labels of both."""
    closed = closed_by_gate(behind_gate, discs)
    open_result(page, behind_gate, closed)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile(rf"{closed['id']}\?.*gate_threshold=0"), hold)
    page.get_by_role("button", name="Segment anyway").click()
    wait_until(page, lambda: bool(held), "the question about the gate")
    page.locator("#threshold-slider").fill("0.02")
    opened = labels_of(behind_gate, closed, "?gate_threshold=0&threshold=0.02")
    assert opened.any()
    expect_labels(page, opened)
    expect(page.locator("#gate-words")).to_contain_text("by hand")


def test_a_window_changes_the_view_and_not_the_prediction(
    page: Page, plain: Sent, discs: Path, tmp_path: Path
) -> None:
    """Presets, sliders and the right button move grey levels; labels stay; figures are in mm."""
    pixels = read_image(discs / "images/s00_0.png")[..., 0]
    file = write_dicom(
        tmp_path / "scan.dcm",
        pixels,
        PixelSpacing=[0.5, 0.25],
        WindowCenter=127.5,
        WindowWidth=255,
        Modality="US",
    )
    document = post(plain, file)
    assert document["image"]["shades"] == "uint16"
    open_result(page, plain, document)
    labels = labels_of(plain, document)
    expect_labels(page, labels)
    area_px, first = int((labels == 1).sum()), page.evaluate(BRIGHTNESS)
    expect(page.locator("#classes .area")).to_have_text(f"{area_px * 0.125:.4g} mm²")
    page.get_by_role("button", name="All levels").click()
    page.evaluate(DRAWN)
    wide = page.evaluate(BRIGHTNESS)
    page.locator("#window-width").fill("0.2")
    page.evaluate(DRAWN)
    narrow = page.evaluate(BRIGHTNESS)
    assert len({round(each, 1) for each in (first, wide, narrow)}) == 3
    box = page.locator("#viewer").bounding_box()
    assert box is not None
    level = page.locator("#window-level-value").inner_text()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 100, box["y"] + 220, steps=4)
    page.mouse.up(button="right")
    expect(page.locator("#window-level-value")).not_to_have_text(level)
    page.get_by_role("button", name="At first").click()
    page.evaluate(DRAWN)
    assert page.evaluate(BRIGHTNESS) == pytest.approx(first)
    expect_labels(page, labels)
    page.get_by_label("px", exact=True).check(force=True)
    expect(page.locator("#objects tr").first.locator("td").nth(1)).to_have_text(
        f"{document['measurements']['objects'][0]['area_px']:,}"
    )


def test_everything_is_reached_by_keys(page: Page, plain: Sent, discs: Path) -> None:
    """Tab comes to the picture, where keys zoom, draw otherwise, cut and choose an object."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "viewer":
            break
    expect(page.locator("#viewer")).to_be_focused()
    scale = f"async () => {{ {_VIEWER} return viewer.scale; }}"
    fitted = page.evaluate(scale)
    page.keyboard.press("+")
    assert page.evaluate(scale) > fitted
    page.keyboard.press("0")
    assert page.evaluate(scale) == fitted
    page.keyboard.press("o")
    expect(page.locator("input[value=outline]")).to_be_checked()
    for _ in range(3):
        page.keyboard.press("[")
    chosen = document["threshold"]["chosen"]
    expect(page.locator("#threshold-number")).not_to_have_value(f"{chosen:.4g}")
    threshold = page.evaluate(f"async () => {{ {_VIEWER} return result.threshold; }}")
    assert 0.02 < chosen - threshold < 0.04
    expect_labels(page, labels_of(plain, document, f"?threshold={threshold}"))
    page.keyboard.press("c")
    expect(page.locator("#threshold-badge")).to_have_text("as chosen")
    # The address follows the figures; those of the threshold before would still be replaced.
    expect(page).to_have_url(re.compile(rf"threshold={re.escape(str(chosen))}$"))
    expect(page.locator("#objects tr")).to_have_count(len(document["measurements"]["objects"]))
    page.keyboard.press(".")
    expect(page.locator("#objects tr[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_a_narrow_screen_has_all_of_it_and_two_fingers_zoom(
    narrow: Page, plain: Sent, discs: Path
) -> None:
    """At 400 px nothing is wider than the screen; fingers that part zoom about their middle."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(narrow, plain, document)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400
    box = narrow.locator("#viewer").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    scale = f"async () => {{ {_VIEWER} return viewer.scale; }}"
    fitted = narrow.evaluate(scale)
    pinch(narrow, middle, [20, 30, 40, 60])
    threefold = pytest.approx(3 * fitted, rel=0.05)
    wait_until(
        narrow, lambda: narrow.evaluate(scale) == threefold, "a picture three times as large"
    )
    narrow.locator("#threshold-slider").fill("0.9")
    expect_labels(narrow, labels_of(plain, document, "?threshold=0.9"))


def test_a_result_that_is_gone_says_what_to_do(page: Page, plain: Sent, discs: Path) -> None:
    """One line with the way on, at the first look and in the middle of it."""
    document = post(plain, discs / "images/s00_0.png")
    open_result(page, plain, document)
    plain.ask(f"{PREDICTIONS}/{document['id']}", method="DELETE")
    page.locator("#threshold-slider").fill("0.2")
    expect(page.get_by_role("alert")).to_contain_text("send the image again")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("send the image again")
    expect(page.locator("#bench")).to_be_hidden()


def test_classes_that_overlap_are_cut_in_the_page_as_on_the_server(
    page: Page, several_classes: Path, discs: Path, tmp_path: Path
) -> None:
    """One threshold by hand holds for each class, and without it each has its own."""
    image = discs / "images/s00_0.png"
    model, probability = _overlapping(several_classes, image, tmp_path / "model")
    with sent_to(model, tmp_path / "scratch") as server:
        document = post(server, image)
        open_result(page, server, document)
        own = labels_of(server, document)
        assert {3, 5, 6, 7} & set(np.unique(own).tolist()), "some must overlap"
        expect_labels(page, own)
        for share in (0.3, 0.5, 0.7):
            threshold = round(float(np.quantile(probability, share)), 6)
            page.locator("#threshold-number").fill(str(threshold))
            page.locator("#threshold-number").press("Enter")
            expect_labels(page, labels_of(server, document, f"?threshold={threshold}"))
        page.get_by_role("button", name="Back to the chosen ones").click()
        expect_labels(page, own)


def _overlapping(run: Path, image: Path, folder: Path) -> tuple[Path, Probability]:
    """A model of random weights whose three classes overlap, and what it says of an image."""
    folder.mkdir()
    (folder.parent / "scratch").mkdir()
    card = read_card(run)
    torch.manual_seed(1)
    network = build_model(
        card.architecture, channels=1, classes=len(card.classes) - 1, arguments=card.arguments
    )
    save_network(folder / "model.safetensors", network)
    changes = {
        "name": "overlapping",
        "is_overlapping": True,
        "weights_sha256": sha256_of_file(folder / "model.safetensors"),
        "predict": card.predict.model_copy(update={"minimum_area_px": 5}),
    }

    def write(values: Sequence[float]) -> None:
        threshold = Threshold(
            value=None, values=tuple(values), chosen_on="nothing", rule="by hand", score=None
        )
        document = card.model_copy(update=changes | {"threshold": threshold})
        write_json(folder / "model.json", document.model_dump(mode="json"), schema="model")

    write([0.5] * 3)
    probability = load_model(folder, device="cpu", threads=1).probability(read_image(image))
    # Each class in half of the picture, so that they lie over each other.
    write([float(np.median(channel)) for channel in probability])
    return folder, probability
