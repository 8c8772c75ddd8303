"""The pixels of a sample: image, labels of each observer, region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from delineate.core.errors import (
    DelineateError,
    LayoutError,
    SizeMismatchError,
    UncertainMaskError,
    UnreadableFileError,
)
from delineate.core.geometry import Size
from delineate.core.overlapping import coded, codes_of, painted
from delineate.core.types import IGNORE, Image, Labels, Mask
from delineate.data.sample import Dataset, Sample
from delineate.files.cropped_masks import placed
from delineate.files.drawn_objects import drawn_objects
from delineate.files.image_files import image_size, read_image
from delineate.files.mask_encoding import (
    decode,
    describe,
    propose,
    read_mask,
    read_raw_mask,
)


@dataclass(frozen=True)
class Case:
    """A sample with its pixels, all of one size."""

    sample: Sample
    image: Image
    labels: Mapping[str, Labels]
    region: Mask | None


@dataclass(frozen=True)
class Frame:
    """The file by whose size the others of a sample are checked, the image as a rule."""

    file: Path
    size: Size


def read_labels(dataset: Dataset, sample: Sample, observer: str) -> Labels:
    """The labels that one observer drew, in the size of the image.

    Several files are united: where one has a class and another background or nothing known,
    the class counts. Where classes overlap these are codes, and nothing known in one file is
    nothing known at all.

    Raises:
        LayoutError: the observer drew nothing here, or two files give a pixel two classes.
        SizeMismatchError: naming image and mask and both sizes.
        UncertainMaskError: the encoding is not settled, or the values do not fit it.
    """
    return _read_labels(dataset, sample, observer, _frame_of(sample))


def read_truth(dataset: Dataset, sample: Sample, observer: str) -> tuple[Labels, Mask | None]:
    """Labels and region, also where the image itself cannot be read.

    Both have the size of the image, and of each other where that is not known.

    Raises:
        DelineateError: as `read_labels` and `read_region`, but for the image.
    """
    try:
        frame = _frame_of(sample)
    except DelineateError:  # whoever needs the image names it
        frame = None
    labels = _read_labels(dataset, sample, observer, frame)
    frame = frame or Frame(sample.masks[observer][0], labels.shape)
    return labels, _read_region(sample, frame)


def read_region(sample: Sample) -> Mask | None:
    """Where pixels count; None where the sample states no region.

    Raises:
        SizeMismatchError: naming image and region and both sizes.
        UncertainMaskError: a region that is not plainly two-valued.
    """
    return _read_region(sample, _frame_of(sample)) if sample.region else None


def read_case(dataset: Dataset, sample: Sample, observers: Sequence[str] | None = None) -> Case:
    """Image, region, and the labels of each of the observers who drew this sample.

    Raises:
        DelineateError: as `read_labels`, `read_region` and reading the image.
    """
    image = read_image(sample.image)
    frame = Frame(sample.image, (image.shape[0], image.shape[1]))
    names = [
        n for n in (dataset.observers if observers is None else observers) if n in sample.masks
    ]
    labels = {name: _read_labels(dataset, sample, name, frame) for name in names}
    return Case(sample, image, labels, _read_region(sample, frame))


def _frame_of(sample: Sample) -> Frame:
    return Frame(sample.image, image_size(sample.image))


def _read_labels(dataset: Dataset, sample: Sample, observer: str, frame: Frame | None) -> Labels:
    files = sample.masks.get(observer, ())
    if not files:
        raise LayoutError(
            f"{sample.image}: expected a mask of observer {observer}, found none; "
            "add it, or leave the sample out"
        )
    united = _read_file(dataset, sample, files[0], observer, frame)
    frame = frame or Frame(files[0], united.shape)
    for file in files[1:]:
        more = _read_file(dataset, sample, file, observer, frame)
        if dataset.is_overlapping:
            is_unknown = (united == IGNORE) | (more == IGNORE)
            united = np.where(is_unknown, IGNORE, united | more).astype(np.uint8)
        else:
            united = _united(united, more, file)
    return united


def _read_file(
    dataset: Dataset, sample: Sample, file: Path, observer: str, frame: Frame | None
) -> Labels:
    encoding = dataset.encoding_of(file, observer)
    if encoding is None:
        raise UncertainMaskError(
            f"{file}: how observer {observer}'s masks are encoded is not settled; "
            "confirm it with --masks"
        )
    if encoding.is_drawn or encoding.offsets is not None:
        size = _known(frame, sample, file).size
    if encoding.is_drawn:
        objects = drawn_objects(file, encoding, dataset.classes, entry=sample.entry, size=size)
        return coded(objects, size) if dataset.is_overlapping else painted(objects, size)
    labels = read_mask(file, encoding)
    if encoding.offsets is not None:
        labels = placed(labels, file, encoding.offsets, size)
    labels = _checked(labels, file, frame)
    return codes_of(labels) if dataset.is_overlapping else labels


def _known(frame: Frame | None, sample: Sample, file: Path) -> Frame:
    """The frame, for masks that cannot be read without the size of the image."""
    if frame is None:
        raise UnreadableFileError(
            f"{file}: holds no size of its own, and that of {sample.image} cannot be read; "
            "mend the image or leave the sample out"
        )
    return frame


def _united(first: Labels, second: Labels, file: Path) -> Labels:
    is_class = (second != 0) & (second != IGNORE)
    has_class = (first != 0) & (first != IGNORE)
    conflict = int((is_class & has_class & (first != second)).sum())
    if conflict:
        raise LayoutError(
            f"{file}: gives {conflict} pixels another class than the files before it; "
            "masks of one observer may only overlap in one class. If a pixel may belong to several "
            "classes, say --overlapping"
        )
    result = np.where(is_class, second, first)
    result[(first == 0) & (second == IGNORE)] = IGNORE
    return result


def _read_region(sample: Sample, frame: Frame) -> Mask | None:
    if sample.region is None:
        return None
    raw = read_raw_mask(sample.region)
    proposal = propose([describe(raw)])
    if not proposal.is_certain:
        raise UncertainMaskError(
            f"{sample.region}: expected a region of two values, found {proposal.reason}; "
            "re-export it as 0 and 255 without smoothing"
        )
    labels = _checked(decode(raw, proposal.encoding, path=sample.region), sample.region, frame)
    return np.asarray((labels != 0) & (labels != IGNORE), np.bool_)


def _checked(labels: Labels, file: Path, frame: Frame | None) -> Labels:
    if frame is not None and labels.shape != frame.size:
        height, width = frame.size
        raise SizeMismatchError(
            f"{file}: expected the size of {frame.file}, {height}x{width} px (height x width), "
            f"found {labels.shape[0]}x{labels.shape[1]}; re-export one to fit the other"
        )
    return labels
