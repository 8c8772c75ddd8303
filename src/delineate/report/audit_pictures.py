"""The pictures of an audit: a sample with its mask, and what two copies do not share."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from delineate.core.geometry import Size
from delineate.core.types import IGNORE, LabelClass, Labels, Mask
from delineate.data.sample import Sample
from delineate.report.audit_content import CopyView, Look
from delineate.report.audit_differences import (
    agreement,
    agreement_words,
    amplified,
    grey_difference,
    laid_on,
)
from delineate.report.display import Picture, photograph, to_rgb
from delineate.report.overlays import IGNORED_COLOUR, LUMINANCE, LegendEntry

TINT_ALPHA, OUTLINE_ALPHA = 50, 255
LEAST_COVER = 0.35  # of a reduced pixel that a class must cover to be drawn: thin lines stay
UNKNOWN = "not shown by both, or not labelled"
# Okabe and Ito (2008), the colours of hit, missed and false on the other pages.
AGREEMENT = (
    LabelClass(0, "background in both masks", (0, 0, 0)),
    LabelClass(1, "in both masks", (86, 180, 233)),
    LabelClass(2, "only in the first mask", (240, 228, 66)),
    LabelClass(3, "only in the other mask", (213, 94, 0)),
    LabelClass(4, "of another class in each", (204, 121, 167)),
)


@dataclass(frozen=True)
class Shown:
    """A picture of the page with a layer of marks above it, or the words in its place."""

    name: str
    remark: str = ""
    details: tuple[str, ...] = ()
    picture: Picture | None = None
    marks: Picture | None = None


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn: the classes with their colours, and the longest side."""

    classes: tuple[LabelClass, ...]
    longest_px: int

    def sample(self, sample: Sample, look: Look, *, words: str = "") -> Shown:
        """The image of a sample with its mask above it."""
        of = [f"subject {sample.subject}"] if sample.subject is not None else []
        of += [sample.split] if sample.split is not None else []
        remark = "; ".join(one for one in (words, _remark(look, sample)) if one)
        if look.image is None:
            return Shown(sample.id, remark or "it cannot be read", tuple(of))
        picture = photograph(look.image, sample.id, f"Image {sample.id}", self.longest_px)
        marks = None
        if _has_foreground(look):
            marks = self._marks(look.labels, self.classes, picture, f"Mask of {sample.id}")
        return Shown(sample.id, remark, tuple(of), picture, marks)

    def mask_difference(self, first: Look, other: Look, copy: CopyView) -> Shown | None:
        """Where the mask of a copy differs from that of the first; None without two masks.

        The copy's mask is laid on the first picture, nearest neighbour.
        """
        if first.image is None or not (_has_usable_labels(first) and _has_usable_labels(other)):
            return None
        labels = laid_on(other.labels, copy, size_px=_size(first.labels), is_labels=True)
        outcome = agreement(first.labels, labels)
        name = "mask difference"
        grey = np.rint(to_rgb(first.image) @ LUMINANCE * 0.6).astype(np.uint8)
        alt = f"Image {copy.sample} in grey, below the difference of the masks"
        picture = photograph(grey, name, alt, self.longest_px)
        marks = self._marks(outcome, AGREEMENT, picture, "Difference of the masks", tint=120)
        return Shown(name, agreement_words(outcome), (), picture, marks)

    def image_difference(self, first: Look, other: Look, copy: CopyView) -> Shown | None:
        """How far the grey levels of a copy lie from those of the first, amplified."""
        if first.image is None or other.image is None:
            return None
        found = grey_difference(first.image, other.image, copy)
        factor, pixels = amplified(found.shown)
        unknown = np.array(IGNORED_COLOUR, np.uint8)
        pixels = np.where(found.is_known[..., None], pixels[..., None], unknown)
        name = f"image difference × {factor}" if factor > 1 else "image difference"
        alt = f"Difference of the images, multiplied by {factor}"
        picture = photograph(pixels, name, alt, self.longest_px)
        return Shown(name, found.words, (), picture)

    def _marks(
        self,
        labels: Labels | None,
        classes: Sequence[LabelClass],
        below: Picture,
        alt: str,
        *,
        tint: int = TINT_ALPHA,
    ) -> Picture | None:
        if labels is None:
            return None
        small = reduced_labels(labels, (below.height_px, below.width_px))
        return _transparent(marks_rgba(small, classes, tint), below.name, alt)


def agreement_legend(classes: Sequence[LabelClass]) -> tuple[LegendEntry, ...]:
    """What the colours of the mask differences mean; a binary task has no other class."""
    shown = AGREEMENT[1:4] if len(classes) == 2 else AGREEMENT[1:]
    return (
        *(LegendEntry(c.colour, c.name) for c in shown),
        LegendEntry(IGNORED_COLOUR, UNKNOWN),
    )


def reduced_labels(labels: Labels, size_px: Size) -> Labels:
    """The labels in a smaller size; a class is kept where it covers a good part of a pixel."""
    if labels.shape == size_px:
        return labels
    result, most = np.zeros(size_px, np.uint8), np.full(size_px, LEAST_COVER, np.float32)
    for value in np.unique(labels[labels != 0]):
        share = (labels == value).astype(np.float32)
        cover = cv2.resize(share, size_px[::-1], interpolation=cv2.INTER_AREA)
        result[cover >= most] = value
        most = np.maximum(most, cover)
    return result


def marks_rgba(labels: Labels, classes: Sequence[LabelClass], tint: int) -> NDArray[np.uint8]:
    """(H, W, 4): every class but the background tinted, with an edge of full colour."""
    table = np.zeros((256, 4), np.uint8)
    table[IGNORE] = (*IGNORED_COLOUR, 150)
    for label_class in classes:
        if label_class.index != 0:
            table[label_class.index] = (*label_class.colour, tint)
    rgba = table[labels]
    rgba[_edges(labels) & (labels != IGNORE) & (labels != 0), 3] = OUTLINE_ALPHA
    return rgba


def _edges(labels: Labels) -> Mask:
    """Pixels with a neighbour of another class, to the depth that an eye needs."""
    depth_px = max(1, round(min(labels.shape) / 130))
    padded = np.pad(labels, depth_px, mode="edge")
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    low = cv2.erode(padded, kernel, iterations=depth_px)
    high = cv2.dilate(padded, kernel, iterations=depth_px)
    inner = slice(depth_px, -depth_px)
    return np.asarray(low[inner, inner] != high[inner, inner])


def _transparent(rgba: NDArray[np.uint8], name: str, alt: str) -> Picture:
    buffer = BytesIO()
    PillowImage.fromarray(rgba).save(buffer, format="PNG", optimize=True)
    uri = f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
    return Picture(uri, name, alt, rgba.shape[1], rgba.shape[0])


def _size(array: NDArray[Any] | None) -> Size:
    shape = np.asarray(array).shape
    return shape[0], shape[1]


def _has_usable_labels(look: Look) -> bool:
    return (
        look.image is not None
        and look.labels is not None
        and look.labels.shape == look.image.shape[:2]
    )


def _has_foreground(look: Look) -> bool:
    return _has_usable_labels(look) and bool(np.any(look.labels))


def _remark(look: Look, sample: Sample) -> str:
    if look.problem:
        return look.problem
    if look.image is not None and look.labels is None:
        return "no mask" if not sample.masks else ""
    if look.labels is None or look.image is None:
        return ""
    if look.labels.shape != look.image.shape[:2]:
        height, width = look.labels.shape
        return f"its mask has another size, {height}x{width} px"
    return "" if ((look.labels != 0) & (look.labels != IGNORE)).any() else "its mask is empty"
