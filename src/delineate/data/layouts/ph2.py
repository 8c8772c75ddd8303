"""PH2: dermoscopic images, a folder a lesion with folders of the image and of its mask.

`IMD003/IMD003_Dermoscopic_Image/IMD003.bmp` beside `IMD003/IMD003_lesion/IMD003_lesion.bmp`; what
lies in `IMD003_roi/` are regions of colours inside the lesion and is passed over. Nobody says whose
images these are.

Source: Mendonça et al. (2013), "PH2: a dermoscopic image database for research and benchmarking".
"""

from __future__ import annotations

import re
from pathlib import Path

from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.listing import Listing, counted, stem
from delineate.data.sample import Sample

_FOLDER = re.compile(r"(?P<case>.+?)_(?P<kind>Dermoscopic_Image|lesion|roi)", re.I)
IMAGE, MASK = "dermoscopic_image", "lesion"


def recognise(listing: Listing) -> str | None:
    """Why this is PH2, else None: every folder must be named as its own are, and one pair whole."""
    if not all(_FOLDER.fullmatch(folder.name) for folder in listing.folders):
        return None
    images, masks = _files(listing, IMAGE), _files(listing, MASK)
    pairs = len(images.keys() & masks.keys())
    if not pairs:
        return None
    return f"{counted(pairs, 'folder')} of X_Dermoscopic_Image/ beside X_lesion/, as in PH2"


def read(listing: Listing) -> Found:
    """Its samples; the lesion is the one class."""
    masks = _files(listing, MASK)
    samples = [
        Sample(name, path, masks={REFERENCE: (masks[name],)} if name in masks else {})
        for name, path in _files(listing, IMAGE).items()
    ]
    passed = sum(len(n) for f, n in listing.folders.items() if f.name.lower().endswith("_roi"))
    notes = (f"left out, for they are regions of colours: {counted(passed, 'file')}",)
    return Found(in_order(samples), notes if passed else ())


def _files(listing: Listing, kind: str) -> dict[str, Path]:
    """Case -> the file that is named after it in its folder of this kind."""
    found: dict[str, Path] = {}
    for folder, names in listing.folders.items():
        fits = _FOLDER.fullmatch(folder.name)
        if not fits or fits["kind"].lower() != kind:
            continue
        wanted = {fits["case"].lower(), folder.name.lower()}
        for name in names:
            if stem(name).lower() in wanted:
                found[fits["case"]] = listing.path(folder, name)
    return found
