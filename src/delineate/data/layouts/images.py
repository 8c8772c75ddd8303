"""Every image under a folder, without masks: to be asked for by name, never recognised.

Where nothing pairs images with masks, guessing would hide the reason from whoever wants to
train; for an audit of the pictures alone it is all that is needed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from delineate.data.layouts.found import Found, in_order
from delineate.data.layouts.names import mask_name, place_of
from delineate.data.listing import Listing, counted, stem
from delineate.data.sample import Sample


def recognise(listing: Listing) -> str | None:
    """How many images there are, where there is any that is not named as a mask."""
    count = len(_images(listing))
    return f"{counted(count, 'image')}, read without masks as asked" if count else None


def read(listing: Listing) -> Found:
    """A sample an image; its id is its path without the ending, or with it where two agree."""
    found = _images(listing)
    names = Counter(_name(folder, name) for folder, name in found)
    samples = [
        Sample(
            id=short if names[short := _name(folder, name)] == 1 else str(folder / name),
            image=listing.path(folder, name),
            split=place_of(folder).split,
        )
        for folder, name in found
    ]
    left = listing.count - len(found)
    notes = (f"left out as masks by their names: {counted(left, 'file')}",) if left else ()
    return Found(in_order(samples), notes)


def _images(listing: Listing) -> list[tuple[PurePosixPath, str]]:
    return [
        (folder, name)
        for folder, names in listing.folders.items()
        if place_of(folder).role != "mask"
        for name in names
        if mask_name(stem(name)) is None
    ]


def _name(folder: PurePosixPath, name: str) -> str:
    return (folder / stem(name)).as_posix()
