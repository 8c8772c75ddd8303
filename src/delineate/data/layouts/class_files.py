"""What a set says of its classes in a file of its own: names, colours, values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import DelineateError
from delineate.core.types import IGNORE, LabelClass
from delineate.data.listing import Listing
from delineate.files.class_tables import ClassTable, read_class_table, with_palette
from delineate.files.mask_encoding import MaskEncoding, RawMask, read_raw_mask

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

    Masks of colours need a table of colours; masks of numbers have 255 as unknown unless the
    table says otherwise.

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
        return Settled(encoding, known.classes, f"names of classes, by colour: {name}")
    classes = known.classes
    if raw is not None and known.is_plain and not known.has_colours:
        classes = with_palette(classes, raw.palette)
    return Settled(_of_values(known, table), classes, f"names of classes: {name}")


def _of_values(known: ClassTable, table: Path | str) -> MaskEncoding:
    says_unknown = any(row.value in (-1, IGNORE) for row in known.rows)
    ignore = None if says_unknown and not known.is_plain else IGNORE
    if known.is_plain:
        return MaskEncoding("index", ignore=ignore)
    return MaskEncoding("values", table=str(table), ignore=ignore)


def _first(masks: Iterable[Path]) -> RawMask | None:
    """The first mask that can be read, of the first few."""
    for file, _ in zip(masks, range(3), strict=False):
        try:
            return read_raw_mask(file)
        except DelineateError:  # whoever reads the labels says what is wrong with it
            continue
    return None
