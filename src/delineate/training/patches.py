"""Patches on the fly: which image, where in it, in which pose and tone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from delineate.augment.elastic import Displacements, bent_map, sample_displacements
from delineate.augment.pose import Matrix, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.tone import Tone, apply_tone, sample_tone
from delineate.augment.tone_batch import apply_tone_batch
from delineate.augment.warp import Source, warp_image, warp_labels
from delineate.augment.warp_batch import sample_images, sample_labels, sampling_grid
from delineate.augment.window import (
    cut_window,
    window_corner,
    window_size_px,
    within_window,
)
from delineate.core.geometry import Size
from delineate.core.overlapping import classes_in, is_class
from delineate.core.seeds import stream
from delineate.core.types import IGNORE, Image, Labels, as_image
from delineate.inference.preparation import Preparation
from delineate.training.recently_used import RecentlyUsed
from delineate.training.settings import PatchSettings

T = TypeVar("T")

# Foreground pixels remembered an image, of all classes together; enough to land anywhere on an
# object.
_PLACES = 20_000


@dataclass(frozen=True)
class WorkingCase:
    """A training image at working size, its labels, and where patches may be centred.

    Places are flat indices: of pixels that count, and of each foreground class that it holds.
    """

    image: Image
    labels: Labels
    counted: NDArray[np.int32]
    foreground: tuple[NDArray[np.int32], ...]

    @property
    def bytes(self) -> int:
        """Memory that keeping it takes."""
        arrays = (self.image, self.labels, self.counted, *self.foreground)
        return sum(each.nbytes for each in arrays)


@dataclass(frozen=True)
class Drawn:
    """One patch before it is resampled; `image_label` is None where pixels have labels."""

    case: WorkingCase
    image_label: int | None
    matrix: Matrix
    displacements: Displacements | None
    tone: Tone

    def source(self, patch_px: Size) -> Source:
        """Where its pixels come from: affine as long as nothing bends it."""
        if self.displacements is None:
            return self.matrix
        return bent_map(self.matrix, self.displacements, patch_px)


@dataclass(frozen=True)
class Windows:
    """One step for an accelerator.

    Unit images (N, C, h, w), labels (N, h, w) or those of images (N,), matrices (N, 2, 3),
    displacements (N, points, points, 2) or None, and N tones.
    """

    units: Tensor
    labels: Tensor
    matrices: Tensor
    displacements: Tensor | None
    tones: Sequence[Tone]


def working_case(image: Image, labels: Labels, *, is_overlapping: bool = False) -> WorkingCase:
    """A case with the places of the pixels that count, and of each class that it holds."""
    held = classes_in(labels, is_overlapping=is_overlapping)
    return WorkingCase(
        image,
        labels,
        counted=_thinned(np.flatnonzero(labels != IGNORE), _PLACES),
        foreground=tuple(
            _thinned(
                np.flatnonzero(is_class(labels, index, is_overlapping=is_overlapping)),
                _PLACES // len(held),
            )
            for index in held
        ),
    )


def _thinned(index: NDArray[np.int64], most: int) -> NDArray[np.int32]:
    return index[:: max(1, len(index) // most)].astype(np.int32)


class PatchSource:
    """Batches of patches that depend on the seed and the step alone.

    No state is kept between steps, so a training can go on at any step, and the number of
    threads changes nothing. Each epoch takes every image `per_image` times, shuffled. With a
    `positive_share` in the settings so many of the patches, evenly, come from images of which
    `is_positive` says that they hold anything; either kind is shuffled by itself. Where one kind is
    not there the share means nothing.

    With `image_labels`, one an image, a batch brings the label of each image in place of those
    of its pixels, and every patch lies about the middle of its image before it is turned and
    shifted: whole where the patch has the working size, its middle where that is larger, with
    mirrored borders where it is smaller. Labels of pixels are then never looked at.

    A network without padding decides no more than the patch less `lost_px` a side: that part is
    placed inside the image, and its surroundings reach over the border, mirrored.
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
        image_labels: Sequence[int] | None = None,
        is_positive: Sequence[bool] | None = None,
        lost_px: int = 0,
    ) -> None:
        self._read = RecentlyUsed(read, int(patches.cache_gb * 2**30))
        self._count = count
        self._preparation = preparation
        self._settings = patches
        self._augment = augment
        self._batch = batch
        self._seed = seed
        self._image_labels = image_labels
        self._lost_px = lost_px
        self._positive_share = patches.positive_share
        positive = np.zeros(count, bool) if is_positive is None else np.array(is_positive, bool)
        self._kinds = {kind: np.flatnonzero(positive == kind) for kind in (True, False)}
        self._order = lru_cache(maxsize=4)(self._permutation)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every image is taken `per_image` times."""
        return steps_of_epoch(self._count, self._settings, self._batch)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Input (N, C, H, W) float32 and labels of one step, on the processor.

        Labels are (N, H, W) uint8, or (N,) int64 where they are those of whole images.
        """
        size_px = self._settings.size_px
        inputs: list[NDArray[np.float32]] = []
        labels: list[Labels | np.int64] = []
        for drawn in self._drawn(step):
            source = drawn.source(size_px)
            unit = self._preparation.unit(warp_image(drawn.case.image, source, size_px))
            inputs.append(self._preparation.normalised(apply_tone(drawn.tone, unit)))
            if drawn.image_label is None:
                labels.append(warp_labels(drawn.case.labels, source, size_px))
            else:
                labels.append(np.int64(drawn.image_label))
        return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(labels))

    def windows(self, step: int) -> Windows:
        """The same step for an accelerator: pieces of the images, yet to be resampled."""
        size_px = self._settings.size_px
        window_px = window_size_px(size_px, self._augment)
        units, matrices, displacements = [], [], []
        labels: list[NDArray[np.generic] | np.int64] = []
        drawn = self._drawn(step)
        for each in drawn:
            corner = window_corner(each.matrix, size_px, window_px)
            image = as_image(cut_window(each.case.image, corner, window_px))
            units.append(self._preparation.unit(image))
            matrices.append(within_window(each.matrix, corner))
            if each.displacements is not None:
                displacements.append(each.displacements)
            if each.image_label is None:
                labels.append(cut_window(each.case.labels, corner, window_px))
            else:
                labels.append(np.int64(each.image_label))
        return Windows(
            torch.from_numpy(np.stack(units).transpose(0, 3, 1, 2)),
            torch.from_numpy(np.stack(labels)),
            torch.from_numpy(np.stack(matrices).astype(np.float32)),
            torch.from_numpy(np.stack(displacements)) if displacements else None,
            [each.tone for each in drawn],
        )

    def resampled(self, windows: Windows, device: torch.device) -> tuple[Tensor, Tensor]:
        """What `batch` gives, from windows and on the device; equal but for rounding and grains."""
        units, labels = windows.units.to(device), windows.labels.to(device)
        bends = windows.displacements
        grid = sampling_grid(
            windows.matrices.to(device),
            None if bends is None else bends.float().to(device),
            self._settings.size_px,
            (units.shape[2], units.shape[3]),
        )
        units = apply_tone_batch(windows.tones, sample_images(units, grid))
        mean, deviation = (
            torch.tensor(values, device=device).view(1, -1, 1, 1)
            for values in (self._preparation.mean, self._preparation.deviation)
        )
        is_of_pixels = self._image_labels is None
        return (units - mean) / deviation, sample_labels(labels, grid) if is_of_pixels else labels

    def _drawn(self, step: int) -> list[Drawn]:
        first = step * self._batch
        return [self._draw(first + offset) for offset in range(self._batch)]

    def _draw(self, number: int) -> Drawn:
        rng = stream(self._seed, "patch", number)
        index = self._image_of(number)
        case = self._read(index)
        size_px = self._settings.size_px
        if self._image_labels is None:
            image_label = None
            height, width = (side - 2 * self._lost_px for side in size_px)
            centre = patch_centre(rng, case, (height, width), self._settings.foreground_share)
        else:
            image_label = self._image_labels[index]
            centre = middle_centre(case, size_px)
        matrix = source_matrix(sample_pose(rng, self._augment, centre), size_px)
        tone = sample_tone(rng, self._augment, self._preparation.channels)
        # Last, so that a patch is in the same pose and tone with and without.
        displacements = sample_displacements(rng, self._augment)
        return Drawn(case, image_label, matrix, displacements, tone)

    def _image_of(self, number: int) -> int:
        """The image of a patch: a new permutation of all images, or of a kind, each round."""
        share = self._positive_share
        if share is None or not all(len(kind) for kind in self._kinds.values()):
            round_, place = divmod(number, self._count)
            return int(self._order(round_)[place])
        # So many positive ones came before; this one is positive where it makes one more.
        before = int(share * number)
        is_positive = int(share * (number + 1)) > before
        round_, place = divmod(before if is_positive else number - before, self._size(is_positive))
        return int(self._order(round_, is_positive)[place])

    def _size(self, is_positive: bool) -> int:
        return len(self._kinds[is_positive])

    def _permutation(self, round_: int, kind: bool | None = None) -> NDArray[np.int64]:
        if kind is None:
            return stream(self._seed, "order", round_).permutation(self._count)
        name = "order of positives" if kind else "order of others"
        return stream(self._seed, name, round_).permutation(self._kinds[kind])


