"""The page on which every image, its decoded mask and their overlay can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.types import Image, LabelClass, Labels
from delineate.report.display import WINDOW_WORDS, jpeg_uri, png_uri, shrunk, to_rgb
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
class Picture:
    """An embedded picture and what it shows."""

    uri: str
    name: str
    alt: str
    width_px: int
    height_px: int


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


def photograph(image: Image, *, name: str, alt: str, longest_px: int) -> Picture:
    """The image itself, reduced, as JPEG."""
    small = shrunk(to_rgb(image), longest_px)
    return Picture(jpeg_uri(small), name, alt, small.shape[1], small.shape[0])


def _pictures(
    item: ContactItem, classes: Sequence[LabelClass], longest_px: int
) -> tuple[Picture, ...]:
    if item.image is None:
        return ()
    pictures = [photograph(item.image, name="image", alt=f"Image {item.id}", longest_px=longest_px)]
    if item.labels is not None:
        mask = shrunk(labels_to_rgb(item.labels, classes), longest_px)
        alt = f"Decoded mask of {item.id}"
        pictures.append(Picture(png_uri(mask), "mask", alt, mask.shape[1], mask.shape[0]))
        if item.labels.shape == item.image.shape[:2]:
            pictures.append(
                photograph(
                    class_overlay(item.image, item.labels, classes),
                    name="overlay",
                    alt=f"Mask of {item.id} over its image",
                    longest_px=longest_px,
                )
            )
    return tuple(pictures)
