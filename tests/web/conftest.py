"""A small set with a contradictory copy, models for it, servers that run, and browsers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

import delineate.web
from delineate.core.checks import sha256_of_file
from delineate.core.types import VERDICTS
from delineate.files.image_files import read_image
from delineate.files.writing import write_json
from delineate.inference.classifier import load_classifier
from delineate.inference.composing import write_composed
from delineate.inference.model_card import Gate, NamedClass, Threshold
from delineate.inference.model_folder import read_card
from delineate.inference.weights import save_network
from delineate.models.catalogue import build_classifier
from delineate.workflows.audit import audit
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

from .processes import Serve, serving
from .shared_desk import SharedDesk

ENCODER = {"encoder": "test_resnet", "head": "pneumothorax"}
SIZE_PX = (72, 96)
SUBJECTS = 12
# Nothing is timed here: a machine with much else to do is only slower.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
# Chromium looks for its maker's hosts unless it is told not to.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SMALL = (
    "model.arguments={widths = [6, 12, 24]}",
    "patches.size_px=[48, 48]",
    "prepare.longest_side_px=none",
    "train.batch=4",
    "train.learning_rate=0.01",
    "train.average_decay=0.9",
    "train.precision=float32",
    "validation.times=3",
    "predict.repeats='single'",
)


def write_discs(root: Path, *, classes: int = 2) -> Path:
    """`images/` beside `masks/`: two speckled pictures a subject, with an ellipse a class.

    Every fourth picture is empty. The last of all is the first one mirrored, under half of its
    mask: a contradictory copy.
    """
    rng = np.random.default_rng(7)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(2 * SUBJECTS):
        labels = np.zeros(SIZE_PX, np.uint8)
        for index in range(1, classes if number % 4 != 3 else 1):
            centre = (int(rng.integers(24, 72)), int(rng.integers(20, 52)))
            axes = (int(rng.integers(9, 18)), int(rng.integers(7, 13)))
            cv2.ellipse(labels, centre, axes, float(rng.integers(0, 180)), 0, 360, index, -1)
        tissue = cv2.GaussianBlur(rng.normal(0, 1, SIZE_PX), (0, 0), 3) * 40 + 70
        image = tissue + labels * (100 // (classes - 1)) + rng.normal(0, 6, SIZE_PX)
        pixels = np.clip(image, 0, 255).astype(np.uint8)
        if number == 2 * SUBJECTS - 1:
            pixels = cv2.imread(str(root / "images/s00_0.png"), cv2.IMREAD_GRAYSCALE)[:, ::-1]
            labels = cv2.imread(str(root / "masks/s00_0.png"), cv2.IMREAD_GRAYSCALE)[:, ::-1].copy()
            labels[:, : int(np.flatnonzero(labels.any(axis=0)).mean())] = 0
            labels = labels // 255 if classes == 2 else labels
        name = f"s{number // 2:02}_{number % 2}.png"
        cv2.imwrite(str(root / "images" / name), pixels)
        cv2.imwrite(str(root / "masks" / name), labels * (255 if classes == 2 else 1))
    return root


def train_small(data: Path, out: Path, *, steps: int = 80) -> Path:
    """A run that outlines most discs; its last three subjects are the test part."""
    split = out.with_suffix(".csv")
    parts = ["train"] * 7 + ["validation"] * 2 + ["test"] * 2 + ["train"]
    rows = [f"s{number // 2:02}_{number % 2},{parts[number // 2]}" for number in range(24)]
    split.write_text("\n".join(["id,split", *rows]) + "\n")
    train(
        data,
        out,
        recipe="general",
        changes=SMALL,
        steps=steps,
        device="cpu",
        threads=1,
        subjects=r"^(s\d+)_",
        split_file=split,
    )
    evaluate(out, split="test", device="cpu", threads=1)
    return out


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images of 12 subjects with their masks; the last one contradicts the first."""
    return write_discs(tmp_path_factory.mktemp("discs") / "data")


@pytest.fixture(scope="session")
def disc_run(discs: Path) -> Path:
    """A run on the discs, scored on its test part."""
    return train_small(discs, discs.parent / "run")


