"""One model for many who ask: who goes together, who waits, and who is refused."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import DelineateError, SettingsError
from delineate.inference.classifier import ImageClassifier
from delineate.inference.looking import Seen
from delineate.inference.model import Model, Prediction
from delineate.inference.model_card import Gate, ModelCard, NamedClass, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.web.results import predictor as module
from delineate.web.results.predictor import BusyError, Predictor

LIMIT_S = 20  # beyond which a test hangs rather than waits
TOO_BRIGHT = 250


def image_of(level: int, side_px: int = 4) -> np.ndarray:
    """A grey image of one level; the model below sees a hundredth of it."""
    return np.full((side_px, side_px, 1), level, np.uint8)


def card(**changes: object) -> ModelCard:
    """A card of two classes, cut at one half."""
    fields = {
        "name": "watched",
        "architecture": "unet",
        "arguments": {},
        "parameters": 1,
        "stride_px": 1,
        "context_px": None,
        "classes": [NamedClass(index=i, name=n, colour=(i, 0, 0)) for i, n in enumerate("bg")],
        "preparation": Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        "predict": PredictSettings(),
        "precision": "float32",
        "threshold": Threshold(value=0.5, chosen_on="nothing", rule="by hand", score=None),
        "training": {},
        "validation": {},
        "weights_sha256": "0",
    }
    return ModelCard.model_validate(fields | changes)


class Watched:
    """A model that notes which levels it was asked for together, and may be held up."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.heats: list[int] = []
        self.threads: set[int] = set()
        self.may_go = threading.Event()
        self.may_go.set()
        self.has_begun = threading.Event()
        gate = ImageClassifier(card(task="classify"), self._judge, self._heat, PredictSettings())
        self.model = Model(card(), self._look, PredictSettings())
        behind = card(gate=Gate(kind="classifier", folder="g", threshold=0.2, rule="by hand"))
        self.gated = replace(self.model, card=behind, gate=gate)

    def _look(self, images) -> list[Seen]:
        self.threads.add(threading.get_ident())
        self.asked.append([int(each[0, 0, 0]) for each in images])
        self.has_begun.set()
        assert self.may_go.wait(LIMIT_S)
        if any(each[0, 0, 0] >= TOO_BRIGHT for each in images):
            raise SettingsError("image: too bright to look at")
        return [Seen(each[None, :, :, 0].astype(np.float32) / 100, None) for each in images]

    def _judge(self, images) -> list[float]:
        self.threads.add(threading.get_ident())
        return [float(each[0, 0, 0]) / 100 for each in images]

    def _heat(self, image) -> np.ndarray:
        self.threads.add(threading.get_ident())
        self.heats.append(int(image[0, 0, 0]))
        return image[:, :, 0].astype(np.float32) / 100


@pytest.fixture
def watched() -> Watched:
    """A model under watch."""
    return Watched()


@pytest.fixture
def serving(watched) -> Iterator[Callable[..., Predictor]]:
    """Makes predictors of the watched model, and ends them."""
    made: list[Predictor] = []

    def make(*, batch: int = 4, queue: int = 8, is_gated: bool = False) -> Predictor:
        model = watched.gated if is_gated else watched.model
        made.append(Predictor(model, batch=batch, queue=queue))
        return made[-1]

    yield make
    watched.may_go.set()
    assert all(each.close(wait_s=LIMIT_S) for each in made)


async def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.001)


async def held(watched: Watched, predictor: Predictor) -> asyncio.Task[Prediction]:
    """A request that the model has before it, and does not finish until it may."""
    watched.may_go.clear()
    watched.has_begun.clear()
    first = asyncio.create_task(predictor.predict(image_of(1)))
    await until(watched.has_begun.is_set)
    return first


def test_who_waits_goes_together(watched, serving):
    """What came while the model was busy is one call, up to the batch, and in order."""

    async def ask() -> list[Prediction]:
        predictor = serving(batch=4)
        first = await held(watched, predictor)
        rest = [asyncio.create_task(predictor.predict(image_of(n))) for n in range(40, 46)]
        await until(lambda: predictor.waiting == 6)
        assert predictor.room == 2
        watched.may_go.set()
        return await asyncio.gather(first, *rest)

    found = asyncio.run(ask())
    assert watched.asked == [[1], [40, 41, 42, 43], [44, 45]]
    assert [round(100 * float(each.probability[0, 0, 0])) for each in found] == [1, *range(40, 46)]
    assert len(watched.threads) == 1
    assert threading.get_ident() not in watched.threads


