"""The fingerprint of the training part of a data set: a few pixels, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress
from delineate.data.parallel import in_threads
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.files.image_files import image_size
from delineate.recipe.fingerprint import Fingerprint
from delineate.workflows.fingerprint_pixels import (
    Looked,
    class_facts,
    layouts_of,
    looked_at,
    tones_of,
)
from delineate.workflows.labelled_data import labelled_image

# Headers that are read for sizes.
MOST_HEADERS = 1000
# Images whose pixels are looked at, fewer where they have more pixels than this all together, but
# never fewer than the least; so many must hold something to find.
MOST_IMAGES, FEWEST_IMAGES, MOST_PIXELS = 96, 8, 2e8

T = TypeVar("T")


def fingerprint(dataset: Dataset, *, progress: Progress = SILENT) -> Fingerprint:
    """The fingerprint of the images that `dataset` trains on, its masks settled.

    Sizes are read from the headers of at most 1,000 evenly spaced images, everything else from
    at most 96 of them, fewer where they are large, and more where hardly any holds something to
    find. Of validation only the number of images counts, and nothing of test.

    Raises:
        LayoutError: masks without any foreground.
        DelineateError: a file that cannot be read.
    """
    training = dataset.only(TRAIN)
    sizes = _sizes(_spaced(training.samples, MOST_HEADERS), progress)
    looked = _looked(training, sizes, progress)
    counted = [np.prod(each.size_px) for each in looked]
    names = [each.name for each in dataset.classes]
    background, *classes = (class_facts(looked, name, index) for index, name in enumerate(names))
    held = tuple(each for each in classes if each.image_share)
    if not held:
        raise LayoutError(
            f"{dataset.root}: expected something to find in the training masks, found none in "
            f"{len(looked)} of them; check how they are decoded with `delineate inspect`"
        )
    has_region = any(sample.region is not None for sample in training.samples)
    inside = sum(each.counted_px for each in looked) / float(np.sum(counted))
    return Fingerprint(
        images=len(training.samples),
        looked_at=len(looked),
        subjects=len({s.group for s in training.samples}) if training.has_subjects else None,
        validation_images=len(dataset.only(VALIDATION).samples),
        size_px=_median(sizes),
        smallest_px=min(sizes, key=max),
        largest_px=max(sizes, key=max),
        region_share=inside if has_region else None,
        empty_share=float(np.mean([not any(each.shapes[1:]) for each in looked])),
        is_overlapping=dataset.is_overlapping,
        classes=held,
        background=background,
        tones=tones_of(looked),
        layouts=layouts_of(looked),
    )


def _looked(training: Dataset, sizes: Sequence[Size], progress: Progress) -> list[Looked]:
    """Evenly spaced images, and more of them where too few of these hold anything to find."""
    pixels = float(np.median([np.prod(each) for each in sizes]))
    most = int(min(max(MOST_PIXELS / pixels, FEWEST_IMAGES), MOST_IMAGES))
    looked: list[Looked] = []
    rest = list(training.samples)
    while rest and sum(any(each.shapes[1:]) for each in looked) < FEWEST_IMAGES:
        chosen = _spaced(rest, most)
        looked += _looks(training, chosen, progress)
        ids = {sample.id for sample in chosen}
        rest = [sample for sample in rest if sample.id not in ids]
    return looked


def _looks(training: Dataset, samples: Sequence[Sample], progress: Progress) -> Iterator[Looked]:
    def look(sample: Sample) -> Looked:
        image, labels = labelled_image(training, sample)
        return looked_at(image, labels, training.classes, is_overlapping=training.is_overlapping)

    for _, one in in_threads(look, samples, label="fingerprint", progress=progress):
        if isinstance(one, DelineateError):
            raise one
        yield one


def _sizes(samples: Sequence[Sample], progress: Progress) -> list[Size]:
    sizes: list[Size] = []
    files = [sample.image for sample in samples]
    for _, size in in_threads(image_size, files, label="sizes", progress=progress):
        if isinstance(size, DelineateError):
            raise size
        sizes.append(size)
    return sizes


def _median(sizes: Sequence[Size]) -> Size:
    """The size in the middle by longest side: one that there is."""
    return sorted(sizes, key=lambda size: (max(size), min(size)))[len(sizes) // 2]


def _spaced(items: Sequence[T], most: int) -> list[T]:
    """At most so many, evenly spaced over all, so that no folder or subject is left out."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int)]
