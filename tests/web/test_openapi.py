"""The server keeps to its own description, and so do the examples of its page."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import cv2
import pytest

from delineate.web.api_page import documents, operations
from delineate.web.problems import API

from .test_security import an_app, asking

CONFIG = Path(__file__).with_name("schemathesis.toml")
TOKEN = "a-token-that-is-quite-long-enough"


@pytest.fixture(scope="module")
def server(serving, disc_run: Path, _audited: Path, tmp_path_factory) -> Iterator[str]:
    """The address of a server with a token, and a log that may be filled with anything."""
    log = Path(shutil.copytree(_audited, tmp_path_factory.mktemp("api") / "audit"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DELINEATE_TOKEN", TOKEN)
        with serving(disc_run, "--review", log) as running:
            yield running.address


def held_against_description(server: str, folder: Path, *options: str) -> None:
    """Send what the description allows and what it does not, and look at each answer."""
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", str(CONFIG), "run", f"{server}{API}/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {TOKEN}", "--seed", "1", "--no-color"]
    command += ["--request-timeout", "120"]  # nothing is timed here
    # Streams of events have no end to wait for; other tests hold them.
    command += ["--exclude-path-regex", "events$", "--continue-on-failure", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]


def test_answers_are_as_described(server: str, tmp_path: Path) -> None:
    """A few requests to each address, seeded."""
    held_against_description(server, tmp_path, "--phases", "fuzzing", "--max-examples", "2")


@pytest.mark.slow
def test_answers_are_as_described_whatever_is_sent(server: str, tmp_path: Path) -> None:
    """Edges of every parameter, many random requests, and calls that follow each other."""
    phases = "examples,coverage,fuzzing,stateful"
    held_against_description(server, tmp_path, "--phases", phases, "--max-examples", "30")


def shown_lines(server: str) -> list[str]:
    """The lines for curl on the page of the API."""
    asked = Request(f"{server}/api", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(asked, timeout=60) as answer:
        page = answer.read().decode()
    return [html.unescape(each) for each in re.findall(r'<code class="curl">(.*?)</code>', page)]


def test_lines_for_curl_do_what_they_say(
    server: str, discs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of the page, as it stands there."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    monkeypatch.setenv("TOKEN", TOKEN)
    for name in ("scan.png", "other.png"):
        shutil.copy(discs / "images/s00_0.png", tmp_path / name)
    lines = shown_lines(server)
    assert len(lines) == 5
    for line in lines:
        quiet = line.replace("curl ", "curl --silent --fail-with-body ", 1)
        done = subprocess.run(quiet, shell=True, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stdout)
        assert "-o mask.png" in line or json.loads(done.stdout)
    mask = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == cv2.imread(str(tmp_path / "scan.png"), cv2.IMREAD_GRAYSCALE).shape


def test_the_client_does_what_it_says(server: str, discs: Path, tmp_path: Path) -> None:
    """As it is offered for download: it says what was found, and writes a mask beside the image."""
    asked = Request(f"{server}/api/client.py", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(asked, timeout=60) as answer:
        (tmp_path / "client.py").write_bytes(answer.read())
    shutil.copy(discs / "images/s00_0.png", tmp_path / "scan.png")
    (tmp_path / "notes.png").write_text("no picture")
    command = [sys.executable, "client.py", server, "scan.png", "--token", TOKEN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.match(r"scan\.png: \d+ of foreground, \d+ px in all", done.stdout), done.stderr
    assert (tmp_path / "scan_mask.png").is_file()
    command[3] = "notes.png"
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("notes.png: ")


def test_every_operation_and_document_is_on_the_page() -> None:
    """Nothing of the description is left out, and links lead to what is there."""
    app = an_app(None)
    page, description = asking(app)("/api").text, app.openapi()
    for item in description["paths"].values():
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert set(documents(description)) <= anchors
    assert sum(map(len, operations(description).values())) == sum(
        map(len, description["paths"].values())
    )


def test_the_description_is_whole() -> None:
    """Every operation says what it does, every refusal is a problem, and none is taken for 200."""
    description = an_app(None).openapi()
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, item in description["paths"].items():
        for operation in item.values():
            assert operation["description"].rstrip().endswith((".", "`")), path
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")) and "health" not in path:
                    assert answer["content"]["application/json"]["schema"] == problem, path
    assert "HTTPValidationError" not in json.dumps(description)
