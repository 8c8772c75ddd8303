"""The desk with a run behind it: test cases, damaged files, other kinds of data, jobs, events."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.data.opening import open_dataset
from delineate.files.mask_files import labels_of_palette_png
from delineate.web.app import ROOT
from delineate.web.documents import DecisionRequest
from delineate.web.review.desk import Desk, key_of, open_desk
from delineate.web.routes.decisions import _growth
from delineate.web.served import Stopping
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

from .conftest import SIZE_PX, Serve, write_discs
from .desks import Client, desk_of, painted

TEST_CASE = "s09_0"


def square() -> np.ndarray:
    """A mask of the discs' size with 20 by 30 pixels."""
    labels = np.zeros(SIZE_PX, np.uint8)
    labels[10:30, 20:50] = 1
    return labels


@pytest.fixture
def small(tmp_path: Path) -> Desk:
    """A desk over data that may be damaged."""
    data = write_discs(tmp_path / "data")
    log = ReviewLog.create(tmp_path / FILE, findings=(), facts={})
    return desk_of(open_dataset(data), log, tmp_path / "scratch")


def test_a_test_case_that_was_mended_is_marked(disc_run: Path, tmp_path: Path) -> None:
    """It is said before; the next scoring gives old labels, new ones and the rest apart."""
    desk = open_desk(disc_run, tmp_path / "scratch", review=tmp_path / "review")
    assert desk is not None
    client = Client(desk)
    case = client.get(f"/cases/{key_of(TEST_CASE)}")
    assert case["warning"].startswith("A test case, on which this model was scored once.")
    assert "none of them as an improvement" in case["warning"]
    assert client.get(f"/cases/{key_of('s00_0')}")["warning"] is None
    assert client.get("/cases", split="test")["page"]["total"] == 4
    for sample in (TEST_CASE, "s00_0"):
        mask = painted(square())
        assert client.decide("replace", case=key_of(sample), mask_png=mask).status == 201
    found = evaluate(
        disc_run, split="test", review=tmp_path / "review", out=tmp_path / "scored",
        device="cpu", threads=1,
    )  # fmt: skip
    cases = found.document["review"]["cases"]
    assert cases == {"relabelled": [TEST_CASE], "dropped": []}
    said = " ".join(found.document["notes"])
    assert "gave 1 case of this split another mask" in said
    assert "the model is no better for it" in said
    run = tmp_path / "again"
    train(
        desk.reviewed.dataset.root, run, recipe="general", review=tmp_path / "review", steps=1,
        subjects=r"^(s\d+)_", split_file=disc_run / "split.csv", device="cpu", threads=1,
        changes=("model.arguments={widths = [6, 12, 24]}", "patches.size_px=[48, 48]"),
    )  # fmt: skip
    (mask,) = (run / "review").glob("s00_0_*.png")
    np.testing.assert_array_equal(labels_of_palette_png(mask.read_bytes()), square())


def test_files_that_cannot_be_read_are_told_without_their_place(small: Desk) -> None:
    """A damaged image has a case that says so; a damaged mask can be replaced."""
    root = small.reviewed.dataset.root
    (root / "images/s01_0.png").write_bytes(b"nothing")
    (root / "masks/s02_0.png").write_bytes(b"nothing")
    client = Client(small)
    case = client.get(f"/cases/{key_of('s01_0')}")
    assert case["image"] is None
    assert case["problem"].startswith("images/s01_0.png: ")
    for path in (f"/cases/{key_of('s01_0')}/shades", f"/cases/{key_of('s02_0')}/labels"):
        status, error = client.refused(path)
        assert (status, str(root) in error) == (422, False), error
    answer = client.decide("replace", case=key_of("s01_0"), mask_png=painted(square()))
    assert (answer.status, str(root) in answer.error) == (422, False)
    assert client.decide("replace", case=key_of("s02_0"), mask_png=painted(square())).status == 201
    np.testing.assert_array_equal(client.pixels(f"/cases/{key_of('s02_0')}/labels"), square())
    assert client.pixels(f"/cases/{key_of('s02_0')}/thumbnail").shape == (*SIZE_PX, 3)


