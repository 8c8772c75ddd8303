"""One pass over the masks: how they are encoded, where their objects lie, which are unusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.masks.mask_encodings import EncodingFacts, EncodingTally
from delineate.auditing.masks.mask_looking import MEASURES, Look, Viewer
from delineate.auditing.masks.mask_shapes import RASTER, SHAPE_FIELDS, Shape
from delineate.core.errors import DelineateError
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress
from delineate.data.masks import mask_files
from delineate.data.parallel import in_threads
from delineate.data.sample import Dataset
from delineate.files.mask_encoding import MaskEncoding, describe, read_raw_mask

HEAT = 64
SPREAD = 48
"""So many masks, evenly spread, say how the masks are probably encoded."""
BLOCK_ROWS = 4096
BATCH = 16

MASK_TYPE = np.dtype(
    [
        ("sample", np.int32),  # place in the data set
        ("observer", np.int16),  # place among the observers of the data set
        ("is_first", np.bool_),  # whether nobody before this observer drew the sample
        *MEASURES,
    ]
)
SHAPE_TYPE = np.dtype([("mask", np.int32), *SHAPE_FIELDS])  # mask: row in the table of masks


@dataclass(frozen=True)
class MaskProblem:
    """A mask or region that cannot be used, and why; `sample` is its place in the data set."""

    sample: int
    observer: str
    text: str


@dataclass(frozen=True)
class MaskFacts:
    """What the masks of a data set hold.

    `masks` (`MASK_TYPE`) has a row for each observer's mask of each sample, as far as it can
    be measured, `shapes` (`SHAPE_TYPE`) one for each class in each of them. `heat` goes from
    class to (64, 64) shares: of the masks with that class that their sample's first observer
    drew, how many show it there, the picture stretched to a square. `encodings` are those
    that the masks were looked at with: the confirmed ones, else the proposed ones.
    """

    dataset: Dataset
    encodings: Mapping[str, MaskEncoding]
    by_observer: Mapping[str, EncodingFacts]
    masks: NDArray[Any]
    shapes: NDArray[Any]
    heat: Mapping[int, NDArray[np.float32]]
    problems: tuple[MaskProblem, ...]


def mask_facts(
    dataset: Dataset,
    *,
    sizes_px: Mapping[str, Size] | None = None,
    progress: Progress = SILENT,
) -> MaskFacts:
    """The facts of every mask; one that cannot be used becomes a problem and stops nothing.

    Each file is read once, but where an encoding proves wrong that a spread of the masks
    suggested, and where one observer's mask is several files. `sizes_px` are sizes of images
    by sample id, where they are known already; headers are read for the others.
    """
    probable = {name: _probable_encoding(dataset, name) for name in dataset.observers}
    encodings = {name: found for name, found in probable.items() if found is not None}
    book = _read(Viewer(dataset, encodings, sizes_px or {}), progress)
    better = {
        name: facts.proposal.encoding
        for name, facts in book.by_observer().items()
        if name not in dataset.encodings
    }
    if encodings != {**encodings, **better}:
        book = _read(Viewer(dataset, {**encodings, **better}, sizes_px or {}), progress)
    return book.closed({**encodings, **better})


def _probable_encoding(dataset: Dataset, observer: str) -> MaskEncoding | None:
    if observer in dataset.encodings:
        return dataset.encodings[observer]
    files = mask_files(dataset, observer)
    tally = EncodingTally()
    for place in np.unique(np.linspace(0, len(files) - 1, SPREAD).round().astype(int)):
        try:
            tally.add(int(place), describe(read_raw_mask(files[place])))
        except DelineateError:
            continue
    facts = tally.facts()
    # Where none of them can be read, so can perhaps none at all; any encoding will do.
    return facts.proposal.encoding if facts else MaskEncoding("binary")


def _read(viewer: Viewer, progress: Progress) -> _Book:
    samples, observers = viewer.dataset.samples, viewer.dataset.observers
    # Two numbers a mask, not a tuple: there may be hundreds of thousands.
    items = np.array(
        [(p, observers.index(name)) for p, sample in enumerate(samples) for name in sample.masks],
        np.int32,
    ).reshape(-1, 2)

    def look(batch: int) -> list[Look]:
        own = items[batch : batch + BATCH].tolist()
        return [viewer.look(samples[place], observers[who]) for place, who in own]

    book = _Book(viewer.dataset, observers)
    batches = range(0, len(items), BATCH)
    for batch, looks in in_threads(look, batches, label="reading masks", progress=progress):
        if isinstance(looks, DelineateError):  # pragma: no cover - a look keeps them all
            raise looks
        for (place, who), one in zip(items[batch : batch + BATCH].tolist(), looks, strict=True):
            book.add(place, observers[who], one)
    return book


@dataclass
class _Rows:
    """Rows of a table, kept as numbers as soon as there are many."""

    dtype: np.dtype[Any]
    count: int = 0
    _waiting: list[tuple[Any, ...]] = field(default_factory=list)
    _blocks: list[NDArray[Any]] = field(default_factory=list)

    def add(self, row: tuple[Any, ...]) -> None:
        self._waiting.append(row)
        self.count += 1
        if len(self._waiting) == BLOCK_ROWS:
            self._pack()

    def table(self) -> NDArray[Any]:
        self._pack()
        return np.concatenate(self._blocks)

    def _pack(self) -> None:
        self._blocks.append(np.array(self._waiting, self.dtype))
        self._waiting.clear()


@dataclass
class _Book:
    """Takes in one look after the other."""

    dataset: Dataset
    observers: Sequence[str]
    _masks: _Rows = field(default_factory=lambda: _Rows(MASK_TYPE))
    _shapes: _Rows = field(default_factory=lambda: _Rows(SHAPE_TYPE))
    _tallies: dict[str, EncodingTally] = field(default_factory=dict)
    _heat: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    _problems: list[MaskProblem] = field(default_factory=list)

    def add(self, sample: int, observer: str, look: Look) -> None:
        tally = self._tallies.setdefault(observer, EncodingTally())
        for finding in look.findings:
            tally.add(sample, finding)
        if look.problem is not None:
            self._problems.append(MaskProblem(sample, observer, look.problem))
        if look.measures is None:
            return
        is_first = observer == next(iter(self.dataset.samples[sample].masks))
        for shape in look.shapes:
            self._shapes.add((self._masks.count, *shape.numbers))
            if is_first:
                self._warm(shape)
        place = self.observers.index(observer)
        self._masks.add((sample, place, is_first, *look.measures))

    def by_observer(self) -> dict[str, EncodingFacts]:
        every = {name: tally.facts() for name, tally in self._tallies.items()}
        return {name: facts for name, facts in every.items() if facts is not None}

    def closed(self, encodings: Mapping[str, MaskEncoding]) -> MaskFacts:
        masks, shapes = self._masks.table(), self._shapes.table()
        is_first = masks["is_first"][shapes["mask"]]
        heat = {
            label: _pooled(total, int((shapes["label"][is_first] == label).sum()))
            for label, total in sorted(self._heat.items())
        }
        problems = tuple(self._problems)
        return MaskFacts(self.dataset, encodings, self.by_observer(), masks, shapes, heat, problems)

    def _warm(self, shape: Shape) -> None:
        label, (top, left) = shape.numbers[0], shape.corner
        height, width = shape.raster.shape
        if label not in self._heat:
            self._heat[label] = np.zeros((RASTER, RASTER), np.int32)
        self._heat[label][top : top + height, left : left + width] += shape.raster


def _pooled(total: NDArray[np.int32], masks: int) -> NDArray[np.float32]:
    step = RASTER // HEAT
    cells = total.reshape(HEAT, step, HEAT, step).mean(axis=(1, 3))
    return np.asarray(cells / masks, np.float32)
