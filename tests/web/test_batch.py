"""Many images at once: the archive is what `predict` writes of the same files."""

from __future__ import annotations

import csv
import errno
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delineate.workflows.predict import predict

from .server import Answer, Sent, part, sent_to

JOBS = "/api/v1/jobs"


@pytest.fixture(scope="module")
def sent(disc_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server that takes 30 images at once."""
    with sent_to(disc_run, tmp_path_factory.mktemp("temporary"), most_files=30) as server:
        yield server


def files_of(*contents: tuple[bytes, bytes]) -> list[bytes]:
    """Parts of a form from names and contents."""
    return [part(content, field=b"images", name=name) for name, content in contents]


def field(name: str, value: str) -> bytes:
    """A part of a form that is no file."""
    return part(value.encode(), field=name.encode(), name=None)


def posted(server: Sent, parts: list[bytes]) -> Answer:
    """The answer to a form of many images."""
    return server.form(parts, path=JOBS)


def events_of(server: Sent, document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a job until its stream ends."""
    answer = server.ask(document["links"]["events"])
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in answer.body.decode().replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


def archive(content: bytes) -> dict[str, bytes]:
    """Name and content of each file."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_archive_is_what_predict_writes(
    sent: Sent, disc_run: Path, discs: Path, tmp_path: Path
) -> None:
    """Every file but the document has the same bytes, and that says the same."""
    images = sorted((discs / "images").iterdir())[:5]
    parts = files_of(*((each.name.encode(), each.read_bytes()) for each in images))
    parts += [field("formats", "coco"), field("formats", "rle"), field("probabilities", "true")]
    answer = posted(sent, parts)
    assert answer.status == 202
    events = events_of(sent, answer.document)
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    name, last = events[-1]
    assert (name, last["state"], last["done"], last["total"]) == ("end", "done", 5, 5)
    done = [each["done"] for _, each in events]
    assert done == sorted(done)
    found = archive(sent.ask(last["links"]["result"]).body)
    out = tmp_path / "out"
    asked = {"formats": ["coco,rle"], "probabilities": True, "objects": True, "threads": 1}
    predict(disc_run, images, out, device="cpu", **asked)
    written = {each.name: each.read_bytes() for each in out.iterdir() if each.name[0] != "."}
    assert set(found) == set(written)
    for name, content in written.items():
        if name == "predictions.json":
            assert json.loads(found[name])["images"][1]["image"] == images[1].name
        elif name == "objects.csv":
            rows = [list(csv.reader(io.StringIO(t.decode()))) for t in (found[name], content)]
            assert [row[1:] for row in rows[0]] == [row[1:] for row in rows[1]]
        else:
            assert found[name] == content, name
    assert sent.ask(last["links"]["self"], method="DELETE").status == 204
    assert sent.ask(last["links"]["result"]).status == 404
    assert sent.left_behind() == []


def test_what_is_no_image_is_told_and_the_others_are_done(sent: Sent, discs: Path) -> None:
    """Names that repeat, and those of folders above, are told apart."""
    good = (discs / "images" / "s00_0.png").read_bytes()
    parts = files_of(
        (b"left/scan.png", good), (b"right/Scan.png", good), (b"../../bad.png", b"no image")
    )
    document = posted(sent, [*parts, field("overlays", "false")]).document
    last = events_of(sent, document)[-1][1]
    assert last["state"] == "done"
    (failure,) = last["failures"]
    assert failure.startswith("bad.png: expected an image")
    found = archive(sent.ask(last["links"]["result"]).body)
    assert {each for each in found if each.endswith(".png")} == {"scan_mask.png", "Scan_2_mask.png"}
    said = json.loads(found["predictions.json"])
    assert [row["image"] for row in said["images"]] == ["scan.png", "Scan_2.png"]
    assert said["failures"] == last["failures"]
    sent.ask(last["links"]["self"], method="DELETE")
    assert sent.left_behind() == []


def test_a_cancelled_job_leaves_nothing(sent: Sent, discs: Path) -> None:
    """Its stream ends with what became of it, and there is no result."""
    good = (discs / "images" / "s00_0.png").read_bytes()
    parts = files_of(*((f"{number}.png".encode(), good) for number in range(30)))
    document = posted(sent, parts).document
    assert sent.ask(document["links"]["self"], method="DELETE").status == 204
    name, last = events_of(sent, document)[-1]
    assert (name, last["state"]) == ("end", "cancelled")
    assert last["done"] < 30
    refused = sent.ask(f"{document['links']['self']}/result")
    assert (refused.status, refused.document["kind"]) == (404, "not_done")
    # The next one waits until the thread has cleared up.
    after = posted(sent, files_of((b"one.png", good))).document
    last = events_of(sent, after)[-1][1]
    sent.ask(last["links"]["self"], method="DELETE")
    assert sent.left_behind() == []


@pytest.mark.parametrize(
    ("fields", "count", "status", "what"),
    [
        ([], 31, 413, "at most 30 files at once, found 31"),
        ([("formats", "coco"), ("formats", "coco-polygons")], 1, 422, "found both"),
        ([("formats", "cocoa")], 1, 422, "Input should be"),
        ([("threshold", "nan")], 1, 422, "finite"),
        ([("gate_threshold", "0.5")], 1, 422, "no gate"),
        ([("overlays", "perhaps")], 1, 422, "valid boolean"),
        ([], 0, 422, "images"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_kept(
    sent: Sent,
    discs: Path,
    fields: list[tuple[str, str]],
    count: int,
    status: int,
    what: str,
) -> None:
    """In one line."""
    good = (discs / "images" / "s00_0.png").read_bytes()
    parts = files_of(*((f"{number}.png".encode(), good) for number in range(count)))
    answer = posted(sent, [*parts, *(field(*each) for each in fields)])
    assert answer.status == status
    assert what in answer.document["error"]
    assert sent.left_behind() == []


def test_jobs_that_are_not_there(sent: Sent) -> None:
    """404 with what to do, everywhere."""
    nobody = f"{JOBS}/AAAAAAAAAAAAAAAAAAAAAA"
    for path in (nobody, f"{nobody}/events", f"{nobody}/result"):
        answer = sent.ask(path)
        assert (answer.status, answer.document["kind"]) == (404, "gone")
    assert sent.ask(nobody, method="DELETE").status == 404


def test_an_archive_that_the_disk_cannot_hold(
    sent: Sent, discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job says so, and its folder goes."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("delineate.web.results.batch.write_zip", full)
    image = (discs / "images/s00_0.png").read_bytes()
    document = posted(sent, files_of((b"a.png", image))).document
    _, last = events_of(sent, document)[-1]
    assert last["state"] == "failed"
    assert last["error"].startswith("the server's folder/predictions.zip: cannot be written: the d")
