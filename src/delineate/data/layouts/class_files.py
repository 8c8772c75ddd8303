"""What a set says of its classes in a file of its own: names, colours, values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.types import IGNORE, LabelClass
from delineate.data.listing import Listing
from delineate.files.class_tables import PACKAGED, ClassTable, read_class_table, with_palette
from delineate.files.mask_encoding import MaskEncoding, RawMask, decode, read_raw_mask

# In the order in which they are believed: those that tell colours first.
TABLES = (
    "classes.csv",
    "class_dict.csv",
    "class_dictionary.csv",
    "label_colors.txt",
    "label_colours.txt",
    "labelmap.txt",
    "class_names.txt",
    "classes.txt",
    "labels.txt",
    "codes.txt",
)
FEW = 8  # masks that are opened at most


@dataclass(frozen=True)
class Settled:
    """How the masks are encoded, which classes they hold, and how that is known."""

    encoding: MaskEncoding
    classes: tuple[LabelClass, ...]
    note: str


def table_file(listing: Listing) -> Path | None:
    """The table of classes that lies nearest to the root, else None."""
    for folder in sorted(listing.annotations, key=lambda f: (len(f.parts), str(f))):
        by_name = {name.lower(): name for name in listing.annotations[folder]}
        for name in TABLES:
            if name in by_name:
                return listing.path(folder, by_name[name])
    return None


def settled_by(table: Path | str, masks: Iterable[Path]) -> Settled | None:
    """What a table says of these masks; None where it does not fit the first that can be read.

    Masks of colours need a table of colours; one colour that the set's own table does not list is
    an error of the mask. Masks of numbers have 255 as unknown unless the table says otherwise.

    Raises:
        UnreadableFileError: a table that cannot be read.
    """
    known = read_class_table(table)
    name = table.name if isinstance(table, Path) else f"those of {table}"
    raw = _first(masks)
    if raw is not None and raw.is_colour:
        if not known.has_colours:
            return None
        encoding = MaskEncoding("colours", colours_file=Path(table))
        if table in PACKAGED and not _decodes(raw, encoding, known):
            return None
        return Settled(encoding, known.classes, f"names of classes, by colour: {name}")
    classes = known.classes
    if raw is not None and known.is_plain and not known.has_colours:
        classes = with_palette(classes, raw.palette)
    return Settled(_of_values(known, table), classes, f"names of classes: {name}")


def fitting(listing: Listing, masks: Sequence[Path]) -> Settled | None:
    """What a table that lies in the set says of its masks; None where it is of something else.

    It must list all that the first mask of several values holds, and numbers need a background
    in it: a list of names alone may count from 0 or from 1.
    """
    file = table_file(listing)
    raw = _first(masks, at_least=2)
    if file is None or raw is None or len(file.relative_to(listing.root).parts) > 2:
        return None
    try:
        known = read_class_table(file)
        encodings = [MaskEncoding("colours", colours_file=file)] if known.has_colours else []
        if known.lookup[0] == 0 and not (raw.is_colour or _is_black_and_white(raw)):
            encodings.append(_of_values(known, file))
        for encoding in encodings:
            if _decodes(raw, encoding, known):
                note = f"names of classes: {file.name}"
                return Settled(encoding, known.classes, note)
    except DelineateError:
        return None
    return None


def indices_with_void(masks: Sequence[Path]) -> MaskEncoding | None:
    """Indices with 255 as unknown, where the first mask holds neither colours nor 0 and 255 alone.

    For layouts whose masks are known to be so, where soft greys would be suspected elsewhere.
    """
    raw = _first(masks, at_least=2)
    if raw is None or raw.is_colour or raw.is_lossy or _is_black_and_white(raw):
        return None
    return MaskEncoding("index", ignore=IGNORE)


def _decodes(raw: RawMask, encoding: MaskEncoding, known: ClassTable) -> bool:
    try:
        labels = decode(raw, encoding, path=Path())
    except DelineateError:
        return False
    return bool(((labels < len(known.classes)) | (labels == IGNORE)).all())


def _is_black_and_white(raw: RawMask) -> bool:
    return raw.palette is None and bool(np.isin(raw.values, (0, IGNORE)).all())


def _of_values(known: ClassTable, table: Path | str) -> MaskEncoding:
    says_unknown = any(row.value in (-1, IGNORE) for row in known.rows)
    ignore = None if says_unknown and not known.is_plain else IGNORE
    if known.is_plain:
        return MaskEncoding("index", ignore=ignore)
    return MaskEncoding("values", table=str(table), ignore=ignore)


def _first(masks: Iterable[Path], *, at_least: int = 1) -> RawMask | None:
    """The first mask that can be read and holds so many values, of the first few."""
    for file, _ in zip(masks, range(FEW), strict=False):
        try:
            raw = read_raw_mask(file)
        except DelineateError:  # whoever reads the labels says what is wrong with it
            continue
        if raw.is_colour or len(np.unique(raw.values)) >= at_least:
            return raw
    return None
