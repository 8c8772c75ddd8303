"""Folders by what the whole image shows, with one or several masks an image that are united.

`benign/benign (12).png` beside `benign (12)_mask.png` and `benign (12)_mask_1.png`; the same in
`malignant/` and `normal/`. The masks draw one class, the lesion, whatever the folder; under the
name `class-folders-apart` the folder is the class of what is drawn in it. Nobody says whose
images these are.

Source: Al-Dhabyani et al. (2020), "Dataset of breast ultrasound images" (BUSI).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.class_names import named_classes
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import mask_name, place_of
from delineate.data.layouts.side_by_side import read_pairs
from delineate.data.listing import Listing, counted, natural_key, some, stem
from delineate.data.sample import Sample
from delineate.files.mask_encoding import MaskEncoding

# What such folders are called; of the second kind, there is nothing to draw in them.
DRAWN = frozenset(
    {"benign", "malignant", "lesion", "lesions", "tumor", "tumors", "tumour", "tumours",
     "cancer", "positive", "abnormal", "pathological", "disease", "diseased", "nodule", "polyp"}
)  # fmt: skip
EMPTY = frozenset({"normal", "healthy", "negative", "none", "control", "controls"})
_IN_BRACKETS = re.compile(r"(?P<folder>.+?) ?\(\d+\)")


def recognise(listing: Listing) -> str | None:
    """Why these are folders by class, else None.

    Two at least, with masks beside images, and either all have such names or all images are
    called after their folders, as `benign (12).png`.
    """
    folders = _folders(listing)
    kinds = sorted(set(folders.values()), key=natural_key)
    if len(kinds) < 2 or not any(_has_masks(listing, folder) for folder in folders):
        return None
    has_words = all(kind.lower() in DRAWN | EMPTY for kind in kinds)
    if not has_words and not all(_is_called_after(listing, folder) for folder in folders):
        return None
    return f"folders by class ({some(kinds)}) with masks beside images, as in BUSI"


def read(listing: Listing) -> Found:
    """Its samples, whose masks draw one class; the masks of one image are united."""
    pairs = read_pairs(listing)
    if pairs is None:
        raise LayoutError(f"{listing.root}: {listing.describe()}; no image has a mask beside")
    samples = [replace(s, subject=None, split=_split(s, listing)) for s in pairs.samples]
    united = sum(len(files) > 1 for s in samples for files in s.masks.values())
    notes = list(pairs.notes)
    if united:
        notes.append(f"several mask files each, which are united: {counted(united, 'image')}")
    notes.append(
        "the masks of all folders draw one class; with --layout class-folders-apart the folder "
        "is the class"
    )
    return Found(in_order(with_places(samples, listing.root)), tuple(notes))


def read_apart(listing: Listing) -> Found:
    """The same samples, where what a mask draws is of the class that its folder names."""
    found = read(listing)
    kinds = [k for k in dict.fromkeys(_folders(listing).values()) if k.lower() not in EMPTY]
    kinds.sort(key=natural_key)
    own = {kind: MaskEncoding("binary", label=n) for n, kind in enumerate(kinds, start=1)}
    by_file = {
        file: own[sample.image.parent.name]
        for sample in found.samples
        for files in sample.masks.values()
        for file in files
        if sample.image.parent.name in own
    }
    return replace(
        found,
        notes=found.notes[:-1],
        encodings={REFERENCE: MaskEncoding("binary")},
        file_encodings=by_file,
        classes=named_classes(kinds, listing.root),
    )


def _folders(listing: Listing) -> dict[PurePosixPath, str]:
    """Folder of images -> its class; none where a folder is of images, masks or a split alone."""
    places = {folder: place_of(_below(listing, folder)) for folder in listing.folders}
    if any(p.role or not p.rest or p.folder.name != p.rest[-1] for p in places.values()):
        return {}
    return {folder: folder.name for folder in places}


def _below(listing: Listing, folder: PurePosixPath) -> PurePosixPath:
    """A folder without what all have above them, such as `Dataset_BUSI_with_GT`."""
    parents = [f.parent.parts for f in listing.folders]
    shared = 0
    while all(len(p) > shared for p in parents) and len({p[shared] for p in parents}) == 1:
        shared += 1
    return PurePosixPath(*folder.parts[shared:])


def _split(sample: Sample, listing: Listing) -> str | None:
    folder = PurePosixPath(sample.image.parent.relative_to(listing.root).as_posix())
    return place_of(_below(listing, folder)).split


def _has_masks(listing: Listing, folder: PurePosixPath) -> bool:
    stems = {stem(name) for name in listing.names(folder)}
    return any((own := mask_name(s)) is not None and own.core in stems for s in stems)


def _is_called_after(listing: Listing, folder: PurePosixPath) -> bool:
    """Whether all files are called after their folder, with a number in brackets."""
    for name in listing.names(folder):
        own = mask_name(stem(name))
        fits = _IN_BRACKETS.fullmatch(own.core if own else stem(name))
        if not fits or fits["folder"].lower() != folder.name.lower():
            return False
    return True
