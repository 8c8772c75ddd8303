"""The images and labels that a method learns from, whether it is a network or not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from delineate.core.checks import sha256_of_file, sha256_of_text
from delineate.core.progress import Progress, track
from delineate.core.types import IGNORE, Image, Labels
from delineate.data.reading import read_case, read_region
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.files.image_files import read_image
from delineate.inference.field_of_view import agrees, field_of_view
from delineate.inference.preparation import Preparation, fit_preparation
from delineate.inference.settings import PrepareSettings
from delineate.workflows.run_folder import EncoderColours

# Images from which range, mean and deviation are taken; more change nothing that counts.
_IMAGES_FOR_STATISTICS = 300


def fitted_preparation(
    training: Dataset,
    settings: PrepareSettings,
    progress: Progress,
    *,
    encoder: EncoderColours | None = None,
) -> Preparation:
    """The preparation with the numbers of at most 300 evenly spaced training images.

    `encoder` holds mean and deviation where the settings take those of an encoder.
    """
    samples = training.samples[:: max(1, -(-len(training.samples) // _IMAGES_FOR_STATISTICS))]
    images = (read_image(sample.image) for sample in samples)
    seen = track(images, "statistics", progress, len(samples))
    return fit_preparation(seen, settings, encoder=encoder)


def labelled_image(dataset: Dataset, sample: Sample) -> tuple[Image, Labels]:
    """Image and reference labels at native size, `IGNORE` outside the region of interest."""
    observer = dataset.observers[0]
    case = read_case(dataset, sample, [observer])
    labels = case.labels[observer]
    return case.image, labels if case.region is None else np.where(case.region, labels, IGNORE)


def data_digest(dataset: Dataset, *, has_table: bool) -> str:
    """One SHA-256 over ids, splits and contents of all images and masks that were used.

    Where a table gives the image labels these count too.
    """
    lines = []
    digest = cache(sha256_of_file)  # many cases may share one file of annotations
    reference = next(iter(dataset.observers), "")
    for sample in dataset.samples:
        if sample.split in (TRAIN, VALIDATION):
            masks = sample.masks.get(reference, ())
            digests = [digest(path) for path in (sample.image, *masks)]
            label = [str(dataset.image_labels[sample.id])] if has_table else []
            lines.append(" ".join([sample.id, str(sample.split), *digests, *label]))
    return sha256_of_text("\n".join(sorted(lines)))


def has_dark_surround(training: Dataset) -> bool:
    """Whether each training image has a region of interest that is its field of view.

    Pixels outside never train, so that a network says anything there. Where the region can be
    seen in the image itself, prediction sets what lies outside to background.
    """
    samples = training.samples[:: max(1, -(-len(training.samples) // _IMAGES_FOR_STATISTICS))]

    def is_field_of_view(sample: Sample) -> bool:
        region = read_region(sample)
        return region is not None and agrees(field_of_view(read_image(sample.image)), region)

    return all(is_field_of_view(sample) for sample in samples)


def labels_origin(dataset: Dataset, table: Path | str | None) -> str:
    """In words where the labels are from: a table of image labels, or an observer's masks."""
    if table is not None:
        return f"the table {Path(table).name}"
    return f"the masks of observer {dataset.observers[0]}"
