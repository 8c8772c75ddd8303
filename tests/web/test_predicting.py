"""Other thresholds without another pass: the labels are those that the model would give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.types import Image, Probability
from delineate.inference.looking import Seen
from delineate.inference.model import Model
from delineate.inference.model_card import Gate, ModelCard, NamedClass, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.web.problems import RefusedError
from delineate.web.results.predicting import Thresholds, asked_thresholds, cut_again, recut
from delineate.web.results.prediction_documents import threshold_document
from delineate.web.results.stored import Held, Store

SIDE_PX = 12
CUTS = st.one_of(st.none(), st.floats(0, 1))


def model_of(
    classes: int = 2,
    *,
    overlapping: bool = False,
    gate: float | None = None,
    presence: float = 0.5,
    smallest_px: int = 0,
) -> Model:
    """A model that sees in an image what a seed in its first pixel says."""
    channels = 1 if classes == 2 and not overlapping else classes - overlapping
    values = (0.4,) * channels if overlapping else None
    card = ModelCard(
        name="seeded", architecture="unet", arguments={}, parameters=1, stride_px=1,
        context_px=None, precision="float32", training={}, validation={}, weights_sha256="0",
        classes=tuple(
            NamedClass(index=each, name=f"class {each}", colour=(each, 0, 0))
            for each in range(classes)
        ),
        is_overlapping=overlapping,
        preparation=Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        predict=PredictSettings(minimum_area_px=smallest_px),
        threshold=Threshold(
            value=0.4 if classes == 2 and not overlapping else None,
            values=values, chosen_on="validation split, 9 images", rule="highest Dice", score=0.9,
        ),
        has_presence_head=gate is not None,
        gate=None if gate is None else Gate(kind="head", threshold=gate, rule="by sensitivity"),
    )  # fmt: skip

    def look(images: Sequence[Image]) -> list[Seen]:
        return [Seen(seen(int(each[0, 0, 0])), presence if gate else None) for each in images]

    def seen(seed: int) -> Probability:
        found = np.random.default_rng(seed).random((channels, SIDE_PX, SIDE_PX), np.float32)
        return found if channels == 1 or overlapping else found / found.sum(axis=0)

    return Model(card, look, card.predict)


def image_of(seed: int) -> Image:
    """An image that `model_of` sees something of its own in."""
    return np.full((SIDE_PX, SIDE_PX, 1), seed, np.uint8)


def same(first: Any, second: Any) -> bool:
    """Whether two predictions say the same of labels, probability and gate."""
    return (
        (first.labels == second.labels).all()
        and (first.probability == second.probability).all()
        and first.gate == second.gate
        and first.is_overlapping == second.is_overlapping
    )


@given(CUTS, CUTS, st.integers(0, 255), st.integers(0, 9), st.booleans())
def test_a_cut_made_later_is_the_cut_made_at_once(first, second, seed, smallest_px, overlapping):
    """Whatever the prediction was asked for with, and with small objects taken away."""
    model = model_of(3 if overlapping else 2, overlapping=overlapping, smallest_px=smallest_px)
    image = image_of(seed)
    made = model.predict(image, threshold=first)
    again = recut(model, image, made, Thresholds(second))
    assert again is not None
    assert same(again, model.predict(image, threshold=second))


@given(CUTS, CUTS, st.integers(0, 255), st.floats(0.01, 0.99))
def test_a_gate_is_judged_anew_and_asks_for_a_pass_only_to_open(first, second, seed, presence):
    """An open one may close and a closed one stay so; only from closed to open nothing is known."""
    model, image = model_of(gate=0.5, presence=presence), image_of(seed)
    made = model.predict(image, gate_threshold=first)
    again = recut(model, image, made, Thresholds(None, second))
    expected = model.predict(image, gate_threshold=second)
    opens = not made.gate.is_present and expected.gate.is_present
    assert (again is None) == opens
    if again is not None:
        assert same(again, expected)


def test_several_classes_keep_the_likeliest():
    """There is nothing to move."""
    model = model_of(4)
    made = model.predict(image_of(3))
    again = recut(model, image_of(3), made, Thresholds())
    assert again is not None
    assert same(again, made)


class CountingPredictor:
    """Asks the model, and counts how often."""

    def __init__(self, model: Model) -> None:
        self._model, self.passes = model, 0

    async def predict(self, image: Image, **thresholds: Any) -> Any:
        """What the model says."""
        self.passes += 1
        return self._model.predict(image, **thresholds)


def served_with(model: Model) -> Any:
    """As much of a server as predictions need."""
    return SimpleNamespace(model=model, predictor=CountingPredictor(model), store=Store(10**9, 1e9))


def hold(served: Any, *, threshold: float | None = None) -> str:
    """Predict an image and keep it; its id."""
    image = image_of(5)
    prediction = served.model.predict(image, threshold=threshold)
    decoded: Any = SimpleNamespace(image=image, shades=image[..., 0])
    held = Held(decoded, prediction, threshold)
    served.store.put(held)
    return held.id


def test_a_gate_that_opens_is_passed_once_and_stays_known():
    """The second look at the same needs no pass, and one at the card's threshold is closed."""
    served = served_with(model_of(gate=0.5, presence=0.3))
    id_ = hold(served)

    async def ask(gate_threshold: float | None) -> Any:
        return (await cut_again(served, id_, gate_threshold=gate_threshold))[1]

    async def all_of_it() -> None:
        assert not (await ask(None)).gate.is_present
        assert served.predictor.passes == 0
        opened = await ask(0.2)
        assert opened.gate.is_present
        assert opened.probability.any()
        assert served.predictor.passes == 1
        assert same(await ask(0.1), opened)
        assert served.predictor.passes == 1
        closed = await ask(None)
        assert not closed.gate.is_present
        assert not closed.labels.any()

    asyncio.run(all_of_it())


