"""Faults planted in phantom data, each one told with its evidence.

A fault adds files or rewrites a mask after the clean set stands. What was done is returned
as `Planted` records, so that whoever looks for faults can be marked against them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Protocol

import cv2
import numpy as np

from delineate.core.errors import SettingsError, unknown_name
from delineate.core.seeds import stream
from delineate.data.phantoms.copies import COPIES, Evidence
from delineate.data.phantoms.picture import Picture, Pixels, Slot
from delineate.data.phantoms.sweep import Sweep

FAULTS = (
    "twin",
    "flipped_twin",
    "contradictory_mask",
    "contradictory_empty_mask",
    "leaked_subject",
    "leaked_twin",
    "jpeg_mask",
    "antialiased_mask",
    "inverted_mask",
    *COPIES,
    "sequence",
)
"""Every kind of fault that can be planted; a sequence is none, it only looks like copies."""

SEQUENCE_FRAMES = 5

NEEDS_TEST = ("leaked_subject", "leaked_twin")


@dataclass(frozen=True)
class Planted:
    """One fault: the samples concerned, their files, what was done, and what proves it."""

    kind: str
    samples: tuple[str, ...]
    files: tuple[str, ...]
    transform: str
    evidence: dict[str, Evidence]

    def to_document(self) -> dict[str, object]:
        """The record as it stands in planted.json."""
        return asdict(self)


class Store(Protocol):
    """A written set of phantoms that can be read, added to and changed."""

    @property
    def slots(self) -> list[Slot]:
        """Every sample so far, in the order of writing."""

    @property
    def twin_leak(self) -> tuple[str, str]:
        """From which split to which a picture can be copied with every mask needed there."""

    def read(self, slot: Slot) -> Picture:
        """The sample as it was written."""

    def write(self, slot: Slot, picture: Picture) -> None:
        """Add a sample, or write one anew."""

    def fresh(self, slot: Slot) -> Picture:
        """A new picture of that slot's subject, unlike those that are there."""

    def swept(self, slot: Slot, sweep: Sweep) -> Picture:
        """A frame of the sweep that begins with a new picture of that slot."""

    def next_slot(self, split: str, subject: int | None = None) -> Slot:
        """A free place, of that subject or, without one, of any subject of the split."""

    def name(self, slot: Slot) -> str:
        """The sample's name."""

    def files(self, slot: Slot) -> tuple[str, ...]:
        """The sample's image and mask, relative to the folder."""


def fault_counts(faults: Iterable[str] | Mapping[str, int]) -> dict[str, int]:
    """How often each kind is wanted, in the order of `FAULTS`.

    Raises:
        SettingsError: a kind that does not exist, or a negative count.

    Examples:
        >>> fault_counts(["twin", "jpeg_mask", "twin"])
        {'twin': 2, 'jpeg_mask': 1}
    """
    wanted = Counter(faults)
    for kind, count in wanted.items():
        if kind not in FAULTS:
            raise unknown_name("fault", kind, FAULTS)
        if count < 0:
            raise SettingsError(f"faults: expected {kind} 0 times or more, found {count}")
    return {kind: wanted[kind] for kind in FAULTS if wanted[kind]}


def plant(store: Store, counts: Mapping[str, int], seed: int) -> list[Planted]:
    """The faults that were planted; no sample takes part in two of them.

    Raises:
        SettingsError: too few samples for so many faults, or no test split to leak into.
    """
    free = list(store.slots)
    records = []
    for kind, count in counts.items():
        for index in range(count):
            rng = stream(seed, f"fault {kind}", index)
            records.append(_PLANTERS[kind](_Ground(store, free, rng, kind)))
    return records


