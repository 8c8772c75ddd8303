"""CamVid: street scenes from four video sequences, in 11 classes and void.

`train/0001TP_006690.png` with `trainannot/0001TP_006690.png` and the same for val and test, of
the values 0 (sky) to 10 and 11 for void, as SegNet's authors give it; or masks of colours named
`_L` with `class_dict.csv` or `label_colors.txt`; or of numbers named `_P` with `codes.txt`.

Neighbouring frames of one sequence are nearly the same picture: the sequence is the subject. The
usual split shares sequences.

Source: Brostow, Fauqueur and Cipolla (2009), "Semantic object classes in video"; Badrinarayanan,
Kendall and Cipolla (2017), "SegNet".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.data.layouts.class_files import settled_by, table_file
from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.layouts.names import place_of
from delineate.data.layouts.split_lists import listed_splits
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample
from delineate.files.class_tables import CAMVID

_NAME = re.compile(
    r"(?P<id>(?P<sequence>0001TP|0006R0|0016E5|Seq05VD)_f?\d+)(?P<mask>_[LP])?", re.I
)


@dataclass(frozen=True)
class _File:
    id: str
    split: str | None
    is_mask: bool
    path: Path


def recognise(listing: Listing) -> str | None:
    """Why this is CamVid, else None: every name must be of its sequences, and one pair whole."""
    if not all(_NAME.fullmatch(stem(n)) for names in listing.folders.values() for n in names):
        return None
    files = list(_files(listing))
    images, masks = ({f.id for f in files if f.is_mask == kind} for kind in (False, True))
    pairs = len(images & masks)
    if not pairs:
        return None
    sequences = {id_.split("_")[0] for id_ in images}
    return (
        f"{counted(pairs, 'frame')} with masks of the sequences {', '.join(sorted(sequences))}, "
        "as in CamVid"
    )


def read(listing: Listing) -> Found:
    """Its samples; the subject is the sequence."""
    images: dict[str, _File] = {}
    masks: dict[str, _File] = {}
    for file in _files(listing):
        files = masks if file.is_mask else images
        before = files.setdefault(file.id, file)
        if before is not file:
            raise LayoutError(
                f"{file.path}: expected one {'mask' if file.is_mask else 'image'} of this name, "
                f"found also {before.path}; remove one"
            )
    notes: list[str] = []
    lost = [file.path.name for id_, file in masks.items() if id_ not in images]
    if lost:
        notes.append(f"no image for {counted(len(lost), 'mask')}: {some(lost)}")
    splits = {} if any(f.split for f in images.values()) else listed_splits(listing, images)
    samples = [
        Sample(
            id=id_,
            image=file.path,
            subject=id_.split("_")[0],
            masks={REFERENCE: (masks[id_].path,)} if id_ in masks else {},
            split=file.split or splits.get(id_),
        )
        for id_, file in images.items()
    ]
    table = table_file(listing)
    settled = settled_by(table or CAMVID, (m.path for m in masks.values()))
    if settled is None:
        notes.append("the masks hold colours, and no class_dict.csv or label_colors.txt names them")
        return Found(in_order(samples), tuple(notes))
    notes.append(settled.note)
    return Found(
        in_order(samples),
        tuple(notes),
        encodings={REFERENCE: settled.encoding},
        classes=settled.classes,
    )


def _files(listing: Listing) -> Iterator[_File]:
    for folder, names in listing.folders.items():
        place = place_of(folder)
        for name in names:
            fits = _NAME.fullmatch(stem(name))
            if fits:
                is_mask = bool(fits["mask"]) or place.role == "mask"
                yield _File(fits["id"], place.split, is_mask, listing.path(folder, name))
