"""What one mask of one sample shows, under the encoding that its observer's masks seem to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from delineate.auditing.masks.mask_shapes import Shape, shapes_of
from delineate.core.errors import DelineateError, UncertainMaskError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, Labels, Mask
from delineate.data.reading import read_labels, read_region
from delineate.data.sample import Dataset, Sample
from delineate.files.image_files import image_size
from delineate.files.mask_encoding import (
    MaskEncoding,
    MaskFinding,
    RawMask,
    decode,
    describe,
    propose,
    read_raw_mask,
)

SIDES = ("top", "left", "bottom", "right")
MEASURES = [
    ("height", np.int32),
    ("width", np.int32),
    ("known_px", np.int32),
    ("foreground_px", np.int32),
    ("outside_px", np.int32),  # foreground outside of the region; -1 without a region
    ("border_px", np.int32, (4,)),  # foreground along each of the SIDES
]

MaskFile = tuple[Path, RawMask, MaskFinding]


@dataclass(frozen=True)
class Look:
    """What was seen: `measures` are numbers as `MEASURES` has them, None without labels.

    `problem` says why the mask, or its region, cannot be used.
    """

    findings: tuple[MaskFinding, ...] = ()
    measures: tuple[Any, ...] | None = None
    shapes: tuple[Shape, ...] = ()
    problem: str | None = None


Seen = tuple[Labels | None, list[int], Look]
"""Labels, which values they have, and what is known by now; no labels where none can be had."""


@dataclass(frozen=True)
class Viewer:
    """Looks at masks of a data set under probable encodings.

    `dataset` has the confirmed encodings alone: a mask that does not fit one of those is a
    problem, one that does not fit a mere guess is looked at as it asks for itself.
    """

    dataset: Dataset
    encodings: Mapping[str, MaskEncoding]
    sizes_px: Mapping[str, Size]

    @cached_property
    def used(self) -> Dataset:
        """The data set under the encodings that its masks seem to have."""
        return self.dataset.decoded_by(self.encodings)

    def look(self, sample: Sample, observer: str) -> Look:
        """What one observer's mask of a sample shows; never raises a `DelineateError`."""
        files = sample.masks[observer]
        encodings = [self.used.encoding_of(file, observer) for file in files]
        if any(each is not None and each.is_drawn for each in encodings):
            return self._as_read(sample, observer, Look())
        try:
            raws = [read_raw_mask(file) for file in files]
        except DelineateError as problem:
            return Look(problem=str(problem))
        every = [describe(raw) for raw in raws]
        # Files with an encoding of their own say nothing of how the others are encoded.
        speaks = self.dataset.speaks_for_all
        look = Look(tuple(f for f, file in zip(every, files, strict=True) if speaks(file)))
        size_px = self._image_size(sample)
        is_cropped = any(each is not None and each.offsets is not None for each in encodings)
        has_other_size = size_px is not None and any(f.size_px != size_px for f in every)
        if self.dataset.is_overlapping or is_cropped or has_other_size:
            return self._as_read(sample, observer, look)
        masks = list(zip(files, raws, every, strict=True))
        labels, present, look = (
            self._single(observer, masks[0], look)
            if len(masks) == 1
            else self._united(observer, masks, look)
        )
        if labels is not None:
            return _measured(sample, labels, present, look, has_size=size_px is not None)
        is_open = len(masks) > 1 and look.problem is None
        return self._as_read(sample, observer, look) if is_open else look

    def _single(self, observer: str, mask: MaskFile, look: Look) -> Seen:
        file, raw, finding = mask
        is_confirmed = observer in self.dataset.encodings or file in self.dataset.file_encodings
        encoding = self.used.file_encodings.get(file, self.encodings[observer])
        try:
            return *decoded(raw, finding, encoding, file), look
        except DelineateError as problem:
            if is_confirmed:
                return None, [], replace(look, problem=str(problem))
        try:
            return *decoded(raw, finding, propose([finding]).encoding, file), look
        except DelineateError:
            # Colours without a table: that is told of the encoding, not of each mask.
            return None, [], look

    def _united(self, observer: str, masks: Sequence[MaskFile], look: Look) -> Seen:
        """Several files of one observer; plain ones, as of single cells, are united here."""
        own, usual = self.used.file_encodings, self.encodings[observer]
        try:
            each = [
                decoded(raw, finding, own.get(file, usual), file) for file, raw, finding in masks
            ]
        except DelineateError:
            return None, [], look
        present = sorted({label for _, found in each for label in found})
        if not set(present) <= {0, 1} or len({labels.shape for labels, _ in each}) > 1:
            return None, [], look
        return np.bitwise_or.reduce([labels for labels, _ in each]), present, look

    def _as_read(self, sample: Sample, observer: str, look: Look) -> Look:
        """The labels as everything else reads them, which also says what does not fit."""
        try:
            labels = read_labels(self.used, sample, observer)
        except UncertainMaskError as problem:
            is_confirmed = observer in self.dataset.encodings
            return replace(look, problem=str(problem) if is_confirmed else None)
        except DelineateError as problem:
            return replace(look, problem=str(problem))
        present = np.flatnonzero(np.bincount(labels.ravel())).tolist()
        is_overlapping = self.dataset.is_overlapping
        return _measured(
            sample, labels, present, look, has_size=True, is_overlapping=is_overlapping
        )

    def _image_size(self, sample: Sample) -> Size | None:
        if sample.id in self.sizes_px:
            return self.sizes_px[sample.id]
        try:
            return image_size(sample.image)
        except DelineateError:
            return None


