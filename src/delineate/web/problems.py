"""Refusals of the server: JSON below `/api`, a page elsewhere, one line in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from delineate.core.errors import DelineateError
from delineate.web.documents import Problem

API = "/api"
HEALTH = f"{API}/v1/health"


class RefusedError(DelineateError):
    """A request that is not done: its HTTP status, one word for programs, and one line."""

    def __init__(
        self, status: int, kind: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})


_MEANINGS = {
    400: "the request cannot be understood",
    401: "the token is missing or wrong",
    403: "the request comes from another site, or by a name that is not this server's",
    404: "no such thing, or no longer",
    405: "this address takes another method",
    408: "the rest of the request did not come",
    409: "somebody else decided meanwhile",
    413: "more than the server takes",
    415: "a file or body of another kind than is expected",
    422: "a value that does not fit, or an image that cannot be used",
    500: "a mistake of the server, with an id that its log has too",
    503: "the queue is full or the server stops; `Retry-After` says when to try again",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route declares for OpenAPI: each of these statuses answers with a `Problem`."""
    return {
        status: {"model": Problem, "description": _MEANINGS[status]} for status in sorted(statuses)
    }
