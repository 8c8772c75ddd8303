"""The requests that are being answered, for a stop that lets them finish."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from delineate.web.problems import HEALTH
from delineate.web.rendering import problem
from delineate.web.served import Stopping

# By then another server, or this one anew, may be there.
_RETRY_AFTER_S = 5


class UnderWay:
    """How many requests are being answered."""

    def __init__(self) -> None:
        self.count = 0


class TakesNothingNew:
    """Counts what is under way, and refuses all else once the server stops."""

    def __init__(self, app: ASGIApp, stopping: Stopping, under_way: UnderWay) -> None:
        self._app, self._stopping, self._under_way = app, stopping, under_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._stopping.is_begun and scope["path"] != HEALTH:
            answer = problem(
                Request(scope),
                503,
                "stopping",
                "this server stops and takes nothing new; try again in a few seconds",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
            await answer(scope, receive, send)
            return
        self._under_way.count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way.count -= 1