def test_each_has_its_own_thresholds(watched, serving):
    """Only requests of equal thresholds go together; another one's comes right after."""

    async def ask() -> list[Prediction]:
        predictor = serving(batch=4)
        first = await held(watched, predictor)
        rest = [
            asyncio.create_task(predictor.predict(image_of(n), threshold=cut))
            for n, cut in ((40, None), (41, 0.3), (42, None), (43, 0.3), (44, 0.9))
        ]
        await until(lambda: predictor.waiting == 5)
        watched.may_go.set()
        return await asyncio.gather(first, *rest)

    found = asyncio.run(ask())
    assert watched.asked == [[1], [40, 42], [41, 43], [44]]
    assert [bool(each.labels.all()) for each in found] == [False, False, True, False, True, False]


def test_large_images_are_not_taken_together(watched, serving, monkeypatch):
    """A call ends before it has more pixels than are good for those who wait."""
    monkeypatch.setattr(module, "_MOST_PX", 2 * 20 * 20)

    async def ask() -> None:
        predictor = serving(batch=4)
        first = await held(watched, predictor)
        sides = {40: 20, 41: 20, 42: 20, 43: 30, 44: 4}
        rest = [
            asyncio.create_task(predictor.predict(image_of(n, side))) for n, side in sides.items()
        ]
        await until(lambda: predictor.waiting == 5)
        watched.may_go.set()
        await asyncio.gather(first, *rest)

    asyncio.run(ask())
    assert watched.asked == [[1], [40, 41], [42, 44], [43]]


def test_one_bad_image_fails_alone(watched, serving):
    """Those that were taken along with it have their masks."""

    async def ask() -> list[Prediction | BaseException]:
        predictor = serving()
        first = await held(watched, predictor)
        rest = [asyncio.create_task(predictor.predict(image_of(n))) for n in (60, TOO_BRIGHT, 61)]
        await until(lambda: predictor.waiting == 3)
        watched.may_go.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    _, one, bad, other = asyncio.run(ask())
    assert watched.asked == [[1], [60, TOO_BRIGHT, 61], [60], [TOO_BRIGHT], [61]]
    assert isinstance(bad, SettingsError)
    assert str(bad) == "image: too bright to look at"
    assert one.labels.all()
    assert other.labels.all()


def test_a_mistake_of_ours_does_not_end_the_thread(watched, serving):
    """Whatever is raised reaches who asked, and the next request is served."""

    def broken(images) -> list[Seen]:
        raise RuntimeError("a defect")

    async def ask() -> Prediction:
        predictor = serving()
        predictor._model = replace(watched.model, look=broken)
        with pytest.raises(RuntimeError, match="a defect"):
            await predictor.predict(image_of(60))
        predictor._model = watched.model
        return await predictor.predict(image_of(60))

    assert asyncio.run(ask()).labels.all()


def test_a_full_queue_refuses_and_says_when_to_come_again(watched, serving):
    """503 beyond the limit, with a time; what waits is served, and then there is room."""

    async def ask() -> BusyError:
        predictor = serving(queue=3)
        first = await held(watched, predictor)
        rest = [asyncio.create_task(predictor.predict(image_of(n))) for n in (60, 61, 62)]
        await until(lambda: predictor.waiting == 3)
        assert predictor.room == 0
        with pytest.raises(BusyError, match="3 images wait for the model, and no more") as caught:
            await predictor.predict(image_of(63))
        watched.may_go.set()
        await asyncio.gather(first, *rest)
        assert (predictor.waiting, predictor.room) == (0, 3)
        await predictor.predict(image_of(63))
        return caught.value

    refusal = asyncio.run(ask())
    assert (refusal.status, refusal.kind) == (503, "busy")
    assert refusal.headers == {"Retry-After": str(refusal.retry_after_s)}
    assert refusal.retry_after_s >= 1
    assert isinstance(refusal, DelineateError)
    assert watched.asked[-1] == [63]


def test_large_images_fill_the_queue_sooner(watched, serving, monkeypatch):
    """Memory is bounded too: images that wait have a size together, though one is always taken."""
    monkeypatch.setattr(module, "_MOST_WAITING_BYTES", 2 * 20 * 20)

    async def ask() -> None:
        predictor = serving(queue=8)
        first = await held(watched, predictor)
        rest = [asyncio.create_task(predictor.predict(image_of(n, 20))) for n in (60, 61)]
        await until(lambda: predictor.waiting == 2)
        with pytest.raises(BusyError, match="2 images wait"):
            await predictor.predict(image_of(62, 20))
        watched.may_go.set()
        await asyncio.gather(first, *rest)
        await predictor.predict(image_of(63, 99))

    asyncio.run(ask())


