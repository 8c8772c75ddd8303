"""How errors are answered: each as one line, and those that are our mistake with an id."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delineate.core.errors import CannotWriteError, DelineateError
from delineate.files.writing import REMEDIES
from delineate.web.problems import API, RefusedError
from delineate.web.rendering import problem

_FULL = (errno.ENOSPC, errno.EDQUOT)
_RETRY_AFTER_S = 60
LOG = logging.getLogger("delineate.web")
_KINDS = {404: "not_found", 405: "wrong_method", 408: "slow_body", 413: "too_large"}
_SENTENCES = {
    404: "there is nothing at this address; start from the first page, or see /api for the others",
    405: "this address takes another method; the header Allow names it, and /api describes it",
}


def answer_errors(app: FastAPI) -> None:
    """Answer each kind of error that a handler may raise."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(CannotWriteError, _unwritten)
    app.add_exception_handler(DelineateError, _unusable)
    app.add_exception_handler(OSError, _unwritten)
    app.add_exception_handler(RequestValidationError, _misfit)
    app.add_exception_handler(HTTPException, _by_http)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return problem(request, error.status, error.kind, str(error), headers=error.headers)


async def _unusable(request: Request, error: Exception) -> Response:
    return problem(request, 422, _word_for(error), str(error))


async def _unwritten(request: Request, error: Exception) -> Response:
    """A disk that is full is no mistake of the server, whose paths are nobody's business."""
    said = str(error).partition(": ")[2]
    if isinstance(error, OSError):
        if error.errno not in _FULL:
            raise error
        said = REMEDIES[error.errno]
    return problem(
        request,
        503,
        "cannot_write",
        f"the server cannot write: {said}; tell whoever runs it",
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )


async def _misfit(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(request, 422, "misfit", _in_words(error.errors()))


async def _by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, OSError):  # of a body that is kept on the disk
        return await _unwritten(request, error.__cause__)
    said = _SENTENCES.get(error.status_code, str(error.detail))
    kind = _KINDS.get(error.status_code, "refused")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _methods(request) or headers.get("Allow", "GET")
    return problem(request, error.status_code, kind, said, headers=headers)


def _methods(request: Request) -> str:
    """All that an address of the API takes; the first of its routes alone knows only its own."""
    path = getattr(request.scope.get("route"), "path_format", "")
    found = request.app.openapi()["paths"]
    described = found.get(path) or found.get(f"{API}/v1{path}", {})
    return ", ".join(method.upper() for method in described)


def _word_for(error: Exception) -> str:
    """`unreadable_file` of an `UnreadableFileError`.

    Examples:
        >>> from delineate.core.errors import SettingsError
        >>> _word_for(SettingsError("x"))
        'settings'
    """
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _in_words(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of the values that do not fit: where, and what was expected."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    more = f"; and {len(errors) - 1} more" if len(errors) > 1 else ""
    return f"{where}: {first['msg']}{more}; see /api for what this address takes"


class Unexpected:
    """Answers our own mistakes with 500 and an id, under which the log has the traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens below."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            number = uuid4().hex[:12]
            LOG.exception("mistake %s at %s %s", number, scope["method"], scope["path"])
            if is_begun:
                raise
            answer = problem(
                Request(scope),
                500,
                "mistake",
                f"a mistake of the server, number {number}; its log has the same number, please "
                "report both",
            )
            await answer(scope, receive, send)