def steps_of_epoch(images: int, patches: PatchSettings, batch: int) -> int:
    """Steps in which every image is taken `per_image` times; the last batch is filled up."""
    return -(-images * patches.per_image // batch)


def patch_centre(
    rng: np.random.Generator, case: WorkingCase, size_px: Size, foreground_share: float
) -> tuple[float, float]:
    """(row, column) of a patch: on a foreground pixel, or on any pixel that counts.

    Of several foreground classes in an image each is as likely, so that rare ones are met.
    Along an axis that the patch covers wholly the patch lies about the middle; along a longer
    one it stays inside the image before it is turned and shifted. Its pixels lie on those of
    the image: a patch of even side has its centre between two, else all would be blurred.
    """
    wants_foreground = rng.random() < foreground_share and len(case.foreground) > 0
    places = _of_one_class(rng, case.foreground) if wants_foreground else case.counted
    rows, columns = case.labels.shape
    if len(places):
        row, column = divmod(int(places[rng.integers(len(places))]), columns)
    else:
        row, column = int(rng.integers(rows)), int(rng.integers(columns))
    return _inside(row, rows, size_px[0]), _inside(column, columns, size_px[1])


def _of_one_class(
    rng: np.random.Generator, classes: Sequence[NDArray[np.int32]]
) -> NDArray[np.int32]:
    # A single class draws no number: binary trainings are what they were.
    return classes[int(rng.integers(len(classes)))] if len(classes) > 1 else classes[0]


def middle_centre(case: WorkingCase, size_px: Size) -> tuple[float, float]:
    """(row, column) of the patch in the middle of an image, its pixels on those of the image."""
    rows, columns = case.image.shape[:2]
    return _inside(rows // 2, rows, size_px[0]), _inside(columns // 2, columns, size_px[1])


def _inside(place: int, length: int, patch: int) -> float:
    if patch >= length:
        first = (length - patch) // 2
    else:
        first = min(max(place - patch // 2, 0), length - patch)
    return first + (patch - 1) / 2


def ahead(prepare: Callable[[int], T], steps: Iterable[int], *, threads: int) -> Generator[T]:
    """What is prepared for the steps, in order, ahead of time by threads."""
    with ThreadPoolExecutor(threads, thread_name_prefix="patches") as pool:
        waiting: list[Future[T]] = []
        try:
            for step in steps:
                waiting.append(pool.submit(prepare, step))
                if len(waiting) > threads:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
