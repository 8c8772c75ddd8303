"""Classes by the names that a layout gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from delineate.core.class_colours import Colour
from delineate.core.errors import LayoutError
from delineate.core.types import IGNORE, LabelClass
from delineate.data.listing import Listing, some
from delineate.files.class_tables import (
    is_background,
    is_ignored,
    read_class_table,
    with_colours,
)

BACKGROUND = "background"
# What lists of classes are called, in the order in which they are believed.
TABLES = ("classes.csv", "labels.txt", "class_names.txt", "classes.txt", "labelmap.txt",
          "class_dict.csv")  # fmt: skip


def named_classes(
    names: Iterable[str], where: Path, colours: Mapping[str, Colour] | None = None
) -> tuple[LabelClass, ...]:
    """Background, then a class for each different name in this order, counted from 1.

    Names that mean background, or that nobody knows, are no classes. `colours` are those that
    are known: they are kept where each class has one of its own.

    Raises:
        LayoutError: no class at all, or more than labels can hold.
    """
    own = [name for name in dict.fromkeys(names) if not (is_background(name) or is_ignored(name))]
    if not 0 < len(own) < IGNORE:
        raise LayoutError(f"{where}: expected 1 to {IGNORE - 1} classes, found {len(own)}")
    known = {name: colour for name, colour in (colours or {}).items() if name in own}
    if len(set(known.values()) - {(0, 0, 0)}) < len(own):
        known = {}
    return with_colours([(BACKGROUND, (0, 0, 0)), *((name, known.get(name)) for name in own)])


def listed_classes(
    listing: Listing, folders: Sequence[PurePosixPath], used: Iterable[str]
) -> tuple[tuple[LabelClass, ...], Path] | None:
    """The classes of a list beside these folders or above them, and where it lies; else None.

    `used` are the names that the annotations hold. In the folder above the whole data set only a
    list counts that knows them all: there it may belong to something else.

    Raises:
        LayoutError: a list in the data set that lacks some of them.
    """
    wanted = [name for name in dict.fromkeys(used) if not (is_background(name) or is_ignored(name))]
    places = dict.fromkeys(place for folder in folders for place in (folder, *folder.parents))
    for place in places:
        found = [n for n in listing.annotations.get(place, ()) if n.lower() in TABLES]
        for name in sorted(found, key=lambda n: TABLES.index(n.lower())):
            path = listing.path(place, name)
            classes = read_class_table(path).classes
            lost = [name for name in wanted if name not in {each.name for each in classes}]
            if lost:
                raise LayoutError(
                    f"{path}: expected every class of the annotations, found none named "
                    f"{some(lost)}; add {'them' if len(lost) > 1 else 'it'}"
                )
            return classes, path
    for name in TABLES:
        path = listing.root.resolve().parent / name
        if path.is_file():
            classes = read_class_table(path).classes
            if set(wanted) <= {each.name for each in classes}:
                return classes, path
    return None