def decoded(
    raw: RawMask, finding: MaskFinding, encoding: MaskEncoding, file: Path
) -> tuple[Labels, list[int]]:
    """The labels of a mask, and which values they have; as `decode`, but quicker.

    Raises:
        DelineateError: as `decode`.
    """
    values = raw.values
    if values.ndim != 2 or values.dtype != np.uint8 or encoding.kind == "colours":
        labels = decode(raw, encoding, path=file)
        return labels, np.flatnonzero(np.bincount(labels.ravel())).tolist()
    # What becomes of a pixel depends on its value alone: each value is decoded once.
    found = bytes(sorted(finding.counts))
    codes = _codes(found, encoding) if raw.palette is None else None
    if codes is None:
        shown = np.frombuffer(found, np.uint8)[np.newaxis]
        codes = decode(replace(raw, values=shown), encoding, path=file).tobytes()
    present = sorted(set(codes))
    if present == [0]:
        return np.broadcast_to(np.zeros((), np.uint8), values.shape), present
    if found[0] == codes[0] == 0 and set(codes[1:]) == {1}:
        return (values != 0).view(np.uint8), present
    table = np.zeros(256, np.uint8)
    table[list(found)] = list(codes)
    return np.asarray(cv2.LUT(values, table), np.uint8), present


@lru_cache(maxsize=1024)
def _codes(found: bytes, encoding: MaskEncoding) -> bytes | None:
    """The labels of these values in a mask without a palette; None where they do not fit."""
    values = np.frombuffer(found, np.uint8)[np.newaxis]
    raw = RawMask(values, None, is_lossy=False, mode="single values")
    try:
        return decode(raw, encoding, path=Path("mask")).tobytes()
    except DelineateError:
        return None


def _measured(
    sample: Sample,
    labels: Labels,
    present: Sequence[int],
    look: Look,
    *,
    has_size: bool,
    is_overlapping: bool = False,
) -> Look:
    region: Mask | None = None
    problem: str | None = None
    try:
        region = read_region(sample) if has_size else None
    except DelineateError as found:
        problem = str(found)
    shapes = shapes_of(labels, present, is_overlapping=is_overlapping)
    unknown = int(np.count_nonzero(labels == IGNORE)) if IGNORE in present else 0
    lit = sum(shape.numbers[1] for shape in shapes)
    if not shapes:
        outside, border = -1 if region is None else 0, (0, 0, 0, 0)
    else:
        is_lit = (labels != 0) & (labels != IGNORE) if unknown else labels != 0
        outside = -1 if region is None else int(np.count_nonzero(is_lit & ~region))
        border = _along_border(is_lit)
        lit = int(np.count_nonzero(is_lit)) if is_overlapping else lit
    measures = (*labels.shape, labels.size - unknown, lit, outside, border)
    return replace(look, measures=measures, shapes=shapes, problem=problem)


def _along_border(mask: Mask) -> tuple[int, int, int, int]:
    top, left, bottom, right = (
        int(np.count_nonzero(side)) for side in (mask[0], mask[:, 0], mask[-1], mask[:, -1])
    )
    return top, left, bottom, right
