"""Addresses of the login page, for servers that ask for a token."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from delineate.web.problems import RefusedError
from delineate.web.rendering import bare_page
from delineate.web.security import Access, inner_address

router = APIRouter()
# Of a form with one token and one address; anybody may send it, so that it is not read further.
_MOST_BYTES = 8192


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Where the token is typed."""
    access: Access = request.app.state.access
    wanted = inner_address(request.query_params.get("next", "/"))
    if access.is_known(request):
        return RedirectResponse(wanted, 303)
    return bare_page(request, "login.html", 200, wanted=wanted, message=None)


@router.post("/login")
async def login(request: Request) -> Response:
    """The cookie and the page that was asked for, for the right token."""
    access: Access = request.app.state.access
    form = parse_qs(await _small_body(request), max_num_fields=10)
    wanted = inner_address(form.get("next", ["/"])[0])
    if access.token is None or access.is_token(form.get("token", [""])[0].strip()):
        return access.admit(RedirectResponse(wanted, 303))
    message = "This is not the token of this server."
    return bare_page(request, "login.html", 401, wanted=wanted, message=message)


async def _small_body(request: Request) -> str:
    """The text of a small form.

    Raises:
        RefusedError: a body that is longer than any form with a token.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise RefusedError(413, "too_large", "the form is longer than a token; type it anew")
    return body.decode(errors="replace")
