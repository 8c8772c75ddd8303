"""Masks that were cropped to a box, with a CSV that says where in the image each one lies.

`images/X.png`, `masks/X.png` (or `X_mask.png`, `X_1.png`, or any name that the table gives) and a
CSV of `mask` or `image`, `x` and `y` (or `left` and `top`), perhaps `width` and `height`. Several
crops of one image are objects of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from delineate.core.errors import DelineateError, LayoutError
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import Place, image_core, mask_name, place_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample
from delineate.files.cropped_masks import Offsets, is_offset_table, read_offsets
from delineate.files.image_files import image_size
from delineate.files.mask_encoding import MaskEncoding, describe, propose, read_raw_mask

LOOKED_AT = 16  # masks that are opened to tell how all are encoded
HEADER_BYTES = 4096


@dataclass(frozen=True)
class _Crop:
    path: Path
    image: str | None
    split: str | None


def recognise(listing: Listing) -> str | None:
    """Why masks here are crops with offsets, else None: one at least smaller than its image."""
    table = _table(listing)
    if table is None:
        return None
    try:
        samples, _ = _samples(listing, read_offsets(table))
    except DelineateError:
        return None
    if not any(_is_smaller(sample) for sample in samples):
        return None
    count = sum(len(files) for sample in samples for files in sample.masks.values())
    return f"{counted(count, 'mask')} cropped to boxes, whose places {table.name} says"


def read(listing: Listing) -> Found:
    """Its samples; the table places each mask in its image.

    Raises:
        LayoutError: no table of offsets.
        UnreadableFileError: a table that cannot be read.
    """
    table = _table(listing)
    if table is None:
        raise LayoutError(
            f"{listing.root}: expected a CSV with the columns mask, x and y, found none; add it"
        )
    samples, lost = _samples(listing, read_offsets(table))
    notes = [f"no image for {counted(len(lost), 'mask')}: {some(lost)}"] if lost else []
    masks = [file for sample in samples for file in sample.masks.get(REFERENCE, ())]
    return Found(
        in_order(with_places(samples, listing.root)),
        tuple(notes),
        encodings={REFERENCE: replace(_encoding(masks), offsets=table)},
        has_instances=any(len(s.masks.get(REFERENCE, ())) > 1 for s in samples),
    )


def _table(listing: Listing) -> Path | None:
    """The CSV of offsets that lies nearest to the root."""
    for folder in sorted(listing.annotations, key=lambda f: (len(f.parts), str(f))):
        for name in listing.annotations[folder]:
            path = listing.path(folder, name)
            if name.lower().endswith(".csv") and is_offset_table(_first_line(path)):
                return path
    return None


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except OSError:  # whoever needs the file says so
        return ""
    lines = head.decode("utf-8-sig", errors="replace").replace("\0", "").splitlines()
    return lines[0] if lines else ""


def _samples(listing: Listing, offsets: Offsets) -> tuple[list[Sample], list[str]]:
    """The images with their crops, and the names of crops without an image."""
    images: dict[tuple[str | None, str], Path] = {}
    for folder, names in listing.folders.items():
        place = place_of(folder)
        if not _is_of_crops(place):
            for name in names:
                if not _is_crop(name, listing, folder):
                    images[place.split, stem(name)] = listing.path(folder, name)
    crops: dict[tuple[str | None, str], list[Path]] = defaultdict(list)
    lost: list[str] = []
    cores = {(split, image_core(name)): (split, name) for split, name in images}
    for crop in _crops(listing, offsets):
        known = _names_of(crop)
        keys = [(split, name) for split in (crop.split, None) for name in known]
        key = next(
            (k if k in images else cores[k] for k in keys if k in images or k in cores), None
        )
        if key is None:
            lost.append(crop.path.name)
        else:
            crops[key].append(crop.path)
    samples = [
        Sample(
            id=name,
            image=path,
            masks={REFERENCE: tuple(crops[split, name])} if (split, name) in crops else {},
            split=split,
        )
        for (split, name), path in images.items()
    ]
    return samples, lost


def _crops(listing: Listing, offsets: Offsets) -> Iterator[_Crop]:
    for folder, names in listing.folders.items():
        place = place_of(folder)
        for name in names:
            if _is_of_crops(place) or _is_crop(name, listing, folder):
                path = listing.path(folder, name)
                box = offsets.of(path)
                image = stem(PurePosixPath(box.image).name) if box and box.image else None
                yield _Crop(path, image if offsets.has_masks else None, place.split)


def _is_of_crops(place: Place) -> bool:
    return place.role == "mask" or (place.role is None and "crop" in place.folder.name.lower())


def _is_crop(name: str, listing: Listing, folder: PurePosixPath) -> bool:
    """Whether a file beside images is named as the mask of one of them."""
    own = mask_name(stem(name))
    return own is not None and any(stem(other) == own.core for other in listing.names(folder))


def _names_of(crop: _Crop) -> list[str]:
    """What the image of a crop may be called, the surest first."""
    name = stem(crop.path.name)
    own = mask_name(name)
    shorter = name.rpartition("_")[0]
    known = (crop.image, name, own.core if own else None, shorter)
    return [each for each in known if each]


def _is_smaller(sample: Sample) -> bool:
    files = sample.masks.get(REFERENCE, ())
    try:
        return bool(files) and image_size(files[0]) != image_size(sample.image)
    except DelineateError:  # damaged: another one may tell
        return False


def _encoding(masks: list[Path]) -> MaskEncoding:
    """That of the first masks where it is certain, else the plainest: it refuses what differs."""
    findings = []
    for file in masks[:LOOKED_AT]:
        try:
            findings.append(describe(read_raw_mask(file)))
        except DelineateError:  # whoever reads the labels says what is wrong with it
            continue
    proposal = propose(findings) if findings else None
    return proposal.encoding if proposal and proposal.is_certain else MaskEncoding("binary")