@pytest.fixture(scope="session")
def several_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with three foreground classes."""
    data = write_discs(tmp_path_factory.mktemp("several") / "data", classes=4)
    return train_small(data, data.parent / "run")


@pytest.fixture(scope="session")
def gated(discs: Path, disc_run: Path) -> Path:
    """The discs' model behind a classifier that lets about half of the images through."""
    folder = disc_run.parent / "gated"
    torch.manual_seed(3)
    network = build_classifier("classifier", channels=1, classes=2, arguments=ENCODER)
    (folder / "gate").mkdir(parents=True)
    save_network(folder / "gate/model.safetensors", network)
    segmenter = read_card(disc_run)
    changes = {
        "name": "gate",
        "task": "classify",
        "architecture": "classifier",
        "arguments": ENCODER,
        "stride_px": network.stride,
        "context_px": None,
        "classes": tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour) for each in VERDICTS
        ),
        "threshold": Threshold(value=0.5, chosen_on="validation", rule="by hand", score=None),
        "weights_sha256": sha256_of_file(folder / "gate/model.safetensors"),
    }
    gate = segmenter.model_copy(update=changes)
    write_json(folder / "gate/model.json", gate.model_dump(mode="json"), schema="model")
    looks = load_classifier(folder / "gate", device="cpu", threads=1).probability
    images = sorted((discs / "images").iterdir())
    threshold = float(np.median([looks(read_image(each)) for each in images]))
    card = segmenter.model_copy(
        update={
            "name": "gated",
            "weights_sha256": None,
            "members": ("segmenter",),
            "gate": Gate(kind="classifier", folder="gate", threshold=threshold, rule="by hand"),
        }
    )
    write_composed(
        folder / "model",
        card,
        members={"segmenter": disc_run},
        gate=folder / "gate",
        page="Discs behind a gate.",
    )
    return folder / "model"


@pytest.fixture(scope="session")
def _audited(discs: Path) -> Path:
    out = discs.parent / "audit"
    audit(discs, out, subjects=r"^(s\d+)_")
    return out


@pytest.fixture
def audited(_audited: Path, tmp_path: Path) -> Path:
    """The audit of the discs in a folder of its own, to be decided upon."""
    return Path(shutil.copytree(_audited, tmp_path / "audit"))


@pytest.fixture(name="serving", scope="session")
def _serving() -> Serve:
    """Starts servers: `with serving(MODEL, ...) as server`."""
    return serving


@pytest.fixture(scope="session")
def _shared_desk(
    disc_run: Path, _audited: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedDesk]:
    folder = Path(shutil.copytree(_audited, tmp_path_factory.mktemp("desk") / "audit"))
    with serving(disc_run, "--review", folder) as server:
        yield SharedDesk(server.address, folder)


@pytest.fixture
def desk(_shared_desk: SharedDesk) -> Iterator[SharedDesk]:
    """A server over the discs; what a test decided is taken back, so that the next begins anew."""
    yield _shared_desk
    _shared_desk.take_back()


# Not of the session: while Playwright runs, no other test of the process may have an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; the test is skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine; install Debian's package to have this test")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Page:
    """A page that can `import("/static/...")` what pages run, without a server."""
    static = Path(delineate.web.__file__).parent / "static"

    def answer(route: Route) -> None:
        name = route.request.url.partition("/static/")[2]
        body = (static / name).read_text("utf-8") if name else "<!doctype html>"
        kind = "text/javascript" if name.endswith(".js") else "text/html"
        route.fulfill(body=body, content_type=kind)

    page = browser.new_page()
    page.route("http://modules.test/**", answer)
    page.goto("http://modules.test/")
    return page


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Opens browsers that share nothing; any unexpected error on a page fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("console", lambda line: faults.append(line.text) if _is_policy(line) else None)
        contexts.append(context)
        return context

    yield make
    for each in contexts:
        each.close()
    assert not faults


def _is_policy(line: Any) -> bool:
    return line.type == "error" and "Content Security Policy" in line.text


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """One page on a desktop in light colours."""
    return new_context(color_scheme="light").new_page()


@pytest.fixture
def narrow(new_context: NewContext) -> Page:
    """A page 400 pixels wide that is touched."""
    return new_context(viewport={"width": 400, "height": 800}, has_touch=True).new_page()


def wait_until(page: Page, is_so: Callable[[], bool], what: str) -> None:
    """Wait for what no `expect` can see, such as pixels; `what` is said where it never comes."""
    until_s = monotonic() + PATIENCE_MS / 1000
    while not is_so():
        assert monotonic() < until_s, f"never came: {what}"
        page.wait_for_timeout(50)


def painted(page: Page) -> None:
    """Wait until what has changed so far is on the screen: Chromium is asked for two frames."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(done))"
    page.evaluate(f"() => new Promise((done) => {{ {frames}; }})")


def pinch(page: Page, middle: tuple[float, float], apart: Sequence[float]) -> None:
    """Two fingers, first as far from a middle as `apart` says first."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, half: float | None) -> None:
        points = [] if half is None else [
            {"x": middle[0] + side * half, "y": middle[1], "id": side + 1} for side in (-1, 1)
        ]  # fmt: skip
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", apart[0])
    for half in apart[1:]:
        touch("touchMove", half)
    touch("touchEnd", None)
