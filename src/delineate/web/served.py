"""The running server, as the handlers of its addresses see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import Request

from delineate.web.settings import ServeSettings

if TYPE_CHECKING:
    from delineate.inference.model import Model
    from delineate.web.documents import ModelDocument
    from delineate.web.examples import Examples
    from delineate.web.results.jobs import Jobs
    from delineate.web.results.predictor import Predictor
    from delineate.web.results.stored import Store
    from delineate.web.review.desk import Desk
    from delineate.web.uploads.decoding import Decoder


class Stopping:
    """Whether the server was asked to stop: it then takes nothing new, and streams end."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_begun(self) -> bool:
        """Whether somebody asked for it."""
        return self._event.is_set()

    def begin(self) -> None:
        """Ask for it. To be called in the thread of the event loop."""
        self._event.set()

    async def wait(self) -> None:
        """Return once it was asked for."""
        await self._event.wait()


@dataclass(frozen=True)
class Served:
    """All that one server holds.

    `desk` is None without data to review. `scratch` is a folder of this process alone, which is
    removed at its end.
    """

    settings: ServeSettings
    model: Model
    model_folder: Path
    document: ModelDocument
    predictor: Predictor
    decoder: Decoder
    store: Store
    jobs: Jobs
    desk: Desk | None
    examples: Examples
    scratch: Path
    stopping: Stopping = field(default_factory=Stopping)


def served_of(request: Request) -> Served:
    """The server that answers this request."""
    return cast(Served, request.app.state.served)
