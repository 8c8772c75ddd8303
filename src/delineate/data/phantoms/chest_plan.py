"""Who is on the films of a chest set: subjects with one to three films, some of them with gas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from delineate.core.seeds import stream
from delineate.data.phantoms.picture import Slot

POSITIVE_SHARE = 0.2
"""How many films of each part show gas."""

FILMS = {1: 0.5, 2: 0.3, 3: 0.2}
"""How many films a subject has, and how often."""

STILL_GAS = 0.7
"""How often a further film of a subject with gas shows it too."""


@dataclass(frozen=True)
class PlannedFilm:
    """A film's place in its set, and whether it shows gas."""

    slot: Slot
    has_gas: bool


def chest_plan(seed: int, training: int, test: int) -> list[PlannedFilm]:
    """The films of both parts; in each a fifth shows gas, to the nearest whole number.

    Examples:
        >>> films = chest_plan(1, training=50, test=10)
        >>> sum(film.has_gas for film in films[:50]), sum(film.has_gas for film in films[50:])
        (10, 2)
    """
    train = _part(seed, "train", 1, training)
    first = 1 + (train[-1].slot.subject if train else 0)
    return train + _part(seed, "test", first, test)


def _part(seed: int, split: str, first_subject: int, images: int) -> list[PlannedFilm]:
    slots: list[Slot] = []
    subject = first_subject
    while len(slots) < images:
        films = int(
            stream(seed, "chest films", subject).choice(list(FILMS), p=list(FILMS.values()))
        )
        slots += [Slot(split, subject, number) for number in range(1, films + 1)]
        subject += 1
    slots = slots[:images]
    ill = _with_gas(seed, split, slots)
    return [PlannedFilm(slot, slot in ill) for slot in slots]


def _with_gas(seed: int, split: str, slots: Sequence[Slot]) -> set[Slot]:
    """As many as there shall be, subject by subject in an order by chance."""
    rng = stream(seed, f"chest gas in {split}")
    wanted = round(POSITIVE_SHARE * len(slots))
    subjects = sorted({slot.subject for slot in slots})
    ill: set[Slot] = set()
    for subject in rng.permutation(subjects).tolist():
        own = [slot for slot in slots if slot.subject == subject]
        shown = rng.random(len(own)) < STILL_GAS
        shown[int(rng.integers(len(own)))] = True
        for slot, is_shown in zip(own, shown, strict=True):
            if is_shown and len(ill) < wanted:
                ill.add(slot)
        if len(ill) == wanted:
            break
    return ill
