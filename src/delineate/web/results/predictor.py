"""One thread that owns the model: requests that wait go through it together, jobs behind them."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Condition, Thread
from time import perf_counter
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.types import HeatMap, Image
from delineate.inference.model import Model, Prediction
from delineate.web.problems import RefusedError

# Images that are taken together have no more pixels than this, so that none waits long for others
# that would not share its passes anyway.
_MOST_PX = 4_000_000
# Images that wait hold no more memory than this, however few they are.
_MOST_WAITING_BYTES = 512 * 2**20
# While requests wait too, every so many turns are one of a job.
_TURNS = 4
_FIRST_GUESS_S = 0.5


class BusyError(RefusedError):
    """As many images wait as may, or the server stops: 503, and when to come again."""

    def __init__(self, kind: str, message: str, *, retry_after_s: int) -> None:
        super().__init__(503, kind, message, headers={"Retry-After": str(retry_after_s)})
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, eq=False)
class _Asked:
    """An image that waits for its masks, cut at the given thresholds or at those of the card."""

    image: Image
    threshold: float | None
    gate_threshold: float | None
    future: Future[Prediction] = field(default_factory=Future)

    def goes_with(self, other: _Asked) -> bool:
        """Whether one call predicts both."""
        mine = (self.threshold, self.gate_threshold)
        return mine == (other.threshold, other.gate_threshold)


@dataclass(frozen=True, eq=False)
class _Call:
    """Something that the model does by itself, with an image of so many bytes."""

    call: Callable[[], Any]
    image: Image | None = None
    future: Future[Any] = field(default_factory=Future)


class Predictor:
    """Predicts for many who ask at once.

    At most `queue` requests wait, and `batch` of them are taken together. Jobs wait in a line of
    their own, which has its turn when no request waits, and else every fourth.
    """

    def __init__(self, model: Model, *, batch: int, queue: int) -> None:
        self._model, self._batch, self._queue = model, batch, queue
        self._changed = Condition()  # guards all below
        self._requests: deque[_Asked | _Call] = deque()
        self._jobs: deque[_Call] = deque()
        self._turns_since_job = 0
        self._seconds_an_image = _FIRST_GUESS_S
        self._is_closed = False
        self._thread = Thread(target=self._work, name="predictor", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many images wait, those of jobs too; what the model has before it does not count."""
        with self._changed:
            return len(self._requests) + len(self._jobs)

    @property
    def room(self) -> int:
        """How many requests may still join those that wait."""
        with self._changed:
            return 0 if self._is_closed else max(0, self._queue - len(self._requests))

    async def predict(
        self,
        image: Image,
        *,
        threshold: float | None = None,
        gate_threshold: float | None = None,
    ) -> Prediction:
        """As `Model.predict`. Who is cancelled meanwhile leaves the queue.

        Raises:
            BusyError: as many images wait as may, or the server stops.
            DelineateError: as `Model.predict`, of this image alone.
        """
        prediction: Prediction = await self._answer(_Asked(image, threshold, gate_threshold))
        return prediction

    async def heat_map(self, image: Image) -> HeatMap:
        """Where the classifier that is the gate looks: (H, W), 0 to 1.

        Raises:
            BusyError: as `predict`.
            SettingsError: a model without such a gate.
        """
        if self._model.gate is None:
            raise SettingsError(
                "heat map: expected a model with a classifier as its gate; this one has none"
            )
        heat: HeatMap = await self._answer(_Call(partial(self._model.gate.grad_cam, image), image))
        return heat

    @property
    def queued_model(self) -> Model:
        """The model, for threads of jobs: each look of its gate and segmenter waits for its turn.

        It waits behind requests, however long, and raises `BusyError` where the server stops.
        """

        def waited(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
            return lambda asked: self._joined(_Call(partial(call, asked))).result()

        gate = self._model.gate
        if gate is not None:
            gate = replace(
                gate, probabilities=waited(gate.probabilities), grad_cam=waited(gate.grad_cam)
            )
        return replace(self._model, look=waited(self._model.look), gate=gate)

    def close(self, *, wait_s: float) -> bool:
        """Take nothing new, finish what waits within so many seconds, and refuse the rest.

        Whether the thread has ended; if not, what it has before it is not done yet.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(wait_s)
        with self._changed:
            left = [*self._requests, *self._jobs]
            self._requests.clear()
            self._jobs.clear()
        for each in left:
            if each.future.set_running_or_notify_cancel():
                each.future.set_exception(_stopping())
        return not self._thread.is_alive()

    async def _answer(self, asked: _Asked | _Call) -> Any:
        with self._changed:
            self._require_room()
            self._requests.append(asked)
            self._changed.notify_all()
        try:
            return await asyncio.wrap_future(asked.future)
        except asyncio.CancelledError:
            with self._changed:
                if asked in self._requests:
                    self._requests.remove(asked)
            raise

    def _joined(self, call: _Call) -> Future[Any]:
        with self._changed:
            if self._is_closed:
                raise _stopping()
            self._jobs.append(call)
            self._changed.notify_all()
        return call.future

    def _require_room(self) -> None:
        if self._is_closed:
            raise _stopping()
        count = len(self._requests)
        held = sum(0 if each.image is None else each.image.nbytes for each in self._requests)
        if count < self._queue and held < _MOST_WAITING_BYTES:
            return
        retry_after_s = max(1, math.ceil(count * self._seconds_an_image))
        raise BusyError(
            "busy",
            f"{count} images wait for the model, and no more may; try again in {retry_after_s} s",
            retry_after_s=retry_after_s,
        )

    def _work(self) -> None:
        while taken := self._next():
            self._do(taken)
            del taken  # pixels, which nobody needs while the thread waits

    def _do(self, taken: Sequence[_Asked | _Call]) -> None:
        began_s = perf_counter()
        first = taken[0]
        if isinstance(first, _Call):
            _settle(first.future, first.call)
        else:
            self._predict([each for each in taken if isinstance(each, _Asked)])
        took_s = (perf_counter() - began_s) / len(taken)
        with self._changed:
            self._seconds_an_image += (took_s - self._seconds_an_image) / 8

    def _predict(self, asked: Sequence[_Asked]) -> None:
        """Predict images together; one that cannot be predicted fails alone."""
        first, futures = asked[0], [each.future for each in asked]
        cuts = {"threshold": first.threshold, "gate_threshold": first.gate_threshold}
        if len(asked) == 1:
            _settle(first.future, partial(self._model.predict, first.image, **cuts))
            return
        try:
            found = self._model.predict_many([each.image for each in asked], **cuts)
        except Exception:  # noqa: BLE001 # each is told its own below
            for each in asked:
                self._predict([each])
            return
        for future, prediction in zip(futures, found, strict=True):
            future.set_result(prediction)

    def _next(self) -> list[_Asked | _Call]:
        """What is done next; nothing once all is done and nothing more can come."""
        with self._changed:
            while True:
                if not self._requests and not self._jobs:
                    if self._is_closed:
                        return []
                    self._changed.wait()
                    continue
                taken = [
                    each for each in self._taken() if each.future.set_running_or_notify_cancel()
                ]
                if taken:
                    return taken

    def _taken(self) -> Sequence[_Asked | _Call]:
        """What is next in line, with all that goes with it."""
        is_turn_of_jobs = not self._requests or self._turns_since_job >= _TURNS - 1
        if self._jobs and is_turn_of_jobs:
            self._turns_since_job = 0
            return [self._jobs.popleft()]
        self._turns_since_job += 1
        first = self._requests.popleft()
        if isinstance(first, _Call):
            return [first]
        taken, left = [first], deque[_Asked | _Call]()
        pixels = _pixels(first)
        for each in self._requests:
            if (
                isinstance(each, _Asked)
                and len(taken) < self._batch
                and first.goes_with(each)
                and pixels + _pixels(each) <= _MOST_PX
            ):
                taken.append(each)
                pixels += _pixels(each)
            else:
                left.append(each)
        self._requests = left
        return taken


def _pixels(asked: _Asked) -> int:
    height, width = asked.image.shape[:2]
    return int(height * width)


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    """Give whoever waits what comes of a call."""
    try:
        future.set_result(call())
    except Exception as error:  # noqa: BLE001 # the thread serves others
        future.set_exception(error)


def _stopping() -> BusyError:
    return BusyError("stopping", "this server stops and takes nothing new", retry_after_s=5)
