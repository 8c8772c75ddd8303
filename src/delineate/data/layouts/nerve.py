"""Kaggle's ultrasound nerve set: `S_N.tif` with `S_N_mask.tif`, S the subject.

All in one folder or in `train/` and `test/`, masks beside the images or in a folder of
their own, any image ending. Images without masks and, in a folder of test images, names
that are a number alone (as in Kaggle's own `test/`) are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.found import REFERENCE, SPLIT_WORDS, Found, in_order
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import TEST, Sample

_NAME = re.compile(r"(?P<subject>\d+)_(?P<number>\d+)(?P<mask>_mask)?")
Place = tuple[str | None, str]  # split, S_N


def recognise(listing: Listing) -> str | None:
    """Why this is the nerve layout, else None: every name must fit, and one pair be whole."""
    images: set[Place] = set()
    masks: set[Place] = set()
    for folder, names in listing.folders.items():
        split = split_of(folder)
        for name in names:
            fits = _NAME.fullmatch(stem(name))
            if fits:
                key = f"{fits['subject']}_{fits['number']}"
                (masks if fits["mask"] else images).add((split, key))
            elif not (split == TEST and stem(name).isdecimal()):
                return None
    pairs = images & masks
    if not pairs:
        return None
    subjects = {key.split("_")[0] for _, key in images}
    return (
        f"all {listing.count} names are S_N or S_N_mask: {len(pairs)} pairs of "
        f"{len(subjects)} subjects, as in Kaggle's nerve set"
    )


def read(listing: Listing) -> Found:
    """Its samples; the subject is the first number of the name."""
    images: dict[Place, Path] = {}
    masks: dict[Place, Path] = {}
    for place, is_mask, path in _files(listing):
        files = masks if is_mask else images
        if place in files:
            raise LayoutError(
                f"{path}: expected one {'mask' if is_mask else 'image'} named {place[1]}, "
                f"found also {files[place]}; remove one"
            )
        files[place] = path
    lost = [masks[place].name for place in masks if place not in images]
    notes = [f"no image for {counted(len(lost), 'mask')}: {some(lost)}"] if lost else []
    is_repeated = len({key for _, key in images}) < len(images)
    if is_repeated:
        notes.append("the same names stand in several splits, so ids begin with the split")
    samples = (
        Sample(
            id=f"{split}_{key}" if is_repeated and split else key,
            image=path,
            subject=key.split("_")[0] if "_" in key else None,
            masks={REFERENCE: (masks[split, key],)} if (split, key) in masks else {},
            split=split,
        )
        for (split, key), path in images.items()
    )
    return Found(in_order(samples), tuple(notes))


def split_of(folder: PurePosixPath) -> str | None:
    """The split that a folder's path names, else None."""
    return next((SPLIT_WORDS[p.lower()] for p in folder.parts if p.lower() in SPLIT_WORDS), None)


def _files(listing: Listing) -> Iterator[tuple[Place, bool, Path]]:
    for folder, names in listing.folders.items():
        for name in names:
            is_mask = stem(name).endswith("_mask")
            key = stem(name).removesuffix("_mask")
            yield (split_of(folder), key), is_mask, listing.path(folder, name)