def test_masks_that_are_not_certain_are_shown_with_a_warning(
    disc_run: Path, tmp_path: Path
) -> None:
    """Whoever mends soft masks knows at which value they were cut."""
    data = write_discs(tmp_path / "soft")
    for mask in (data / "masks").iterdir():
        soft = cv2.GaussianBlur(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE), (5, 5), 1.5)
        cv2.imwrite(str(mask), soft)
    desk = open_desk(disc_run, tmp_path / "scratch", data=data, review=tmp_path / "review")
    assert desk is not None
    case = Client(desk).get(f"/cases/{key_of('s00_0')}")
    assert case["warning"].startswith("The masks of reference are shown as threshold:")


def test_an_image_without_a_mask_gets_one(small: Desk) -> None:
    """It is listed as unlabelled, looks empty, and is labelled once somebody has drawn."""
    (small.reviewed.dataset.root / "masks/s03_0.png").unlink()
    data = open_dataset(small.reviewed.dataset.root)
    client = Client(desk_of(data, small.log, small.labels.folder))
    case = client.get("/cases", state="unlabelled")["cases"]
    assert [(each["id"], each["has_labels"]) for each in case] == [("s03_0", False)]
    assert not client.pixels(f"/cases/{key_of('s03_0')}/labels").any()
    client.decide("replace", case=key_of("s03_0"), mask_png=painted(square()))
    assert client.get("/cases", state="unlabelled")["cases"] == []
    assert client.get(f"/cases/{key_of('s03_0')}")["has_labels"]


def test_every_growth_of_the_log_is_told(small: Desk) -> None:
    """At once how far it is, then each decision, those of a terminal too, until the stop."""
    heard: list[int] = []

    async def listen() -> None:
        stop = Stopping()
        async for event in _growth(small, stop):
            assert event["event"] == "decision"
            heard.append(json.loads(event["data"])["last"])
            if len(heard) == 1:
                request = DecisionRequest(case=key_of("s00_0"), action="keep", who="ada")
                await asyncio.to_thread(small.decide, request)
            elif len(heard) == 2:
                finding = small.state().findings[0].id
                await asyncio.to_thread(ReviewLog(small.log.path).decide, finding, "drop")
            else:
                stop.begin()

    asyncio.run(asyncio.wait_for(listen(), 60))
    assert heard == [0, 1, 2]


def test_a_queue_is_made_by_a_job(disc_run: Path, serving: Serve, tmp_path: Path) -> None:
    """Over HTTP alone: the job ends, and its findings stand in the list."""
    with (
        serving(disc_run, "--review", tmp_path / "review") as server,
        httpx.Client(base_url=f"{server.address}{ROOT}", timeout=60) as client,
    ):
        assert client.get("/findings").json()["page"]["total"] == 0
        job = client.post("/findings", params={"count": 2}).json()
        with client.stream("GET", server.address + job["links"]["events"]) as events:
            lines = [line for line in events.iter_lines() if line.startswith("data: ")]
        ended = json.loads(lines[-1].removeprefix("data: "))
        assert (ended["state"], ended["total"], ended["failures"]) == ("done", 24, [])
        found = client.get("/findings").json()
        assert found["kinds"]["worst_case"] == 2
        assert {each["queue"] for each in found["findings"]} <= {"model", "uncertain"}
        assert client.post("/findings", params={"count": 0}).status_code == 422
        case = found["findings"][0]["cases"][0]
        shades = client.get(f"/cases/{case}/shades")
        assert shades.headers["content-type"] == "image/png"
        made = client.post(f"/cases/{case}/prediction")
        assert (made.status_code, made.json()["case"]) == (201, case)
