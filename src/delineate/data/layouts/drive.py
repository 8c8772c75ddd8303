"""DRIVE: retinal photographs, one or two observers, and the field of view.

`training/` and `test/`, each with `images/NN_training.tif`, `1st_manual/NN_manual1.gif`,
`2nd_manual/NN_manual2.gif` and `mask/NN_training_mask.gif`; either may be missing, and so
may the masks of `test/` (one official download has none).

Source: Staal et al. (2004), "Ridge-based vessel segmentation in color images of the retina".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.data.layouts.found import SPLIT_WORDS, Found, in_order
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample

OBSERVERS = {"1st_manual": "1", "2nd_manual": "2"}
_NUMBER = re.compile(r"(\d+)[_.]")


def recognise(listing: Listing) -> str | None:
    """Why this is DRIVE's layout, else None."""
    parts = _parts(listing)
    if not any(listing.has(_join(part, "1st_manual")) for part in parts):
        return None
    seen = [part for part in parts if listing.has(_join(part, "images"))]
    if not seen:
        return None
    second = any(listing.has(_join(part, "2nd_manual")) for part in parts)
    observers = "1st_manual/ and 2nd_manual/" if second else "1st_manual/"
    where = " and ".join(f"{part}/" for part in seen if part) or "the folder itself"
    return f"images/ beside {observers} in {where}, as in DRIVE"


def read(listing: Listing) -> Found:
    """Its samples; the subject is the number, the observers are "1" and "2"."""
    notes: list[str] = []
    samples = [s for part in _parts(listing) for s in _samples(listing, part, notes)]
    return Found(in_order(samples), tuple(notes))


def _parts(listing: Listing) -> tuple[str, ...]:
    """`training`, `test` or, where images lie in the folder itself, the empty name."""
    tops = dict.fromkeys(f.parts[0] for f in listing.folders if len(f.parts) == 2)
    split_parts = tuple(t for t in tops if t.lower() in SPLIT_WORDS)
    return split_parts or ("",)


def _samples(listing: Listing, part: str, notes: list[str]) -> Iterator[Sample]:
    split = SPLIT_WORDS.get(part.lower())
    observers = {name: _by_number(listing, _join(part, f)) for f, name in OBSERVERS.items()}
    regions = _by_number(listing, _join(part, "mask"))
    images = _by_number(listing, _join(part, "images"))
    for name, files in observers.items():
        lost = sorted(files.keys() - images.keys())
        if lost:
            lost_names = some(files[number].name for number in lost)
            notes.append(
                f"no image for {counted(len(lost), 'mask')} of observer {name}: {lost_names}"
            )
    for number, image in images.items():
        masks = {n: (files[number],) for n, files in observers.items() if number in files}
        yield Sample(stem(image.name), image, number, masks, regions.get(number), split)


def _by_number(listing: Listing, folder: str) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name in listing.names(folder):
        found = _NUMBER.match(name)
        if not found:
            raise LayoutError(
                f"{listing.path(folder, name)}: expected a number first, as in 21_training.tif "
                "or 21_manual1.gif; rename it, or use --layout folders or a manifest CSV"
            )
        number = found.group(1)
        if number in files:
            raise LayoutError(
                f"{listing.path(folder, name)}: expected one file of number {number}, "
                f"found also {files[number].name}; remove one"
            )
        files[number] = listing.path(folder, name)
    return files


def _join(part: str, folder: str) -> str:
    return f"{part}/{folder}" if part else folder