def test_who_leaves_is_not_predicted(watched, serving):
    """A request that is cancelled makes room at once, and the model never sees its image."""

    async def ask() -> None:
        predictor = serving(queue=2)
        first = await held(watched, predictor)
        gone, stays = [asyncio.create_task(predictor.predict(image_of(n))) for n in (60, 61)]
        await until(lambda: predictor.room == 0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert (predictor.waiting, predictor.room) == (1, 1)
        watched.may_go.set()
        await asyncio.gather(first, stays)

    asyncio.run(ask())
    assert watched.asked == [[1], [61]]


def test_who_leaves_in_the_middle_disturbs_nobody(watched, serving):
    """The model ends what it has begun; the others of that call have their masks."""

    async def ask() -> Prediction:
        predictor = serving()
        first = await held(watched, predictor)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        watched.may_go.set()
        return await predictor.predict(image_of(60))

    assert asyncio.run(ask()).labels.all()


def test_jobs_wait_behind_requests_but_never_for_ever(watched, serving):
    """Requests go first; while they keep coming, every fourth turn is a job's."""

    async def ask() -> None:
        predictor = serving(batch=1, queue=20)
        first = await held(watched, predictor)
        jobs = [
            asyncio.create_task(asyncio.to_thread(predictor.queued_model.predict, image_of(n)))
            for n in (100, 100)
        ]
        await until(lambda: predictor.waiting == 2)
        assert predictor.room == 20
        rest = [asyncio.create_task(predictor.predict(image_of(n))) for n in range(40, 50)]
        await until(lambda: predictor.waiting == 12)
        watched.may_go.set()
        await asyncio.gather(first, *rest, *jobs)

    asyncio.run(ask())
    order = [level for (level,) in watched.asked]
    assert order == [1, 40, 41, 100, 42, 43, 44, 100, 45, 46, 47, 48, 49]


def test_jobs_are_not_refused_where_the_queue_is_full(watched, serving):
    """A thread of a job waits as long as it takes, and has what `predict` gives."""

    async def ask() -> Prediction:
        predictor = serving(queue=1)
        first = await held(watched, predictor)
        other = asyncio.create_task(predictor.predict(image_of(40)))
        await until(lambda: predictor.room == 0)
        job = asyncio.create_task(
            asyncio.to_thread(predictor.queued_model.predict, image_of(60), threshold=0.7)
        )
        await until(lambda: predictor.waiting == 2)
        watched.may_go.set()
        await asyncio.gather(first, other)
        return await job

    prediction = asyncio.run(ask())
    assert not prediction.labels.any()
    assert prediction.probability[0, 0, 0] == np.float32(0.6)


def test_a_job_has_its_own_failures(serving):
    """What is wrong with an image of a job is raised in its thread."""
    with pytest.raises(SettingsError, match="too bright"):
        serving().queued_model.predict(image_of(TOO_BRIGHT))
    with pytest.raises(SettingsError, match="--gate-threshold: this model has no gate"):
        serving().queued_model.predict(image_of(60), gate_threshold=0.5)


def test_a_queued_model_is_the_model_in_the_one_thread(watched, serving):
    """Gate, segmenter and heat map of a job run where those of requests do."""
    queued = serving(is_gated=True).queued_model
    opened, closed = queued.predict(image_of(60)), queued.predict(image_of(10))
    assert (opened.gate.is_present, closed.gate.is_present) == (True, False)
    assert opened.labels.all()
    assert (queued.gate.grad_cam(image_of(30)) == np.float32(0.3)).all()
    assert queued.with_gate(None).predict(image_of(10)).probability.any()
    assert watched.asked == [[60], [10]]
    assert len(watched.threads) == 1
    assert threading.get_ident() not in watched.threads


def test_heat_maps_wait_in_line(watched, serving):
    """One is made between calls for masks, in the same thread."""

    async def ask() -> np.ndarray:
        predictor = serving(is_gated=True, queue=2)
        first = await held_gated(watched, predictor)
        heat = asyncio.create_task(predictor.heat_map(image_of(30)))
        after = asyncio.create_task(predictor.predict(image_of(61)))
        await until(lambda: predictor.room == 0)
        with pytest.raises(BusyError, match="2 images wait"):
            await predictor.heat_map(image_of(31))
        watched.may_go.set()
        await asyncio.gather(first, after)
        return await heat

    assert (asyncio.run(ask()) == np.float32(0.3)).all()
    assert watched.heats == [30]
    assert watched.asked == [[60], [61]]
    assert len(watched.threads) == 1


async def held_gated(watched: Watched, predictor: Predictor) -> asyncio.Task[Prediction]:
    """A request that its gate let through, and that the segmenter has before it."""
    watched.may_go.clear()
    first = asyncio.create_task(predictor.predict(image_of(60)))
    await until(watched.has_begun.is_set)
    return first


def test_without_a_classifier_there_is_no_heat_map(serving):
    """It is refused in words, before it waits."""
    with pytest.raises(SettingsError, match="heat map: expected a model with a classifier"):
        asyncio.run(serving().heat_map(image_of(30)))


def test_a_stop_finishes_what_waits(watched, serving):
    """Nothing new is taken, and whoever waited has an answer."""

    async def ask() -> list[Prediction]:
        predictor = serving()
        first = await held(watched, predictor)
        rest = [asyncio.create_task(predictor.predict(image_of(n))) for n in (60, 61)]
        await until(lambda: predictor.waiting == 2)
        closing = asyncio.create_task(asyncio.to_thread(predictor.close, wait_s=LIMIT_S))
        await until(lambda: predictor.room == 0)
        with pytest.raises(BusyError, match="this server stops") as caught:
            await predictor.predict(image_of(62))
        assert caught.value.kind == "stopping"
        with pytest.raises(BusyError, match="this server stops"):
            predictor.queued_model.predict(image_of(62))
        watched.may_go.set()
        found = await asyncio.gather(first, *rest)
        assert await closing is True
        return found

    assert [bool(each.labels.all()) for each in asyncio.run(ask())] == [False, True, True]


def test_a_stop_without_patience_refuses_what_waits(watched, serving):
    """Requests and jobs are told so; what the model has before it is finished all the same."""

    async def ask() -> tuple[object, ...]:
        predictor = serving()
        first = await held(watched, predictor)
        waits = asyncio.create_task(predictor.predict(image_of(60)))
        gone = asyncio.create_task(predictor.predict(image_of(61)))
        job = asyncio.create_task(asyncio.to_thread(predictor.queued_model.predict, image_of(62)))
        await until(lambda: predictor.waiting == 3)
        gone.cancel()
        assert await asyncio.to_thread(predictor.close, wait_s=0) is False
        refused = await asyncio.gather(waits, job, return_exceptions=True)
        watched.may_go.set()
        return await first, *refused

    first, *refused = asyncio.run(ask())
    assert first.probability[0, 0, 0] == np.float32(0.01)
    assert [(type(each), each.kind) for each in refused] == [(BusyError, "stopping")] * 2
    assert watched.asked == [[1]]


def test_no_image_is_held_once_it_is_done(watched, serving):
    """While the thread waits for work it holds neither pixels nor probability."""

    async def ask() -> weakref.ref[np.ndarray]:
        predictor = serving()
        image = image_of(60)
        await predictor.predict(image)
        return weakref.ref(image)

    image = asyncio.run(ask())
    for _ in range(60):
        gc.collect()
        if image() is None:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the image is still held")


def test_a_thousand_requests_of_many_clients_are_all_answered(watched, serving):
    """Each client has the answer to its own image, with jobs and cancellations in between."""

    async def client(predictor: Predictor, seed: int) -> int:
        rng, answered = np.random.default_rng(seed), 0
        for _ in range(30):
            level = int(rng.integers(0, 200))
            asked = asyncio.create_task(predictor.predict(image_of(level)))
            if rng.random() < 0.2:
                await asyncio.sleep(0)
                asked.cancel()
            try:
                prediction = await asked
            except asyncio.CancelledError:
                continue
            assert prediction.probability[0, 0, 0] == np.float32(level) / np.float32(100)
            answered += 1
        return answered

    def job(predictor: Predictor) -> bool:
        return all(
            predictor.queued_model.predict(image_of(n)).probability[0, 0, 0]
            == np.float32(n) / np.float32(100)
            for n in range(30)
        )

    async def ask() -> None:
        predictor = serving(queue=64, batch=8)
        jobs = [asyncio.create_task(asyncio.to_thread(job, predictor)) for _ in range(3)]
        answered = await asyncio.gather(*(client(predictor, seed) for seed in range(32)))
        assert min(answered) > 10
        assert await asyncio.gather(*jobs) == [True] * 3
        assert predictor.waiting == 0

    asyncio.run(ask())
    assert max(map(len, watched.asked)) > 1
