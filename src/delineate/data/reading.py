"""The pixels of a sample: image, labels of each observer, region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from delineate.core.errors import LayoutError, SizeMismatchError, UncertainMaskError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, Image, Labels, Mask
from delineate.data.sample import Dataset, Sample
from delineate.files.image_files import image_size, read_image
from delineate.files.mask_encoding import decode, describe, propose, read_mask, read_raw_mask


@dataclass(frozen=True)
class Case:
    """A sample with its pixels, all of one size."""

    sample: Sample
    image: Image
    labels: Mapping[str, Labels]
    region: Mask | None


def read_labels(dataset: Dataset, sample: Sample, observer: str) -> Labels:
    """The labels that one observer drew, in the size of the image.

    Several files are united: where one has a class and another background or nothing known,
    the class counts.

    Raises:
        LayoutError: the observer drew nothing here, or two files give a pixel two classes.
        SizeMismatchError: naming image and mask and both sizes.
        UncertainMaskError: the encoding is not settled, or the values do not fit it.
    """
    return _read_labels(dataset, sample, observer, image_size(sample.image))


def read_region(sample: Sample) -> Mask | None:
    """Where pixels count; None where the sample states no region.

    Raises:
        SizeMismatchError: naming image and region and both sizes.
        UncertainMaskError: a region that is not plainly two-valued.
    """
    return _read_region(sample, image_size(sample.image)) if sample.region else None


def read_case(dataset: Dataset, sample: Sample, observers: Sequence[str] | None = None) -> Case:
    """Image, region, and the labels of each of the observers who drew this sample.

    Raises:
        DelineateError: as `read_labels`, `read_region` and reading the image.
    """
    image = read_image(sample.image)
    size = (image.shape[0], image.shape[1])
    names = [
        n for n in (dataset.observers if observers is None else observers) if n in sample.masks
    ]
    labels = {name: _read_labels(dataset, sample, name, size) for name in names}
    return Case(sample, image, labels, _read_region(sample, size) if sample.region else None)


def _read_labels(dataset: Dataset, sample: Sample, observer: str, size: Size) -> Labels:
    files = sample.masks.get(observer, ())
    if not files:
        raise LayoutError(
            f"{sample.image}: expected a mask of observer {observer}, found none; "
            "add it, or leave the sample out"
        )
    united = _read_file(dataset, sample, files[0], observer, size)
    for file in files[1:]:
        united = _united(united, _read_file(dataset, sample, file, observer, size), file)
    return united


def _read_file(dataset: Dataset, sample: Sample, file: Path, observer: str, size: Size) -> Labels:
    encoding = dataset.encoding_of(file, observer)
    if encoding is None:
        raise UncertainMaskError(
            f"{file}: how observer {observer}'s masks are encoded is not settled; "
            "confirm it with --masks"
        )
    return _checked(read_mask(file, encoding), file, sample.image, size)


def _united(first: Labels, second: Labels, file: Path) -> Labels:
    is_class = (second != 0) & (second != IGNORE)
    has_class = (first != 0) & (first != IGNORE)
    conflict = int((is_class & has_class & (first != second)).sum())
    if conflict:
        raise LayoutError(
            f"{file}: gives {conflict} pixels another class than the files before it; "
            "masks of one observer may only overlap in one class"
        )
    result = np.where(is_class, second, first)
    result[(first == 0) & (second == IGNORE)] = IGNORE
    return result


def _read_region(sample: Sample, size: Size) -> Mask | None:
    if sample.region is None:
        return None
    raw = read_raw_mask(sample.region)
    proposal = propose([describe(raw)])
    if not proposal.is_certain:
        raise UncertainMaskError(
            f"{sample.region}: expected a region of two values, found {proposal.reason}; "
            "re-export it as 0 and 255 without smoothing"
        )
    labels = _checked(
        decode(raw, proposal.encoding, path=sample.region), sample.region, sample.image, size
    )
    return np.asarray((labels != 0) & (labels != IGNORE), np.bool_)


def _checked(labels: Labels, file: Path, image: Path, size: Size) -> Labels:
    if labels.shape != size:
        raise SizeMismatchError(
            f"{file}: expected the size of {image}, {size[0]}x{size[1]} px (height x width), "
            f"found {labels.shape[0]}x{labels.shape[1]}; re-export one to fit the other"
        )
    return labels
