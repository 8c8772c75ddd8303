"""Predictions that wait for whoever asked for them: in memory, bounded, and not for long."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from delineate.core.types import HeatMap
from delineate.inference.model import Prediction
from delineate.web.problems import RefusedError

if TYPE_CHECKING:
    from delineate.web.uploads.decoding import Decoded

# What `new_id` gives.
ID_PATTERN = r"^[A-Za-z0-9_-]{22}$"


def new_id() -> str:
    """A name that nobody can guess, fit for an address: 128 random bits."""
    return secrets.token_urlsafe(16)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Held:
    """An image, what the model made of it, and at which thresholds it was asked to.

    `prediction` is that of the pass through the model: its probability serves any threshold. None
    of a threshold is the model's own. `heat_map` is where a classifier as gate has looked, once
    somebody wanted to see it.
    """

    image: Decoded
    prediction: Prediction
    threshold: float | None = None
    gate_threshold: float | None = None
    case: str | None = None
    heat_map: HeatMap | None = None
    id: str = field(default_factory=new_id)
    at: str = field(default_factory=_now)

    @property
    def size_bytes(self) -> int:
        """What it takes of memory; the same pixels for the model and for the eye count once."""
        arrays = [self.image.image, self.prediction.labels, self.prediction.probability]
        if not np.shares_memory(self.image.image, self.image.shades):
            arrays.append(self.image.shades)
        if self.heat_map is not None:
            arrays.append(self.heat_map)
        return sum(each.nbytes for each in arrays)


class Store:
    """Held predictions by id.

    Beyond `most_bytes` the one goes that nobody has asked about for longest; the newest stays
    whatever its size. After `most_s` without a question each goes. All of it in one thread.
    """

    def __init__(
        self, most_bytes: int, most_s: float, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._most_bytes, self._most_s, self._clock = most_bytes, most_s, clock
        # The one that was asked about last comes last.
        self._held: OrderedDict[str, tuple[float, Held]] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._held)

    @property
    def size_bytes(self) -> int:
        """What all of them take."""
        return self._size_bytes

    def put(self, held: Held) -> None:
        """Keep it, in place of one of the same id."""
        self.drop(held.id)
        self._held[held.id] = (self._clock(), held)
        self._size_bytes += held.size_bytes
        self.sweep()

    def get(self, id_: str) -> Held:
        """The prediction of that id.

        Raises:
            RefusedError: 404, it is not there or no longer.
        """
        self.sweep()
        if id_ not in self._held:
            raise RefusedError(
                404,
                "gone",
                "prediction: no such one here, or no longer, for results are kept "
                f"{self._most_s / 60:.0f} minutes and while there is room; send the image again",
            )
        _, held = self._held[id_]
        self._held[id_] = (self._clock(), held)
        self._held.move_to_end(id_)
        return held

    def change(self, id_: str, **fields: object) -> None:
        """Give the prediction of that id these fields, unless it is gone meanwhile."""
        if id_ in self._held:
            self.put(replace(self._held[id_][1], **fields))  # type: ignore[arg-type]

    def drop(self, id_: str) -> bool:
        """Let one go; whether it was there."""
        _, held = self._held.pop(id_, (0.0, None))
        if held is None:
            return False
        self._size_bytes -= held.size_bytes
        return True

    def sweep(self) -> None:
        """Let go what is too old or too much. To be called now and then where nobody asks."""
        oldest = self._clock() - self._most_s
        while self._held:
            id_, (asked, _) = next(iter(self._held.items()))
            is_too_much = self._size_bytes > self._most_bytes and len(self._held) > 1
            if asked >= oldest and not is_too_much:
                return
            self.drop(id_)
