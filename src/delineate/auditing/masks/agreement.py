"""How far the observers of a data set agree with each other: human agreement, and no ceiling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import IGNORE
from delineate.data.parallel import in_threads
from delineate.data.reading import read_case
from delineate.data.sample import Dataset, Sample
from delineate.metrics.counts import Counts, count
from delineate.metrics.overlap import dice

RULE = (
    "Dice of all foreground, of the second observer against the first, inside the region of "
    "interest where there is one; two empty masks count 1 in the mean per image. It says how "
    "far people agree and is no ceiling: a model may agree with one of them better than another "
    "person does"
)


@dataclass(frozen=True)
class Agreement:
    """Dice between two observers over the images that both of them drew."""

    first: str
    second: str
    images: int
    mean_dice: float
    pooled_dice: float


def observer_agreement(dataset: Dataset, *, progress: Progress = SILENT) -> tuple[Agreement, ...]:
    """Each further observer against the first one; images that cannot be read are left out.

    The encodings of all observers must be known. Pixels that either of them ignores do not
    count. `RULE` says the rest.
    """
    return tuple(
        found
        for other in dataset.observers[1:]
        if (found := _agreement(dataset, other, progress)) is not None
    )


def _agreement(dataset: Dataset, other: str, progress: Progress) -> Agreement | None:
    counts = list(_counts(dataset, other, progress))
    if not counts:
        return None
    total = sum(counts[1:], start=counts[0])
    each = [dice(own, when_both_empty=1.0).value for own in counts]
    return Agreement(
        first=dataset.observers[0],
        second=other,
        images=len(counts),
        mean_dice=float(np.mean([value for value in each if value is not None])),
        pooled_dice=dice(total, when_both_empty=1.0).value or 0.0,
    )


def _counts(dataset: Dataset, other: str, progress: Progress) -> Iterator[Counts]:
    first = dataset.observers[0]
    drawn = [s for s in dataset.samples if {first, other} <= s.masks.keys()]
    used = replace(dataset, samples=tuple(drawn))

    def work(sample: Sample) -> Counts:
        case = read_case(used, sample, (first, other))
        one, two = case.labels[first], case.labels[other]
        counted = (one != IGNORE) & (two != IGNORE)
        if case.region is not None:
            counted &= case.region
        return count(one != 0, two != 0, counted)

    for _, found in in_threads(work, drawn, label="comparing observers", progress=progress):
        if not isinstance(found, DelineateError):
            yield found
