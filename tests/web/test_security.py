"""Who may ask, from where, and what a browser may do with the answer."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from delineate.web.app import create_app
from delineate.web.documents import ModelDocument, ThresholdDocument
from delineate.web.security import Access, inner_address
from delineate.web.served import Stopping
from delineate.web.settings import ServeSettings

TOKEN = "a-token-that-is-quite-long-enough"
MODELS, HEALTH = "/api/v1/models", "/api/v1/health"
Ask = Callable[..., httpx.Response]


def a_model() -> ModelDocument:
    """The least that can be said of a model."""
    threshold = ThresholdDocument(value=0.5, values=None, chosen=0.5, origin="here", warning=None)
    return ModelDocument(
        name="vessel", title="The vessels", kind="network", purpose="Outlines.", classes=[],
        is_overlapping=False, channels=1, threshold=threshold, gate=None, facts={}, scored_on=None,
        is_held_out=False, scores=[], baselines=[], notes=[], limits=[],
    )  # fmt: skip


def an_app(token: str | None, *, is_encrypted: bool = False) -> FastAPI:
    """The application without a model behind it."""
    served: Any = SimpleNamespace(
        settings=ServeSettings(),
        document=a_model(),
        desk=None,
        predictor=SimpleNamespace(waiting=2, room=62),
        stopping=Stopping(),
    )
    return create_app(served, Access(token, 8765, is_encrypted=is_encrypted))


def asking(app: FastAPI, address: str = "http://localhost:8765") -> Ask:
    """Sends one request to an application, as it is and following nothing."""

    def ask(path: str, method: str = "GET", **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            way = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=way, base_url=address) as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    return ask


@pytest.fixture(scope="module")
def free() -> Ask:
    """A server on the loopback address, without a token."""
    return asking(an_app(None))


@pytest.fixture(scope="module")
def locked() -> Ask:
    """A server with a token."""
    return asking(an_app(TOKEN))


@pytest.mark.parametrize(
    "host", ["localhost:8765", "127.0.0.1", "127.8.0.1:1", "[::1]:9", "a.localhost"]
)
def test_names_of_this_machine_are_answered(free: Ask, host: str) -> None:
    """Whatever the port, which a tunnel may change."""
    assert free(MODELS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "10.0.0.1:8765", "localhost.evil.example", "", "[", "127.0.0.1.nip.io"]
)
def test_other_names_are_refused(free: Ask, host: str) -> None:
    """A page elsewhere that gave its name this machine's address learns nothing."""
    for path in (MODELS, HEALTH, "/", "/static/login.js"):
        answer = free(path, headers={"Host": host})
        assert answer.status_code == 403
        assert "vessel" not in answer.text
    assert free(MODELS, headers={"Host": host}).json()["kind"] == "other_site"


def test_a_server_with_a_token_answers_under_any_name(locked: Ask) -> None:
    """It is reached by names that it does not know."""
    headers = {"Host": "scans.hospital.example", "Authorization": f"Bearer {TOKEN}"}
    assert locked(MODELS, headers=headers).status_code == 200


def test_programs_are_asked_for_the_token(locked: Ask) -> None:
    """An address of the API without it is refused, and how to send it is said."""
    answer = locked(MODELS)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in answer.json()["error"]
    assert locked("/review", "POST").status_code == 401


def test_people_are_led_to_the_page_for_the_token(locked: Ask) -> None:
    """And from there to what they wanted."""
    answer = locked("/review/case/0123456789abcdef")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Freview%2Fcase%2F0123456789abcdef"
    shown = locked(answer.headers["location"])
    assert shown.status_code == 200
    assert 'value="/review/case/0123456789abcdef"' in shown.text
    assert "vessel" not in shown.text


@pytest.mark.parametrize(
    ("given_as", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer", 401),
        ("Bearer \xe9\xff", 401),
    ],
)
def test_only_the_whole_token_opens(locked: Ask, given_as: str, status: int) -> None:
    """Neither part of it nor more than it does."""
    headers = {b"Authorization": given_as.encode("latin-1")}
    assert locked(MODELS, headers=headers).status_code == status


