"""Hostile and malformed files: each a clear refusal, and the server goes on."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from .hostile_pictures import PLAIN_PNG, jpegs, no_images, others, pngs
from .hostile_scans import dicoms, tiffs
from .server import Sent, part, sent_to

HOSTILE = no_images() | pngs() | jpegs() | others() | tiffs() | dicoms()


@pytest.fixture(scope="module")
def sent(disc_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server that takes images of up to 4 MiB and a million pixels."""
    folder = tmp_path_factory.mktemp("temporary")
    limits = {"largest_upload_bytes": 4 << 20, "largest_pixels": 1_000_000}
    with sent_to(disc_run, folder, **limits) as server:
        yield server


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_has_a_clear_answer(sent: Sent, name: str) -> None:
    """The right status, one line that names the file and no folder, nothing left, a next image."""
    content, statuses = HOSTILE[name]
    answer = sent.post(content, b"of a stranger.png")
    assert answer.status in statuses, answer.body[:500]
    if answer.status != 201:
        said = answer.document["error"]
        assert said.startswith("of a stranger.png: ")
        assert "\n" not in said
        assert str(sent.folder) not in said
        assert 20 < len(said) < 400
    assert sent.left_behind() == []
    assert sent.post(PLAIN_PNG).status == 201


def test_a_batch_of_all_of_them_ends(sent: Sent) -> None:
    """Those that are images have masks, the others are told, and nothing stays of any."""
    parts = [
        part(content, field=b"images", name=f"../{number}/{name}.png".encode())
        for number, (name, (content, _)) in enumerate(HOSTILE.items())
    ]
    job = sent.form(parts, path="/api/v1/jobs").document
    while (document := sent.ask(job["links"]["self"]).document)["state"] in ("waiting", "running"):
        time.sleep(0.1)
    assert document["state"] == "done", document["error"]
    refused = [name for name, (_, statuses) in HOSTILE.items() if statuses != {201}]
    assert len(document["failures"]) == len(refused)
    assert not any(str(sent.folder) in each for each in document["failures"])
    archive = zipfile.ZipFile(io.BytesIO(sent.ask(document["links"]["result"]).body))
    names = [PurePosixPath(name) for name in archive.namelist()]
    assert sum(name.name.endswith("_mask.png") for name in names) == len(HOSTILE) - len(refused)
    assert not any(name.is_absolute() or ".." in name.parts for name in names)
    assert sent.ask(job["links"]["self"], method="DELETE").status == 204
    assert sent.left_behind() == []