@dataclass(frozen=True)
class _Ground:
    """What a planter works on: the set, the samples not yet used, and chance."""

    store: Store
    free: list[Slot]
    rng: np.random.Generator
    kind: str

    def take(self, *, has_mask: bool = False, splits: tuple[str, ...] = ("train",)) -> Slot:
        """A sample that no other fault uses; with `has_mask` one with a foreground."""
        fitting = [slot for slot in self.free if slot.split in splits]
        for place in self.rng.permutation(len(fitting)):
            slot = fitting[int(place)]
            mask = self.store.read(slot).mask
            if not has_mask or (mask is not None and mask.any()):
                self.free.remove(slot)
                return slot
        raise SettingsError(
            f"faults: expected a free sample for {self.kind}, found none in "
            f"{' or '.join(splits)}; make more images or plant fewer faults"
        )

    def record(self, slots: tuple[Slot, ...], transform: str, **evidence: Evidence) -> Planted:
        names = tuple(self.store.name(slot) for slot in slots)
        files = tuple(file for slot in slots for file in self.store.files(slot))
        return Planted(self.kind, names, files, transform, evidence)


def _twin(ground: _Ground) -> Planted:
    slot = ground.take()
    picture = ground.store.read(slot)
    other = ground.store.next_slot(slot.split, slot.subject)
    ground.store.write(other, picture)
    return ground.record((slot, other), "copied", image_sha256=_digest(picture.image))


def _flipped_twin(ground: _Ground) -> Planted:
    slot = ground.take()
    picture = ground.store.read(slot)
    axis = int(ground.rng.integers(2))
    other = ground.store.next_slot(slot.split, slot.subject)
    flipped = picture.mapped(lambda pixels: np.ascontiguousarray(np.flip(pixels, axis)))
    ground.store.write(other, flipped)
    return ground.record(
        (slot, other),
        f"flipped {('top to bottom', 'left to right')[axis]}",
        axis=axis,
        image_sha256=_digest(picture.image),
    )


def _contradictory_mask(ground: _Ground) -> Planted:
    slot = ground.take(has_mask=True)
    picture = ground.store.read(slot)
    mask = _other_opinion(_present(picture), ground.rng)
    return _contradict(ground, slot, replace(picture, mask=mask), "mask shifted and resized")


def _contradictory_empty_mask(ground: _Ground) -> Planted:
    slot = ground.take(has_mask=True)
    picture = ground.store.read(slot)
    empty = np.zeros_like(_present(picture))
    return _contradict(ground, slot, replace(picture, mask=empty), "mask emptied")


def _contradict(ground: _Ground, slot: Slot, picture: Picture, done: str) -> Planted:
    other = ground.store.next_slot(slot.split, slot.subject)
    dice = _dice(_present(ground.store.read(slot)), _present(picture))
    ground.store.write(other, picture)
    return ground.record(
        (slot, other), f"copied, {done}", dice=dice, image_sha256=_digest(picture.image)
    )


def _leaked_subject(ground: _Ground) -> Planted:
    slot = ground.take()
    other = ground.store.next_slot("test", slot.subject)
    ground.store.write(other, ground.store.fresh(other))
    return ground.record(
        (slot, other), "a further image of a training subject put into test", subject=slot.subject
    )


def _leaked_twin(ground: _Ground) -> Planted:
    source, target = ground.store.twin_leak
    slot = ground.take(splits=(source,))
    picture = ground.store.read(slot)
    other = ground.store.next_slot(target)
    ground.store.write(other, picture)
    return ground.record(
        (slot, other),
        f"copied from {source} into {target} under another subject",
        image_sha256=_digest(picture.image),
    )


def _jpeg_mask(ground: _Ground) -> Planted:
    def fuzz(mask: Pixels) -> Pixels:
        quality = int(ground.rng.integers(40, 80))
        _, code = cv2.imencode(".jpg", mask, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)

    return _recode(ground, fuzz, "mask went through JPEG")