def test_a_threshold_that_is_left_out_is_the_one_that_it_was_asked_for_with():
    """Until another is named; the model's own, by name, is the model's own."""
    served = served_with(model_of())
    id_ = hold(served, threshold=0.9)

    async def all_of_it() -> None:
        held, prediction = await cut_again(served, id_)
        assert held.threshold == 0.9
        assert (prediction.labels == (prediction.probability[0] >= np.float32(0.9))).all()
        held, _ = await cut_again(served, id_, threshold=0.4)
        assert held.threshold is None
        assert (await cut_again(served, id_))[0].threshold == 0.9

    asyncio.run(all_of_it())


def test_a_threshold_by_hand_warns_of_what_is_not_known():
    """The one that was chosen, with its origin, carries no warning."""
    own = threshold_document(model_of())
    assert (own.value, own.chosen, own.warning) == (0.4, 0.4, None)
    assert own.origin == "highest Dice (validation split, 9 images)"
    moved = threshold_document(model_of(), 0.75)
    assert (moved.value, moved.chosen, moved.origin) == (0.75, 0.4, "given by hand")
    assert moved.warning == (
        "The scores of this model hold at 0.4, chosen by highest Dice (validation split, 9 "
        "images); at 0.75 they are not known."
    )
    several = threshold_document(model_of(3, overlapping=True), 0.75)
    assert (several.value, several.values) == (None, (0.75, 0.75))
    assert "hold at 0.4 and 0.4" in several.warning


def test_thresholds_that_the_model_has_no_use_for_are_refused():
    """Of several classes, and of a gate that is not there."""
    with pytest.raises(RefusedError, match=r"threshold: expected none.*likeliest") as caught:
        asked_thresholds(model_of(4), 0.5, None)
    assert (caught.value.status, caught.value.kind) == (422, "no_threshold")
    with pytest.raises(RefusedError, match=r"gate_threshold: expected none.*no gate"):
        asked_thresholds(model_of(), None, 0.5)
    assert asked_thresholds(model_of(gate=0.5), 0.4, 0.5) == Thresholds(None, None)
    assert asked_thresholds(model_of(gate=0.5), 0.3, 0.2) == Thresholds(0.3, 0.2)
