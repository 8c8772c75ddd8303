"""Masks of several classes in a folder: their table, and a file a class where they overlap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from delineate.core.overlapping import code, is_class
from delineate.core.types import IGNORE, LabelClass, Labels
from delineate.files.class_tables import write_class_table
from delineate.files.mask_decoding import read_mask
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import write_index_mask

# The table of classes that lies with the masks.
CLASSES = "classes.csv"


def class_words(classes: Sequence[LabelClass]) -> dict[int, str]:
    """Class index to what stands for it in file names; no two have the same, in any case.

    Examples:
        >>> class_words([LabelClass(1, "Optic disc", (0, 0, 0)), LabelClass(2, "cup", (0, 0, 0))])
        {1: 'Optic_disc', 2: 'cup'}
    """
    words: dict[int, str] = {}
    taken: set[str] = set()
    for one in classes:
        if one.index == 0:
            continue
        word = re.sub(r"[^\w.-]+", "_", one.name).strip("_.") or f"class_{one.index}"
        if word.lower() in taken:
            word = f"{word}_{one.index}"
        taken.add(word.lower())
        words[one.index] = word
    return words


def write_mask_classes(folder: Path, classes: Sequence[LabelClass]) -> None:
    """Say what the masks of a folder hold; two classes alone need no names.

    Raises:
        CannotWriteError: if the table cannot be written.
    """
    if len(classes) > 2:
        write_class_table(folder / CLASSES, classes)


def write_class_masks(
    folder: Path, stem: str, labels: Labels, classes: Sequence[LabelClass]
) -> tuple[Path, ...]:
    """Write codes as `STEM_mask_CLASS.png` for each class; what is ignored is 255 with a palette.

    Raises:
        CannotWriteError: if a target cannot be written.
    """
    written = []
    for index, word in class_words(classes).items():
        mask = is_class(labels, index, is_overlapping=True).astype(np.uint8)
        mask[labels == IGNORE] = IGNORE
        two = (classes[0], LabelClass(1, classes[index].name, classes[index].colour))
        written.append(folder / f"{stem}_mask_{word}.png")
        write_index_mask(written[-1], mask, two)
    return tuple(written)


def read_class_masks(folder: Path, stem: str, classes: Sequence[LabelClass]) -> Labels | None:
    """The codes that `write_class_masks` wrote under this stem; None where a file is missing.

    Raises:
        DelineateError: a file that cannot be read.
    """
    labels: Labels | None = None
    for index, word in class_words(classes).items():
        file = folder / f"{stem}_mask_{word}.png"
        if not file.is_file():
            return None
        mask = read_mask(file, MaskEncoding.parse("binary")) == 1
        labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
        labels[mask] |= np.uint8(code(index))
    return labels
