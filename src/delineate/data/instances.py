"""The single objects of a sample, for what counts objects and not pixels."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from delineate.core.errors import LayoutError
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, DrawnObject, Labels
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset, Sample
from delineate.files.drawn_objects import drawn_objects
from delineate.files.image_files import image_size


def read_objects(dataset: Dataset, sample: Sample, observer: str) -> tuple[DrawnObject, ...]:
    """The objects that one observer drew, in the size of the image.

    Where the data set has instances these are they: one a mask file, or one for each object drawn
    in it. Else they are the connected components (8 neighbours) of each class. What is to be
    ignored is an object of the class `IGNORE`.

    Raises:
        DelineateError: as `delineate.data.reading.read_labels`.
    """
    if not dataset.has_instances:
        labels = read_labels(dataset, sample, observer)
        return tuple(components(labels, is_overlapping=dataset.is_overlapping))
    files = sample.masks.get(observer, ())
    if not files:
        raise LayoutError(
            f"{sample.image}: expected a mask of observer {observer}, found none; "
            "add it, or leave the sample out"
        )
    objects: list[DrawnObject] = []
    for file in files:
        encoding = dataset.encoding_of(file, observer)
        if encoding is not None and encoding.is_drawn:
            size = image_size(sample.image)
            objects += drawn_objects(file, encoding, dataset.classes, entry=sample.entry, size=size)
        else:
            alone = Sample(sample.id, sample.image, masks={observer: (file,)}, entry=sample.entry)
            labels = read_labels(dataset, alone, observer)
            # A mask that a review put in the place of others holds several objects at once.
            parts = components if file in dataset.file_encodings else _whole
            objects += parts(labels, is_overlapping=dataset.is_overlapping)
    return tuple(objects)


def components(labels: Labels, *, is_overlapping: bool = False) -> Iterator[DrawnObject]:
    """The connected components (8 neighbours) of each class in labels."""
    for one in _whole(labels, is_overlapping=is_overlapping):
        count, places = cv2.connectedComponents(one.mask.astype(np.uint8), connectivity=8)
        for number in range(1, count):
            yield DrawnObject(one.label, np.asarray(places == number))


def _whole(labels: Labels, *, is_overlapping: bool) -> Iterator[DrawnObject]:
    """All pixels of each class as one object, in the order of their indices."""
    if is_overlapping:
        used = int(np.bitwise_or.reduce(labels[labels != IGNORE], initial=0))
        indices = [place + 1 for place in range(8) if used >> place & 1]
    else:
        indices = [int(value) for value in np.unique(labels) if value not in (0, IGNORE)]
    for index in indices:
        yield DrawnObject(index, is_class(labels, index, is_overlapping=is_overlapping))
    ignored = labels == IGNORE
    if ignored.any():
        yield DrawnObject(IGNORE, np.asarray(ignored))
