"""LGG: slices of brain MRI with FLAIR abnormalities, a folder a patient.

`TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_1.tif` beside `..._1_mask.tif`, as Kaggle's
`kaggle_3m`; the three channels are pre-contrast, FLAIR and post-contrast. Splits as folders
above, masks in folders of their own and other image endings are read too.

Source: Buda, Saha and Mazurowski (2019), "Association of genomic subtypes of lower-grade gliomas
with shape features automatically extracted by a deep learning algorithm".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.layouts.nerve import split_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample

_NAME = re.compile(r"(?P<patient>TCGA_\w{2}_\w+?_\d{8})_(?P<slice>\d+)(?P<mask>_mask)?", re.I)
Place = tuple[str | None, str]  # split, name of the slice


def recognise(listing: Listing) -> str | None:
    """Why this is LGG's layout, else None: every name must fit, and one pair be whole."""
    images: set[str] = set()
    masks: set[str] = set()
    patients: set[str] = set()
    for names in listing.folders.values():
        for name in names:
            fits = _NAME.fullmatch(stem(name))
            if not fits:
                return None
            patients.add(fits["patient"].upper())
            (masks if fits["mask"] else images).add(_key(name))
    pairs = len(images & masks)
    if not pairs:
        return None
    return (
        f"all names are TCGA_PATIENT_N or TCGA_PATIENT_N_mask: {counted(pairs, 'pair')} of "
        f"{counted(len(patients), 'patient')}, as in LGG"
    )


def read(listing: Listing) -> Found:
    """Its samples; the subject is the patient with the date of the scan."""
    images: dict[Place, Path] = {}
    masks: dict[Place, Path] = {}
    repeated: list[Path] = []
    for place, is_mask, path in _files(listing):
        files = masks if is_mask else images
        if place not in files:
            files[place] = path
        elif files[place].parent == path.parent:
            raise LayoutError(
                f"{path}: expected one {'mask' if is_mask else 'image'} of this name, "
                f"found also {files[place].name}; remove one"
            )
        else:
            repeated.append(path)
    notes = []
    if repeated:
        notes.append(
            f"left out, for a file of the same name lies above: {counted(len(repeated), 'file')}, "
            f"such as {repeated[0].relative_to(listing.root)}"
        )
    lost = [masks[place].name for place in masks if place not in images]
    if lost:
        notes.append(f"no image for {counted(len(lost), 'mask')}: {some(lost)}")
    is_shared = len({key for _, key in images}) < len(images)
    if is_shared:
        notes.append("the same names stand in several splits, so ids begin with the split")
    samples = (
        Sample(
            id=f"{split}_{stem(path.name)}" if is_shared and split else stem(path.name),
            image=path,
            subject=_patient(path.name),
            masks={REFERENCE: (masks[split, key],)} if (split, key) in masks else {},
            split=split,
        )
        for (split, key), path in images.items()
    )
    return Found(in_order(samples), tuple(notes))


def _files(listing: Listing) -> Iterator[tuple[Place, bool, Path]]:
    """Every file, those nearest to the root first: Kaggle's archive holds the set twice."""
    for folder in sorted(listing.folders, key=lambda f: len(f.parts)):
        for name in listing.names(folder):
            is_mask = stem(name).lower().endswith("_mask")
            yield (split_of(folder), _key(name)), is_mask, listing.path(folder, name)


def _key(name: str) -> str:
    return stem(name).lower().removesuffix("_mask")


def _patient(name: str) -> str:
    fits = _NAME.fullmatch(stem(name))
    return fits["patient"] if fits else stem(name)
