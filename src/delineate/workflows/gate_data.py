"""What the gate of two stages learns from: the images of its segmenter, with a verdict each."""

from __future__ import annotations

from dataclasses import replace

from delineate.core.progress import Progress
from delineate.core.types import VERDICTS
from delineate.data.image_labels import image_labels
from delineate.data.sample import TRAIN, VALIDATION
from delineate.workflows.parted_data import PartedData, require_both_in_folds
from delineate.workflows.starting import TrainingData


def gate_data(data: TrainingData, progress: Progress) -> TrainingData:
    """The same images, of which is learnt whether their masks hold anything.

    Raises:
        DelineateError: a mask that cannot be read.
    """
    dataset = data.dataset
    used = tuple(s for s in dataset.samples if s.split in (TRAIN, VALIDATION))
    labels = image_labels(dataset, used, progress=progress)
    verdicts = replace(dataset, classes=VERDICTS, image_labels=labels)
    return replace(data, decided=replace(data.decided, dataset=verdicts))


def gate_parts(parts: PartedData, progress: Progress) -> PartedData:
    """The same for every fold, each of which holds images of both kinds.

    Raises:
        LayoutError: a fold in which something is to be found everywhere or nowhere.
    """
    found = replace(parts, data=gate_data(parts.data, progress))
    require_both_in_folds(found)
    return found
