"""What goes wrong is told by what can be done about it, without the folders of the server."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from fastapi import FastAPI, UploadFile
from fastapi.testclient import TestClient

from delineate.files.writing import cannot_write
from delineate.web.failing import answer_errors

FULL = OSError(errno.ENOSPC, "No space left on device", "/srv/secret")


@pytest.mark.parametrize("error", [FULL, cannot_write(Path("/srv/secret"), FULL)])
def test_a_full_disk_is_no_fault_of_what_was_sent(error: Exception) -> None:
    """503, with a time to come again."""
    app = FastAPI()
    answer_errors(app)

    @app.get("/api/v1/x")
    def fail() -> None:
        raise error

    answer = TestClient(app).get("/api/v1/x")
    assert (answer.status_code, answer.json()["kind"]) == (503, "cannot_write")
    assert "the disk is full" in answer.json()["error"]
    assert "secret" not in answer.text
    assert int(answer.headers["retry-after"]) > 0


def test_a_body_that_the_disk_cannot_hold_is_no_broken_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever sent it cannot mend it."""

    def full(*_: object) -> None:
        raise FULL

    app = FastAPI()
    answer_errors(app)

    @app.post("/api/v1/x")
    async def take(image: UploadFile) -> None:
        await image.read()

    monkeypatch.setattr("starlette.datastructures.UploadFile.write", full)
    answer = TestClient(app).post("/api/v1/x", files={"image": b"x"})
    assert (answer.status_code, answer.json()["kind"]) == (503, "cannot_write")


def test_other_mistakes_of_the_system_stay_ours() -> None:
    """Nothing is said of them but a number, which the application adds."""
    app = FastAPI()
    answer_errors(app)

    @app.get("/api/v1/x")
    def fail() -> None:
        raise FileNotFoundError(errno.ENOENT, "gone", "/srv/secret")

    with pytest.raises(FileNotFoundError, match="secret"):
        TestClient(app).get("/api/v1/x")
