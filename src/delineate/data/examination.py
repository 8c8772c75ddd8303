"""What each sample holds, one by one, without ever stopping at a bad file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.geometry import Size
from delineate.core.overlapping import code
from delineate.core.progress import SILENT, Progress
from delineate.core.types import IGNORE
from delineate.data.parallel import in_threads
from delineate.data.reading import read_labels, read_region
from delineate.data.sample import Dataset, Sample
from delineate.files.image_files import read_image


@dataclass(frozen=True)
class Examined:
    """The facts of one sample; what could not be read is absent and stands in `problems`.

    `pixels` goes from observer to how many pixels each label has, `IGNORE` among them; where
    classes overlap, labels are their codes.
    """

    sample: Sample
    size_px: Size | None
    channels: int | None
    dtype: str | None
    pixels: Mapping[str, Mapping[int, int]]
    region_share: float | None
    problems: tuple[str, ...]

    def foreground_share(self, observer: str) -> float | None:
        """Share of the known pixels that are foreground; None without a readable mask."""
        counts = self.pixels.get(observer)
        if counts is None:
            return None
        known = sum(count for label, count in counts.items() if label != IGNORE)
        return 1 - counts.get(0, 0) / known if known else 0.0


def class_pixels(pixels: Mapping[int, int], index: int, *, is_overlapping: bool) -> int:
    """How many pixels a class has, 0 for none of the classes, by the pixels of each label.

    Examples:
        >>> class_pixels({0: 5, 0b11: 2, 0b10: 1}, 2, is_overlapping=True)
        3
    """
    if not is_overlapping or index == 0:
        return pixels.get(index, 0)
    return sum(count for label, count in pixels.items() if label != IGNORE and label & code(index))


def examine(dataset: Dataset, *, progress: Progress = SILENT) -> Iterator[Examined]:
    """Every sample with its facts, in order; masks of observers without an encoding are skipped."""

    def look(sample: Sample) -> Examined:
        return _examined(dataset, sample)

    for _, found in in_threads(look, dataset.samples, label="looking at images", progress=progress):
        if isinstance(found, DelineateError):  # pragma: no cover - _examined catches them all
            raise found
        yield found


def _examined(dataset: Dataset, sample: Sample) -> Examined:
    problems: list[str] = []
    try:
        image = read_image(sample.image)
    except DelineateError as problem:
        # Sizes cannot be compared then: the masks are not looked at either.
        return Examined(sample, None, None, None, {}, None, (str(problem),))
    pixels: dict[str, dict[int, int]] = {}
    for observer in sample.masks:
        if any(dataset.encoding_of(file, observer) is None for file in sample.masks[observer]):
            continue
        try:
            labels = read_labels(dataset, sample, observer)
        except DelineateError as problem:
            problems.append(str(problem))
            continue
        counts = np.bincount(labels.ravel(), minlength=256)
        pixels[observer] = {int(label): int(counts[label]) for label in np.flatnonzero(counts)}
    share: float | None = None
    try:
        region = read_region(sample)
        share = None if region is None else float(region.mean())
    except DelineateError as problem:
        problems.append(str(problem))
    height, width, channels = image.shape
    return Examined(
        sample, (height, width), channels, str(image.dtype), pixels, share, tuple(problems)
    )
