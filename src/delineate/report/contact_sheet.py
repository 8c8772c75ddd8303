"""The page on which every image, its decoded mask and their overlay can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from delineate.core.types import COLOURS, Image, LabelClass, Labels
from delineate.report.display import WINDOW_WORDS, Picture, drawing, photograph, to_rgb
from delineate.report.overlays import class_legend, class_overlay, labels_to_rgb
from delineate.report.pages import write_page

# The longest side of the embedded pictures, by how many cases the page shows: a page of a
# few megabytes opens at once and can be sent.
LONGEST_PX = ((24, 640), (80, 448), (250, 320))
LEAST_LONGEST_PX = 224


@dataclass(frozen=True)
class ContactItem:
    """One case; what is missing or wrong stands in `problem`, in words."""

    id: str
    subject: str | None
    split: str | None
    caption: str
    image: Image | None
    labels: Labels | None
    problem: str | None = None


@dataclass(frozen=True)
class Shown:
    """A case as the template draws it."""

    item: ContactItem
    pictures: tuple[Picture, ...]


def write_contact_sheet(
    path: Path,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    items: Sequence[ContactItem],
    classes: Sequence[LabelClass],
) -> Path:
    """Write the contact sheet as one self-contained HTML file and return its path.

    Pictures are embedded reduced, their sizes by the number of cases; the facts and captions
    speak of native sizes. A case with a problem shows what can be shown and says the rest.
    """
    longest_px = longest_for(len(items))
    classes = legible(items, classes)
    shown = [Shown(item, _pictures(item, classes, longest_px)) for item in items]
    return write_page(
        path,
        "inspect.html",
        title=title,
        facts=list(facts),
        notes=list(notes),
        cases=shown,
        problems=[item for item in items if item.problem],
        legend=class_legend(classes),
        is_binary=len(classes) == 2,
        window_words=WINDOW_WORDS,
        longest_px=longest_px,
    )


def longest_for(count: int) -> int:
    """The longest side, in pixels, of each embedded picture on a page of so many cases."""
    return next((size for most, size in LONGEST_PX if count <= most), LEAST_LONGEST_PX)


def _pictures(
    item: ContactItem, classes: Sequence[LabelClass], longest_px: int
) -> tuple[Picture, ...]:
    if item.image is None:
        return ()
    pictures = [photograph(item.image, "image", f"Image {item.id}", longest_px)]
    if item.labels is not None:
        mask = labels_to_rgb(item.labels, classes)
        pictures.append(drawing(mask, "mask", f"Decoded mask of {item.id}", longest_px))
        if item.labels.shape == item.image.shape[:2]:
            drawn = class_overlay(item.image, item.labels, classes)
            alt = f"Mask of {item.id} over its image"
            pictures.append(photograph(drawn, "overlay", alt, longest_px))
    return tuple(pictures)


def legible(items: Sequence[ContactItem], classes: Sequence[LabelClass]) -> tuple[LabelClass, ...]:
    """The classes with colours that stand out from these images.

    The colours of several classes are theirs and stay. A single foreground takes, of the
    colours that colour-blind people tell apart, the one farthest from what it covers: an
    orange vessel on an orange retina would not be seen.
    """
    if len(classes) != 2:
        return tuple(classes)
    covered = [
        to_rgb(item.image)[item.labels == classes[1].index].mean(axis=0)
        for item in items[:24]
        if item.image is not None
        and item.labels is not None
        and item.labels.shape == item.image.shape[:2]
        and (item.labels == classes[1].index).any()
    ]
    if not covered:
        return tuple(classes)
    around = np.mean(covered, axis=0)
    colour = max(COLOURS[1:], key=lambda one: float(np.linalg.norm(np.subtract(one, around))))
    return (classes[0], replace(classes[1], colour=colour))
