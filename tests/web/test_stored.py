"""Predictions are kept while there is room and somebody asks, and no longer."""

from __future__ import annotations

import re
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.inference.model import Prediction
from delineate.web.problems import RefusedError
from delineate.web.results.stored import ID_PATTERN, Held, Store, new_id

SIDE_PX = 100
# Image, labels and probability of one that `held` makes.
ONE_BYTES = SIDE_PX**2 * (1 + 1 + 4)


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def held(*, shades: Any = None, side_px: int = SIDE_PX) -> Held:
    """A prediction of a square image; what it is looked at as are the same pixels."""
    image = np.zeros((side_px, side_px, 1), np.uint8)
    labels = np.zeros((side_px, side_px), np.uint8)
    probability = np.zeros((1, side_px, side_px), np.float32)
    decoded: Any = SimpleNamespace(image=image, shades=image[..., 0] if shades is None else shades)
    return Held(decoded, Prediction(labels, probability))


def test_an_id_cannot_be_guessed_and_fits_an_address():
    """All are unlike, and of the pattern that addresses are held to."""
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(ID_PATTERN, each) for each in ids)


def test_pixels_that_are_shared_count_once():
    """What is looked at costs only where it is other than what the model saw."""
    assert held().size_bytes == ONE_BYTES
    own = held(shades=np.zeros((SIDE_PX, SIDE_PX), np.uint16))
    assert own.size_bytes == ONE_BYTES + 2 * SIDE_PX**2


def test_what_nobody_asked_about_for_longest_goes_first():
    """A look at the oldest keeps it, and the second oldest goes."""
    store = Store(2 * ONE_BYTES, 1e9)
    first, second, third = held(), held(), held()
    store.put(first)
    store.put(second)
    assert store.get(first.id) is first
    store.put(third)
    assert store.get(first.id) is first
    assert store.get(third.id) is third
    with pytest.raises(RefusedError, match=r"no longer.*send the image again") as caught:
        store.get(second.id)
    assert (caught.value.status, caught.value.kind) == (404, "gone")


def test_the_newest_stays_whatever_its_size():
    """One beyond the bound is held alone."""
    store = Store(ONE_BYTES, 1e9)
    small, large = held(), held(side_px=500)
    store.put(small)
    store.put(large)
    assert len(store) == 1
    assert store.get(large.id) is large
    assert store.size_bytes == large.size_bytes


def test_each_goes_so_long_after_the_last_question():
    """A question begins the time anew; those that nobody asks about go by a sweep too."""
    clock = Clock()
    store = Store(10 * ONE_BYTES, 60.0, clock=clock)
    asked, forgotten = held(), held()
    store.put(asked)
    store.put(forgotten)
    clock.now_s = 50
    store.get(asked.id)
    clock.now_s = 61
    store.sweep()
    assert len(store) == 1
    assert store.get(asked.id) is asked
    clock.now_s = 200
    with pytest.raises(RefusedError, match="kept 1 minutes"):
        store.get(asked.id)
    assert store.size_bytes == 0


def test_a_change_is_kept_unless_the_prediction_is_gone():
    """The size follows; what was dropped meanwhile does not come back."""
    store = Store(10 * ONE_BYTES, 1e9)
    one = held()
    store.put(one)
    store.change(one.id, heat_map=np.zeros((SIDE_PX, SIDE_PX), np.float32))
    assert store.get(one.id).heat_map is not None
    assert store.size_bytes == ONE_BYTES + 4 * SIDE_PX**2
    assert store.drop(one.id)
    assert not store.drop(one.id)
    store.change(one.id, threshold=0.5)
    assert len(store) == 0


@given(st.lists(st.tuples(st.sampled_from(["put", "get", "drop"]), st.integers(0, 4))))
def test_the_bound_holds_whatever_is_done(steps):
    """The sizes add up, and never more than the bound or a single one is held."""
    most = 3 * 6 * 20**2
    store = Store(most, 1e9)
    made = [held(side_px=20) for _ in range(5)]
    for what, number in steps:
        if what == "put":
            store.put(made[number])
        elif what == "drop":
            store.drop(made[number].id)
        else:
            with suppress(RefusedError):
                assert store.get(made[number].id) is made[number]
        assert store.size_bytes == len(store) * made[0].size_bytes <= most