def _antialiased_mask(ground: _Ground) -> Planted:
    def soften(mask: Pixels) -> Pixels:
        height, width = mask.shape
        small = cv2.resize(mask, (width * 2 // 3, height * 2 // 3), interpolation=cv2.INTER_LINEAR)
        soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(soft, dtype=np.uint8)

    return _recode(ground, soften, "mask resized to two thirds and back, bilinearly")


def _inverted_mask(ground: _Ground) -> Planted:
    return _recode(ground, lambda mask: 255 - mask, "mask inverted")


def _changed_twin(ground: _Ground) -> Planted:
    slot = ground.take()
    picture = ground.store.read(slot)
    copy = COPIES[ground.kind](ground.rng, picture)
    other = ground.store.next_slot(slot.split, slot.subject)
    ground.store.write(other, copy.picture)
    return ground.record(
        (slot, other), copy.words, image_sha256=_digest(picture.image), **copy.evidence
    )


def _sequence(ground: _Ground) -> Planted:
    """Frames of one sweep, each under its own number; they are alike and no twins."""
    store, rng = ground.store, ground.rng
    subjects = sorted({slot.subject for slot in store.slots if slot.split == "train"})
    first = store.next_slot("train", int(rng.choice(subjects)))
    drift = (float(rng.normal(0, 0.5)), float(rng.choice([-1, 1]) * rng.uniform(0.8, 3)))
    kept = float(rng.uniform(0.3, 0.7))
    slots: list[Slot] = []
    for step in range(SEQUENCE_FRAMES):
        slots.append(store.next_slot("train", first.subject) if slots else first)
        store.write(slots[-1], store.swept(first, Sweep(step, drift, kept)))
    return ground.record(
        tuple(slots),
        f"frames that follow each other, {abs(drift[1]):.1f} px apart, no copies",
        is_copy=False,
        drift_rows_px=drift[0],
        drift_columns_px=drift[1],
        speckle_kept=kept,
    )


def _recode(ground: _Ground, change: Callable[[Pixels], Pixels], done: str) -> Planted:
    slot = ground.take(has_mask=True)
    picture = ground.store.read(slot)
    mask = _present(picture)
    wrong = change(mask)
    ground.store.write(slot, replace(picture, mask=wrong))
    return ground.record(
        (slot,),
        done,
        distinct_values=int(np.unique(wrong).size),
        foreground_share_before=float((mask > 0).mean()),
        share_from_128=float((wrong >= 128).mean()),
    )


_PLANTERS: dict[str, Callable[[_Ground], Planted]] = {
    "twin": _twin,
    "flipped_twin": _flipped_twin,
    "contradictory_mask": _contradictory_mask,
    "contradictory_empty_mask": _contradictory_empty_mask,
    "leaked_subject": _leaked_subject,
    "leaked_twin": _leaked_twin,
    "jpeg_mask": _jpeg_mask,
    "antialiased_mask": _antialiased_mask,
    "inverted_mask": _inverted_mask,
    **dict.fromkeys(COPIES, _changed_twin),
    "sequence": _sequence,
}


def _present(picture: Picture) -> Pixels:
    if picture.mask is None:
        raise SettingsError("faults: expected a sample with a mask, found one without")
    return picture.mask


def _other_opinion(mask: Pixels, rng: np.random.Generator) -> Pixels:
    """The object where a careless second person drew it: elsewhere and of another size."""
    rows, columns = np.nonzero(mask)
    middle = (float(columns.mean()), float(rows.mean()))
    spread = float(np.sqrt(rows.size / np.pi))
    for reach in (0.55, 0.8, 1.2, 2.0):
        turn, size = rng.uniform(-15, 15), float(rng.choice([0.75, 1.25]))
        pose = cv2.getRotationMatrix2D(middle, turn, size)
        angle = rng.uniform(0, 2 * np.pi)
        # Thin trees part after a few pixels, a compact nerve only after half its breadth.
        step = min(reach * spread, 0.06 * reach * max(mask.shape))
        pose[:, 2] += step * np.array([np.cos(angle), np.sin(angle)])
        moved = cv2.warpAffine(mask, pose, mask.shape[::-1], flags=cv2.INTER_NEAREST)
        other = np.where(moved > 127, 255, 0).astype(np.uint8)
        if other.any() and _dice(mask, other) < 0.8:
            break
    return other


def _dice(one: Pixels, other: Pixels) -> float:
    both = np.count_nonzero((one > 0) & (other > 0))
    total = np.count_nonzero(one) + np.count_nonzero(other)
    return 2 * both / total if total else 1.0


def _digest(pixels: Pixels) -> str:
    """Of the decoded pixels, not of the file."""
    return sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
