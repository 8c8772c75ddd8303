"""Hostile names, forms and bodies: refused in words, or read for what they are."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hostile_pictures import PLAIN_PNG
from .server import BOUNDARY, PREDICTIONS, Sent, form_type, joined, part, sent_to

MOST = 1 << 20
LINE = b"\r\n"


@pytest.fixture(scope="module")
def sent(disc_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server that takes files of up to 1 MiB."""
    folder = tmp_path_factory.mktemp("temporary")
    with sent_to(disc_run, folder, largest_upload_bytes=MOST) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_stays(sent: Sent) -> Iterator[None]:
    """After each request nothing lies anywhere, and the server takes the next image."""
    yield
    assert sent.left_behind() == []
    assert sent.post(PLAIN_PNG).status == 201


NAMES = {
    "above": (b"../../../../tmp/above.png", "above.png"),
    "absolute": (b"/etc/passwd", "passwd"),
    "of Windows": (b"C:\\\\Users\\\\me\\\\scan.png", "scan.png"),
    "of a device": (b"NUL", "NUL"),
    "of a device with an ending": (b"con.png", "con.png"),
    "of a share": (b"\\\\\\\\host\\\\share\\\\a.png", "a.png"),
    "only dots": (b"..", "image"),
    "empty but for spaces": (b"   ", "image"),
    "with NUL": (b"a\x00b.png", "ab.png"),
    "with a bell": (b"a\x07b.png", "ab.png"),
    "turned round": ("scan\u202egnp.exe".encode(), "scangnp.exe"),
    "without width": ("a\u200b\ufeffb.png".encode(), "ab.png"),
    "of 10,000 letters": (b"x" * 4000 + b".png", "x" * 115 + "….png"),
    "with markup": (b"<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    "with a percent": (b"%2e%2e%2fa.png", "%2e%2e%2fa.png"),
    "decomposed": ("a\u0308.png".encode(), "ä.png"),
    "not UTF-8": (b"\xff\xfe.png", "ÿþ.png"),
    "a formula": (b"=HYPERLINK(1).png", "=HYPERLINK(1).png"),
    "of a dot": (b".png", ".png"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_shown(sent: Sent, name: str) -> None:
    """Whatever a file is called, it is read, and called by the last part of its name."""
    told, shown = NAMES[name]
    answer = sent.post(PLAIN_PNG, told)
    assert answer.status == 201, answer.body
    assert answer.document["image"]["name"] == shown


def test_a_name_cannot_end_its_header(sent: Sent) -> None:
    """A line break in a name begins a header of that part and nothing else."""
    told = b'a.png\r\nContent-Length: 5\r\nSet-Cookie: b="c'
    answer = sent.post(PLAIN_PNG, told)
    assert answer.status in (201, 400, 422)
    assert "set-cookie" not in {name.lower() for name in answer.headers}


def beside(field: bytes, value: bytes) -> bytes:
    """A form of a good image and one field."""
    return joined([part(PLAIN_PNG), part(value, field=field, name=None)])


FIELDS = [part(b"1", field=b"f%d" % number, name=None) for number in range(5000)]
FILES = [part(b"x", field=b"f%d" % number) for number in range(1500)]
GOOD = part(PLAIN_PNG)
NAMELESS = b"--" + BOUNDARY + LINE * 2 + b"x\r\n--" + BOUNDARY + b"--\r\n"
BODIES = {
    "no parts": (joined([]), {422}),
    "an empty body": (b"", {400, 422}),
    "a body that is no form": (b"\x00\xff" * 500, {400, 422}),
    "a file under another name": (joined([part(PLAIN_PNG, field=b"picture")]), {422}),
    "a field where a file is expected": (joined([part(b"words", name=None)]), {422}),
    "two files": (joined([GOOD, GOOD]), {400}),
    "5,000 fields": (joined([*FIELDS, GOOD]), {400}),
    "1,500 files": (joined(FILES), {400}),
    "a field of 900 kB": (beside(b"threshold", b"1" * 900_000), {422}),
    "a part without a name": (NAMELESS, {400}),
    "a part of 500 headers": (joined([b"X-A: b\r\n" * 500 + GOOD]), {400}),
    "a part with a header of 100 kB": (joined([b"X-A: " + b"b" * 100_000 + LINE + GOOD]), {400}),
    "a form in a form": (joined([part(joined([GOOD], boundary=b"inner"))]), {415}),
    "a form that breaks off": (joined([GOOD])[:-60], {422}),
    "a form that breaks off before its last dashes": (joined([GOOD])[:-4], {400, 422}),
    "an empty file": (joined([part(b"")]), {415}),
    "a threshold of a word": (beside(b"threshold", b"much"), {422}),
    "a threshold that is none": (beside(b"threshold", b"nan"), {422}),
    "a threshold beyond all": (beside(b"threshold", b"1e999"), {422}),
    "a frame of many digits": (beside(b"frame", b"9" * 5000), {422}),
    "a second frame of a PNG": (beside(b"frame", b"2"), {422}),
}


# Of a form that breaks off Starlette leaves the last file to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BODIES)
def test_each_odd_form_has_a_clear_answer(sent: Sent, name: str) -> None:
    """A status that says whose fault it is, and one line about it."""
    body, statuses = BODIES[name]
    answer = sent.ask(PREDICTIONS, body, Content_Type=form_type())
    assert answer.status in statuses, answer.body[:300]
    if answer.status != 201:
        assert 10 < len(answer.document["error"]) < 400
        assert answer.document["kind"]


TYPES = {
    "none": ("", {415}),
    "JSON": ("application/json", {415, 422}),
    "an image": ("image/png", {415}),
    "a form of words": ("application/x-www-form-urlencoded", {415}),
    "a form without a boundary": ("multipart/form-data", {400}),
    "an empty boundary": ("multipart/form-data; boundary=", {400}),
    "another boundary": ("multipart/form-data; boundary=zzz", {400, 422}),
    "a boundary of 5,000 letters": ("multipart/form-data; boundary=" + "z" * 5000, {400, 422}),
    "words of an unknown alphabet": (form_type() + "; charset=rot13", {201, 400}),
    "words of an alphabet that fails": (form_type() + "; charset=idna", {201, 400}),
    "mixed parts": (form_type().replace("form-data", "mixed"), {415}),
}


@pytest.mark.parametrize("name", TYPES)
def test_each_odd_type_has_a_clear_answer(sent: Sent, name: str) -> None:
    """What is no form of files is refused as that."""
    sent_type, statuses = TYPES[name]
    headers = {"Content_Type": sent_type} if sent_type else {}
    answer = sent.ask(PREDICTIONS, joined([part(PLAIN_PNG)]), **headers)
    assert answer.status in statuses, answer.body[:300]
    if answer.status != 201:
        assert answer.document["error"]


def test_a_file_beyond_the_limit_is_refused(sent: Sent) -> None:
    """One byte more than the limit is 413 in words; as many as the limit are read."""
    largest = PLAIN_PNG + bytes(MOST - len(PLAIN_PNG))
    assert sent.post(largest).status == 201
    answer = sent.post(largest + b"x")
    assert answer.status == 413
    assert "at most 1,048,576 bytes" in answer.document["error"]


def test_a_request_beyond_the_limit_is_not_read(sent: Sent) -> None:
    """What its Content-Length says is enough: the answer comes before the body."""
    head = f"POST {PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form_type()}\r\n"
    with socket.create_connection(("127.0.0.1", sent.port), 30) as link:
        link.sendall(head.encode() + b"Content-Length: 99999999999999999999\r\n\r\n")
        assert _status(link) in (400, 413)
    with socket.create_connection(("127.0.0.1", sent.port), 30) as link:
        link.sendall(head.encode() + b"Content-Length: 5000000\r\n\r\n")
        assert _status(link) == 413


def test_chunks_without_an_end_are_refused(sent: Sent) -> None:
    """A body of chunks is counted as it comes, and refused at the limit."""
    head = f"POST {PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form_type()}\r\n"
    start = b"--" + BOUNDARY + LINE + part(PLAIN_PNG)
    piece = b"10000\r\n" + bytes(1 << 16) + LINE
    with socket.create_connection(("127.0.0.1", sent.port), 30) as link:
        link.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        link.sendall(b"%x\r\n" % len(start) + start + LINE)
        for _ in range(20):
            link.sendall(piece)
        assert _status(link) == 413


def test_a_sender_who_hangs_up_leaves_nothing(sent: Sent) -> None:
    """A request that announces more than it sends ends with its connection."""
    head = f"POST {PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form_type()}\r\n"
    with socket.create_connection(("127.0.0.1", sent.port), 30) as link:
        link.sendall(head.encode() + b"Content-Length: 500000\r\n\r\n--" + BOUNDARY + LINE)
        link.sendall(part(PLAIN_PNG))


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: -5",
        b"Content-Length: 0x10",
        b"Transfer-Encoding: gzip\r\nContent-Length: 5",
        b"X-Long: " + b"a" * 200_000,
    ],
)
def test_broken_heads_are_refused(sent: Sent, head: bytes) -> None:
    """What is no HTTP is answered with 400, or with the end of the connection."""
    with socket.create_connection(("127.0.0.1", sent.port), 30) as link:
        link.sendall(f"POST {PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\n".encode())
        link.sendall(head + b"\r\n\r\n12345")
        assert _status(link) in (0, 400, 413, 415, 422, 431)


def _status(link: socket.socket) -> int:
    """Of the answer; 0 where the connection ended without one."""
    try:
        first = link.recv(4096)
    except ConnectionResetError:
        return 0
    return int(first.split()[1]) if first else 0


def test_every_refusal_is_a_problem(sent: Sent) -> None:
    """Refusals are JSON of two words that the description knows."""
    answer = sent.post(b"no image")
    assert answer.headers["content-type"].startswith("application/json")
    assert set(json.loads(answer.body)) == {"error", "kind"}
