"""One server in one process: opened, listening, and stopped with nothing left behind."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import FrameType

import uvicorn

from delineate.core.progress import SILENT, Progress
from delineate.web.app import create_app
from delineate.web.listening import Place, access_at, address_of, listen, require_certificate
from delineate.web.opening import Asked, opened
from delineate.web.served import Served
from delineate.web.settings import ServeSettings
from delineate.web.under_way import UnderWay

_INTERRUPTED = 130
# What is not answered by then is cut off.
_CUT_OFF_S = 1
_IDLE_S = 30
# Once a minute what nobody has fetched goes.
_SWEEP_TICKS = 600
# One and the same stop may reach a process twice: by itself, and through its group.
_ONE_S = 0.5


@dataclass(frozen=True)
class Running:
    """A server that takes requests.

    `token` is the one that was made for it; None where nobody needs one, and of one that somebody
    has set, which is a secret of theirs and not for logs.
    """

    address: str
    token: str | None
    served: Served


def serve(
    model: Path | str,
    *,
    ready: Callable[[Running], None],
    data: Path | str | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    review: Path | str | None = None,
    examples: Path | str | None = None,
    device: str | None = None,
    threads: int | None = None,
    place: Place | None = None,
    settings: ServeSettings | None = None,
    progress: Progress = SILENT,
) -> None:
    """Serve a model until a signal asks to stop, and call `ready` once requests are taken.

    To be called in the main thread, where signals arrive, and where no event loop runs. What is
    under way at a stop is finished, for at most `settings.stop_s`; a second signal ends the
    process at once.

    Args:
        model: A run, or the folder of a model.
        ready: Hears of the address, and of the token where one is asked for.
        data: Images and masks to review, in any known layout; the run's own where it is None.
        layout: Their layout, where it is not to be recognised.
        masks: How their masks are encoded, where their values are not certain.
        subjects: Pattern that finds the subject in a name.
        review: A review log, or the folder of an audit; the log of the run's training where it
            is None, else one in the run.
        examples: Folder of images to try; held-out ones of the run's data where it is None.
        device: Where the network runs.
        threads: Of the network on processors.
        place: Where to listen; this machine alone, at port 8765, where it is None.
        settings: How much is taken on.
        progress: Hears of what takes long.

    Raises:
        DelineateError: an address, certificate, model or data that cannot be used.
    """
    place, settings = place or Place(), settings or ServeSettings()
    asked = Asked(
        Path(model),
        data=_path(data),
        layout=layout,
        masks=masks,
        subjects=subjects,
        review=_path(review),
        examples=_path(examples),
        device=device,
        threads=threads,
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    require_certificate(place)
    with _interruptible(), listen(place) as bound:
        access = access_at(bound, is_encrypted=place.certificate is not None)
        with opened(asked, settings, progress) as served:
            app = create_app(served, access)
            told = access.token if access.is_made else None
            running = Running(address_of(bound, place.scheme), told, served)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,  # names of images stand in addresses and forms
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_keep_alive=_IDLE_S,
                timeout_graceful_shutdown=_CUT_OFF_S,
                ssl_certfile=place.certificate,
                ssl_keyfile=place.key,
            )
            server = Server(config, served, app.state.under_way, lambda: ready(running))
            server.run(sockets=[bound])


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Until the server itself takes signals, one to end still removes what was opened."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Server(uvicorn.Server):
    """Stops in two steps: first it takes nothing new, then, all being answered, it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        served: Served,
        under_way: UnderWay,
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._served, self._under_way, self._ready = served, under_way, ready
        self._asked = self._deadline = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Whether to end, asked ten times a second."""
        if self._served.stopping.is_begun:
            is_late = monotonic() > self._deadline
            self.should_exit = is_late or self._under_way.count == 0
        if counter % _SWEEP_TICKS == 0:
            self._served.store.sweep()
            self._served.jobs.sweep()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take nothing new; asked again, end at once."""
        now, settings = monotonic(), self._served.settings
        if not self._served.stopping.is_begun:
            self._asked, self._deadline = now, now + settings.stop_s
            self._served.stopping.begin()
        elif now > self._asked + _ONE_S:
            shutil.rmtree(self._served.scratch, ignore_errors=True)
            os._exit(_INTERRUPTED)
