"""The files of masks that decisions have changed, beside the data and never in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from delineate.auditing.review.replacing_mask import INDEX, as_png
from delineate.core.checks import sha256_of_text
from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import labels_of_palette_png
from delineate.files.writing import cannot_write, write_bytes


def write_changed(
    folder: Path, sample: str, observer: str, *, png: bytes, is_overlapping: bool
) -> dict[Path, MaskEncoding]:
    """The files that now hold a mask, one for each class where these overlap, and encodings.

    `png` has class indices, or codes where classes overlap.

    Raises:
        CannotWriteError: if one cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    path = folder / _name(sample, observer)
    if not is_overlapping:
        write_bytes(path, png)
        return {path: INDEX}
    labels = labels_of_palette_png(png)
    files: dict[Path, MaskEncoding] = {}
    for index in classes_in(labels, is_overlapping=True) or (1,):
        file = path.with_name(f"{path.stem}_{index}.png")
        single = is_class(labels, index, is_overlapping=True) * np.uint8(index)
        single[labels == IGNORE] = IGNORE
        write_bytes(file, as_png(single))
        files[file] = INDEX
    return files


def _name(sample: str, observer: str) -> str:
    """A file name that no other sample or observer has, and that shows which one it is."""
    shown = re.sub(r"[^A-Za-z0-9.-]+", "_", sample)[-80:]
    return f"{shown}_{sha256_of_text(f'{sample}|{observer}')[:8]}.png"
