"""Who may ask, from where, and what a browser may do with the answer."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delineate.web.problems import HEALTH
from delineate.web.rendering import is_of_api, problem

# As many random bits as the shortest token must have, in base64: 16 bytes.
SHORTEST_TOKEN = 22
_OPEN = ("/login", HEALTH)
_STATIC = "/static/"
_READING = ("GET", "HEAD", "OPTIONS")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, forms would be sent with `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Access:
    """Who may ask: whoever has the `token`, or, without one, any program of this machine.

    `cookie` is its name, which holds the port because browsers keep one jar for all ports. A token
    that `is_made` here is known to nobody yet and has to be told.
    """

    token: str | None
    port: int
    is_encrypted: bool = False
    is_made: bool = False

    @property
    def cookie(self) -> str:
        """The name of the cookie; over TLS one that no other host can set."""
        return f"{'__Host-' if self.is_encrypted else ''}delineate-{self.port}"

    @property
    def cookie_value(self) -> str:
        """What the cookie holds: derived from the token, which cannot be found from it."""
        key = (self.token or "").encode()
        return hmac.new(key, b"delineate session", hashlib.sha256).hexdigest()

    def is_token(self, given: str) -> bool:
        """Whether this is the token, in a time that says nothing of where it differs."""
        return self.token is not None and _is_same(given, self.token)

    def is_known(self, request: Request) -> bool:
        """Whether a request carries the token or the cookie, where one is needed."""
        if self.token is None:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return _is_same(request.cookies.get(self.cookie, ""), self.cookie_value)

    def admit(self, response: Response) -> Response:
        """The response with the cookie, which no script can read and no other site can use."""
        response.set_cookie(
            self.cookie,
            self.cookie_value,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self.is_encrypted,
        )
        return response


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())


class SecureHeaders:
    """Adds to every answer what a browser may do with it; only static files may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Anew each time, so that pages and scripts of one version are shown together.
        kept = "no-cache" if scope["path"].startswith(_STATIC) else "no-store"

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Cache-Control"] = kept
            await send(message)

        await self._app(scope, receive, send_secured)


class OwnNames:
    """Refuses requests that name another host, or come from a page of another site.

    A page elsewhere can give its name the address of this machine (DNS rebinding), or post to it;
    what it asks then carries its own name in `Host`, `Origin` or `Sec-Fetch-Site`. The name is
    held against those of this machine only without a token: with one a page elsewhere has no
    cookie to send.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 403."""
        if scope["type"] == "http":
            reason = self._reason(scope)
            if reason is not None:
                answer = problem(Request(scope), 403, "other_site", reason)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _reason(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if self._access.token is None and not _is_loopback(headers.get("host", "")):
            return (
                "this server answers under the names of this machine alone, such as localhost; "
                "open it by one of them, or start it with --host, which asks for a token"
            )
        if _is_of_other_site(scope["method"], headers):
            return (
                "the request comes from a page of another site; open this server's own page, or "
                "send it from a program, without the headers Origin and Sec-Fetch-Site"
            )
        return None


def _is_loopback(host: str) -> bool:
    """Whether a `Host` header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_of_other_site(method: str, headers: Headers) -> bool:
    """Whether a browser says that another site asks; following a link from there is no harm."""
    site = headers.get("sec-fetch-site")
    is_reading = method in _READING
    if site is not None:
        is_followed = is_reading and headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not is_followed
    origin = headers.get("origin")
    if is_reading or origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


class Token:
    """Asks for the token, where there is one.

    `?token=` in the address of a page is taken for the cookie and disappears from the address.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or ask for the token."""
        if scope["type"] != "http" or self._access.token is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._entry(request)
        if answer is None and not self._is_open(request):
            answer = _asking(request)
        await (answer or self._app)(scope, receive, send)

    def _entry(self, request: Request) -> Response | None:
        """The same page without the token in its address, for one who gave the right one there."""
        path = request.url.path
        if request.method != "GET" or is_of_api(path) or path.startswith(_STATIC):
            return None
        asked = parse_qsl(request.url.query, keep_blank_values=True)
        if not any(name == "token" and self._access.is_token(value) for name, value in asked):
            return None
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        clean = quote(path) + (f"?{rest}" if rest else "")
        return self._access.admit(RedirectResponse(inner_address(clean), 303))

    def _is_open(self, request: Request) -> bool:
        path = request.url.path
        return path in _OPEN or path.startswith(_STATIC) or self._access.is_known(request)


def _asking(request: Request) -> Response:
    """What one gets who has not given the token."""
    if request.method == "GET" and not is_of_api(request.url.path):
        wanted = quote(request.url.path)
        return RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303)
    return problem(
        request,
        401,
        "no_token",
        "this server asks for the token that it printed at its start; send it as "
        "`Authorization: Bearer TOKEN`",
        headers={"WWW-Authenticate": 'Bearer realm="delineate"'},
    )


def inner_address(wanted: str) -> str:
    """An address of this server, or its first page where another is wanted.

    Examples:
        >>> inner_address("/result/7?x=1"), inner_address("//elsewhere.org"), inner_address("a:b")
        ('/result/7?x=1', '/', '/')
    """
    is_inner = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_inner and wanted.isprintable() else "/"