def test_without_the_token_health_says_only_that_it_is(locked: Ask) -> None:
    """How much waits is nobody else's business."""
    nothing = {"version": None, "waiting": None, "room": None}
    assert locked(HEALTH).json() == {"status": "ok"} | nothing
    known = locked(HEALTH, headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert (known["waiting"], known["room"]) == (2, 62)


def test_the_token_in_an_address_becomes_a_cookie(locked: Ask) -> None:
    """It leaves the address, what else stands there stays, and no script can read the cookie."""
    answer = locked(f"/cases?split=test&token={TOKEN}&search=a%20b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/cases?split=test&search=a+b"
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert locked(MODELS, headers={"Cookie": cookie.partition(";")[0]}).status_code == 200
    assert locked(MODELS, headers={"Cookie": f"delineate-8765={TOKEN}"}).status_code == 401
    assert locked("/cases?token=wrong").headers["location"].startswith("/login")
    assert locked(f"{MODELS}?token={TOKEN}").status_code == 401


def test_over_tls_the_cookie_belongs_to_this_host_alone() -> None:
    """The browser then sends it over TLS only."""
    cookie = asking(an_app(TOKEN, is_encrypted=True))(f"/?token={TOKEN}").headers["set-cookie"]
    assert cookie.startswith("__Host-delineate-8765=")
    assert "Secure" in cookie.split("; ")


def test_a_cookie_of_another_token_opens_nothing(locked: Ask) -> None:
    """Who had the cookie of an earlier token has to type the new one."""
    other = Access("another-token-of-the-same-length!", 8765)
    headers = {"Cookie": f"{other.cookie}={other.cookie_value}"}
    assert locked(MODELS, headers=headers).status_code == 401


def test_the_typed_token_opens(locked: Ask) -> None:
    """With spaces around it, as they come along when it is copied."""
    answer = locked("/login", "POST", data={"token": f" {TOKEN}\n", "next": "/cases"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert "set-cookie" in answer.headers


def test_a_wrong_token_is_said_and_the_wanted_page_kept(locked: Ask) -> None:
    """Nothing is set, and one may type again."""
    answer = locked("/login", "POST", data={"token": "wrong", "next": "/cases"})
    assert answer.status_code == 401
    assert "not the token of this server" in answer.text
    assert 'value="/cases"' in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_larger_than_a_token_is_not_read(locked: Ask) -> None:
    """Anybody may send one, so that it takes no memory."""
    assert locked("/login", "POST", content=b"token=" + b"x" * 20_000).status_code == 413


STARTS = ["", "/", "//", "/\\", "\\\\", "/\t/", "http://"]


@given(st.sampled_from(STARTS), st.text(alphabet="/\\.:@ab\t\n\r %#?é", max_size=8))
def test_nobody_is_sent_elsewhere(start: str, rest: str) -> None:
    """Whatever stands in `next`, a browser stays with this server."""
    there = urlsplit(urljoin("http://here/login", inner_address(start + rest).replace("\\", "/")))
    assert there.netloc == "here"


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ("POST", {"Origin": "http://evil.example"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": "http://localhost:9999"}, 403),
        ("POST", {"Origin": "http://["}, 403),
        ("DELETE", {"Origin": "http://evil.example"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ("GET", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8765"}, 405),
        ("POST", {"Origin": "http://LOCALHOST:8765"}, 405),
        ("POST", {}, 405),
    ],
)
def test_pages_of_other_sites_cannot_ask(
    free: Ask, method: str, headers: dict[str, str], status: int
) -> None:
    """But for following a link; programs, which say nothing of sites, may."""
    assert free(MODELS, method, headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/", MODELS, "/nothing", "/api/nothing", "/static/login.js"])
def test_every_answer_says_what_may_be_done_with_it(free: Ask, path: str) -> None:
    """No script from elsewhere, no frame around it, no guess at its type; kept by nobody."""
    headers = free(path).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
    assert "server" not in headers


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bearer, cookie and form: each by `hmac.compare_digest`, on bytes."""
    seen: list[tuple[object, object]] = []
    real = hmac.compare_digest

    def noted(a: bytes, b: bytes) -> bool:
        seen.append((a, b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    ask = asking(an_app(TOKEN))
    ask(MODELS, headers={"Authorization": "Bearer guess"})
    ask(MODELS, headers={"Cookie": "delineate-8765=guess"})
    ask("/login", "POST", data={"token": "guess"})
    assert [a for a, _ in seen].count(b"guess") == 3
    assert all(isinstance(each, bytes) for pair in seen for each in pair)


def test_our_own_mistakes_are_told_by_a_number(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the traceback under it; the answer has neither traceback nor path."""
    app = an_app(None)
    app.state.served.predictor = None
    with caplog.at_level(logging.ERROR):
        answer = asking(app)(HEALTH)
    assert answer.status_code == 500
    said = answer.json()
    assert said["kind"] == "mistake"
    number = said["error"].split("number ")[1].split(";")[0]
    assert number in caplog.text
    assert "AttributeError" in caplog.text
    assert "AttributeError" not in answer.text
    assert "x-content-type-options" in answer.headers


def test_errors_of_the_address_are_of_its_form(free: Ask) -> None:
    """A problem below `/api`, a page elsewhere, both in words that say what to do."""
    for path, method, status, kind in (
        ("/api/v2/models", "GET", 404, "not_found"),
        (f"{MODELS}/other", "GET", 404, "not_found"),
        (MODELS, "PUT", 405, "wrong_method"),
        ("/api/v1/examples/XYZ/thumbnail", "GET", 422, "misfit"),
    ):
        answer = free(path, method)
        assert (answer.status_code, answer.json()["kind"]) == (status, kind)
    page = free("/nothing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "nothing at this address" in page.text


def test_a_server_that_stops_takes_nothing_new() -> None:
    """Health says so with 503, and everything else when to come again."""
    app = an_app(None)
    app.state.served.stopping.begin()
    ask = asking(app)
    health = ask(HEALTH)
    assert (health.status_code, health.json()["status"]) == (503, "stopping")
    refused = ask(MODELS)
    assert (refused.status_code, refused.json()["kind"]) == (503, "stopping")
    assert int(refused.headers["retry-after"]) > 0
