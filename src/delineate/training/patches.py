"""Patches on the fly: which image, where in it, in which pose and tone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.augment.pose import Matrix, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.tone import apply_tone, sample_tone
from delineate.augment.warp import warp_image, warp_labels
from delineate.core.geometry import Size
from delineate.core.seeds import stream
from delineate.core.types import IGNORE, Image, Labels
from delineate.inference.preparation import Preparation
from delineate.training.settings import PatchSettings

# Foreground pixels remembered an image; enough to land anywhere on an object.
_PLACES = 20_000


@dataclass(frozen=True)
class WorkingCase:
    """A training image at working size, its labels, and where patches may be centred."""

    image: Image
    labels: Labels
    counted: NDArray[np.int32]
    foreground: NDArray[np.int32]

    @property
    def bytes(self) -> int:
        """Memory that keeping it takes."""
        arrays = (self.image, self.labels, self.counted, self.foreground)
        return sum(each.nbytes for each in arrays)


def working_case(image: Image, labels: Labels) -> WorkingCase:
    """A case with the flat indices of its counted and of its foreground pixels."""
    return WorkingCase(
        image,
        labels,
        counted=_thinned(np.flatnonzero(labels != IGNORE)),
        foreground=_thinned(np.flatnonzero((labels > 0) & (labels != IGNORE))),
    )


def _thinned(index: NDArray[np.int64]) -> NDArray[np.int32]:
    return index[:: max(1, len(index) // _PLACES)].astype(np.int32)


class PatchSource:
    """Batches of patches that depend on the seed and the step alone.

    No state is kept between steps, so a training can go on at any step, and the number of
    threads changes nothing. Each epoch takes every image `per_image` times, shuffled.
    """

    def __init__(
        self,
        read: Callable[[int], WorkingCase],
        count: int,
        preparation: Preparation,
        *,
        patches: PatchSettings,
        augment: AugmentSettings,
        batch: int,
        seed: int,
    ) -> None:
        self._read = _Cache(read, int(patches.cache_gb * 2**30))
        self._count = count
        self._preparation = preparation
        self._settings = patches
        self._augment = augment
        self._batch = batch
        self._seed = seed

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every image is taken `per_image` times."""
        return -(-self._count * self._settings.per_image // self._batch)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Input (N, C, H, W) float32 and labels (N, H, W) uint8 of one step."""
        first = step * self._batch
        patches = [self._patch(first + offset) for offset in range(self._batch)]
        inputs = np.stack([each for each, _ in patches])
        labels = np.stack([each for _, each in patches])
        return torch.from_numpy(inputs), torch.from_numpy(labels)

    def _patch(self, number: int) -> tuple[NDArray[np.float32], Labels]:
        rng = stream(self._seed, "patch", number)
        case = self._read(self._image_of(number))
        size_px = self._settings.size_px
        centre = patch_centre(rng, case, size_px, self._settings.foreground_share)
        matrix = source_matrix(sample_pose(rng, self._augment, centre), size_px)
        tone = sample_tone(rng, self._augment, self._preparation.channels)
        return self._resampled(case, matrix, size_px, tone=lambda unit: apply_tone(tone, unit))

    def _resampled(
        self,
        case: WorkingCase,
        matrix: Matrix,
        size_px: Size,
        *,
        tone: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> tuple[NDArray[np.float32], Labels]:
        unit = self._preparation.unit(warp_image(case.image, matrix, size_px))
        return self._preparation.normalised(tone(unit)), warp_labels(case.labels, matrix, size_px)

    def _image_of(self, number: int) -> int:
        """The image of a patch: a new permutation of all images each round."""
        round_, place = divmod(number, self._count)
        return int(stream(self._seed, "order", round_).permutation(self._count)[place])


def patch_centre(
    rng: np.random.Generator, case: WorkingCase, size_px: Size, foreground_share: float
) -> tuple[float, float]:
    """(row, column) of a patch: on a foreground pixel, or on any pixel that counts.

    Along an axis that the patch covers wholly the centre is the image's own; along a longer
    one the patch stays inside the image before it is turned and shifted.
    """
    wants_foreground = rng.random() < foreground_share and len(case.foreground) > 0
    places = case.foreground if wants_foreground else case.counted
    rows, columns = case.labels.shape
    if len(places):
        row, column = divmod(int(places[rng.integers(len(places))]), columns)
    else:
        row, column = int(rng.integers(rows)), int(rng.integers(columns))
    return _inside(row, rows, size_px[0]), _inside(column, columns, size_px[1])


def _inside(place: int, length: int, patch: int) -> float:
    half = (patch - 1) / 2
    if patch >= length:
        return (length - 1) / 2
    return float(min(max(place, half), length - 1 - half))


class _Cache:
    """The most recently used cases, up to a number of bytes; safe between threads."""

    def __init__(self, read: Callable[[int], WorkingCase], most_bytes: int) -> None:
        self._read = read
        self._most_bytes = most_bytes
        self._bytes = 0
        self._cases: OrderedDict[int, WorkingCase] = OrderedDict()
        self._lock = Lock()

    def __call__(self, index: int) -> WorkingCase:
        with self._lock:
            if index in self._cases:
                self._cases.move_to_end(index)
                return self._cases[index]
        case = self._read(index)
        with self._lock:
            if index not in self._cases:
                self._cases[index] = case
                self._bytes += case.bytes
            while self._bytes > self._most_bytes and len(self._cases) > 1:
                self._bytes -= self._cases.popitem(last=False)[1].bytes
        return case


def ahead(
    batch: Callable[[int], tuple[Tensor, Tensor]], steps: Iterable[int], *, threads: int
) -> Generator[tuple[Tensor, Tensor]]:
    """The batches of the steps in order, prepared ahead of time by threads."""
    with ThreadPoolExecutor(threads, thread_name_prefix="patches") as pool:
        waiting: list[Future[tuple[Tensor, Tensor]]] = []
        try:
            for step in steps:
                waiting.append(pool.submit(batch, step))
                if len(waiting) > threads:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
