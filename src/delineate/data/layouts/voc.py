"""Pascal VOC: `JPEGImages/X.jpg` with `SegmentationClass/X.png` of class indices, 255 as void.

The lists in `ImageSets/Segmentation/` say which image is in which split. So write labelme's
`labelme2voc` (with `class_names.txt`, and NumPy arrays in `SegmentationClassNpy/`) and CVAT
(colours, with `labelmap.txt`). Without a table of classes, Pascal's own 20 are meant where all
images are named as his are. Objects in `SegmentationObject/` are not read: components of a class
stand for them.

Source: Everingham et al. (2010), "The Pascal visual object classes (VOC) challenge".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.class_files import (
    Settled,
    indices_with_void,
    settled_by,
    table_file,
)
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import place_of
from delineate.data.layouts.split_lists import listed_splits
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample
from delineate.files.class_tables import VOC

IMAGES = "jpegimages"
# Where masks may lie, the better first: labelme has kept arrays under the plain name once.
MASKS = (
    "segmentationclass",
    "segmentationclasspng",
    "segmentationclassaug",
    "segmentationclassnpy",
)
LISTS = "ImageSets/Segmentation"
_PASCAL = re.compile(r"(\d{4}_)?\d{6}")


def recognise(listing: Listing) -> str | None:
    """Why this is VOC's layout, else None: masks beside images in at least one folder."""
    parts = _parts(listing)
    if not parts:
        return None
    images, masks = next(iter(parts.values()))
    return f"{images}/ beside {masks}/, as in Pascal VOC"


def read(listing: Listing) -> Found:
    """Its samples; the subject is unknown, the split as the lists say."""
    notes: list[str] = []
    samples: list[Sample] = []
    parts = _parts(listing)
    for part, (images, masks) in parts.items():
        told: list[str] = []
        own = _samples(listing.under(str(part)), images, masks, told)
        notes += told if len(parts) == 1 else [f"{part}/: {note}" for note in told]
        split = place_of(part).split
        samples += [replace(s, split=s.split or split) for s in own]
    if not any(sample.masks for sample in samples):
        raise LayoutError(
            f"{listing.root}: expected masks named like the images, found none; rename them, "
            "or write a manifest CSV"
        )
    found = in_order(with_places(samples, listing.root))
    drawn = [file for sample in found for file in sample.masks.get(REFERENCE, ())]
    settled = _settled(listing, found, drawn)
    if settled is None:
        indices = indices_with_void(drawn)
        encodings = {REFERENCE: indices} if indices else {}
        return Found(found, tuple(notes), encodings=encodings)
    notes.append(settled.note)
    return Found(
        found, tuple(notes), encodings={REFERENCE: settled.encoding}, classes=settled.classes
    )


def _parts(listing: Listing) -> dict[PurePosixPath, tuple[str, str]]:
    """Folder of a whole set, such as `VOC2012` -> the names of its folders of images and masks."""
    parts: dict[PurePosixPath, tuple[str, str]] = {}
    for folder in listing.folders:
        if folder.name.lower() != IMAGES:
            continue
        beside = {
            other.name.lower(): other.name
            for other in (*listing.annotations, *listing.folders)
            if other.parent == folder.parent and _files(listing, other)
        }
        masks = next((beside[name] for name in MASKS if name in beside), None)
        if masks is not None:
            parts[folder.parent] = (folder.name, masks)
    return parts


def _files(listing: Listing, folder: PurePosixPath) -> dict[str, Path]:
    """Stem -> the mask in a folder: a picture, else an array."""
    arrays = [n for n in listing.annotations.get(folder, ()) if n.lower().endswith(".npy")]
    names = listing.names(folder) or arrays
    return {stem(name): listing.path(folder, name) for name in names}


def _samples(listing: Listing, images: str, masks: str, notes: list[str]) -> list[Sample]:
    own = _files(listing, PurePosixPath(masks))
    pictures = {stem(name): listing.path(images, name) for name in listing.names(images)}
    splits = listed_splits(listing, pictures, under=LISTS)
    lost = [own[name].name for name in own if name not in pictures]
    if lost:
        notes.append(f"no image for {counted(len(lost), 'mask')} in {masks}/: {some(lost)}")
    kept = {n: path for n, path in pictures.items() if n in own or n in splits or not splits}
    if len(kept) < len(pictures):
        left = counted(len(pictures) - len(kept), "image")
        notes.append(f"left out, for they have no mask and no list names them: {left}")
    return [
        Sample(
            id=name,
            image=path,
            masks={REFERENCE: (own[name],)} if name in own else {},
            split=splits.get(name),
        )
        for name, path in kept.items()
    ]


def _settled(listing: Listing, samples: Sequence[Sample], masks: Sequence[Path]) -> Settled | None:
    table = table_file(listing)
    if table is not None:
        return settled_by(table, masks)
    if all(_PASCAL.fullmatch(stem(sample.image.name)) for sample in samples):
        return settled_by(VOC, masks)
    return None
