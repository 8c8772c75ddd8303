"""A server in a process of its own: how it begins, how it stops, and what it leaves."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from delineate.cli.main import app
from delineate.web.documents import HealthDocument
from delineate.web.listening import TOKEN
from delineate.web.scratch import scratch_folder

HEALTH, EVENTS = "/api/v1/health", "/api/v1/decisions/events"


@contextmanager
def linked(address: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as link:
        yield link


def answered(link: http.client.HTTPConnection, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    link.request("GET", path)
    answer = link.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def begin(link: http.client.HTTPConnection) -> None:
    """Send the headers, and wait until the server asks for the body: it is at work then."""
    link.putheader("Expect", "100-continue")
    link.endheaders()
    assert link.sock.recv(200).startswith(b"HTTP/1.1 100 ")


def until_stopping(link: http.client.HTTPConnection) -> None:
    """Wait until the server says that it stops."""
    for _ in range(600):
        status, _, body = answered(link, HEALTH)
        if status == 503:
            assert json.loads(body)["status"] == "stopping"
            return
        time.sleep(0.05)
    raise AssertionError("the server never said that it stops")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where servers put what they hold for a while."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def an_image(data: Path) -> bytes:
    """The bytes of a picture that fits the model."""
    return (data / "images" / "s00_0.png").read_bytes()


def test_a_stop_finishes_what_is_under_way(serving, disc_run, discs, temporary):
    """A half-sent image is taken to its end, streams end, and all else is told to come again.

    Nothing stays on the disk, and nothing that was loaded is searched: torch alone is a second of
    it, and much more on a busy machine.
    """
    count_objects = "import atexit, gc; atexit.register(lambda: print(len(gc.get_objects())))"
    with (
        serving(disc_run, first=count_objects) as server,
        linked(server.address) as slow,
        linked(server.address) as listening,
        linked(server.address) as other,
    ):
        assert [each.name.startswith("delineate-serve-") for each in temporary.iterdir()] == [True]
        assert answered(other, HEALTH)[0] == 200
        head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        body = head + an_image(discs) + b"\r\n--x--\r\n"
        slow.putrequest("POST", "/api/v1/predictions")
        slow.putheader("Content-Type", "multipart/form-data; boundary=x")
        slow.putheader("Content-Length", str(len(body)))
        begin(slow)
        slow.send(body[:200])
        listening.request("GET", EVENTS)
        with listening.getresponse() as stream:
            assert stream.readline().startswith(b"event: decision")
            server.process.send_signal(signal.SIGTERM)
            assert stream.read().count(b"event:") == 0
        until_stopping(other)
        status, headers, said = answered(other, "/api/v1/models")
        assert (status, json.loads(said)["kind"]) == (503, "stopping")
        assert int(headers["retry-after"]) > 0
        slow.send(body[200:])
        answer = slow.getresponse()
        assert answer.status == 201
        assert json.loads(answer.read())["image"]["name"] == "a.png"
        assert int(server.process.stdout.read()) < 50_000
        assert server.process.wait(60) == 0
    assert list(temporary.iterdir()) == []
    with linked(server.address) as link, pytest.raises(ConnectionRefusedError):
        answered(link, HEALTH)


@pytest.mark.slow
def test_a_second_signal_ends_at_once(serving, disc_run, temporary):
    """Whatever is under way; nothing stays even so."""
    with (
        serving(disc_run) as server,
        linked(server.address) as slow,
        linked(server.address) as other,
    ):
        slow.putrequest("POST", "/api/v1/predictions")
        slow.putheader("Content-Type", "multipart/form-data; boundary=x")
        slow.putheader("Content-Length", "1000")
        begin(slow)
        slow.send(b"--x")
        server.process.send_signal(signal.SIGINT)
        until_stopping(other)
        time.sleep(0.6)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 130
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_server_left_goes_with_the_next(serving, disc_run, temporary):
    """It may hold pictures of people; that of a server which runs is left alone."""
    with serving(disc_run) as killed:
        killed.process.kill()
        killed.process.wait()
    (left,) = temporary.iterdir()
    with serving(disc_run) as first:
        (own,) = temporary.iterdir()
        assert own != left
        with serving(disc_run):
            assert own in temporary.iterdir()
        assert first.process.poll() is None


def test_a_folder_is_its_owners_alone(tmp_path, monkeypatch):
    """Nobody else may list it, and it goes with all that lies in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "upload-1").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_other_addresses_ask_for_a_token(serving, disc_run, temporary):
    """One is made and said; Ctrl-C ends such a server as SIGTERM does."""
    with serving(disc_run, "--host", "0.0.0.0") as server:
        token = server.said["token"]
        assert len(token) >= 43
        with linked(server.address) as link:
            assert answered(link, "/api/v1/models")[0] == 401
            link.request("GET", "/api/v1/models", headers={"Authorization": f"Bearer {token}"})
            with link.getresponse() as answer:
                assert answer.status == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0
    assert list(temporary.iterdir()) == []


def test_a_certificate_and_a_token_may_be_given(serving, disc_run, tmp_path, monkeypatch):
    """The address says https and the answer comes over TLS; the token is asked for here too."""
    certificate, key = certify(tmp_path)
    monkeypatch.setenv(TOKEN, "t" * 22)
    with serving(disc_run, "--certificate", certificate, "--key", key) as server:
        assert server.said["token"] is None  # a secret of whoever set it
        assert server.address.startswith("https://127.0.0.1:")
        asked = ["curl", "-sk", server.address + HEALTH]
        said = subprocess.run(asked, capture_output=True, check=True).stdout
        health = HealthDocument.model_validate_json(said)
        assert (health.status, health.room) == ("ok", None)


def certify(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own and the key to it."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"openssl makes no certificate: {made.stderr.decode()[-200:]}")
    return certificate, key


def refused(*arguments: object) -> str:
    """What a server that cannot begin says, on one line."""
    token = {TOKEN: os.environ.get(TOKEN, "x" * 22)}
    done = CliRunner().invoke(app, ["serve", *map(str, arguments)], env=token)
    assert done.exit_code == 2, done.exception
    assert done.stdout == ""
    (line,) = [each for each in done.stderr.splitlines() if not each.startswith("reading masks")]
    return line


def test_what_cannot_begin_is_said_in_one_line(disc_run, gated, discs, tmp_path):
    """A port that is taken, another host, no certificate, no model, a classifier."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(disc_run, "--port", port)
        assert f"--port {port}: cannot listen there: address already in use" in said
    assert "expected a name or address of this machine" in refused(
        disc_run, "--host", "no.such.host.invalid"
    )
    assert "--certificate" in refused(disc_run, "--certificate", discs / "images/s00_0.png")
    assert "the folder does not exist" in refused(disc_run, "--certificate", tmp_path / "none.pem")
    assert "expected its --certificate too" in refused(disc_run, "--key", tmp_path / "none.pem")
    assert "expected a run or a model folder" in refused(tmp_path)
    assert "expected a model that draws masks" in refused(gated / "gate", "--port", 0)
    assert "expected images, found none" in refused(disc_run, "--port", 0, "--examples", tmp_path)


def test_a_token_that_could_be_guessed_is_refused(disc_run, monkeypatch):
    """It is told how to make one, and not what it was."""
    monkeypatch.setenv(TOKEN, "secret-1")
    said = refused(disc_run)
    assert "DELINEATE_TOKEN: expected at least 22" in said
    assert "secret-1" not in said
