"""Tables of classes: names, colours and the values of pixels, in the forms that are in use.

A CSV with a header (`class_dict.csv`: name, r, g, b), lines of `red green blue name`
(`label_colors.txt`), CVAT's `labelmap.txt` (`name:red,green,blue::`), or names alone, one a line
(`labels.txt`, `class_names.txt`), whose values are their places.

What is called background or unlabelled is class 0; what is called ignore, void or unknown is
`IGNORE`; all others are counted from 1 in the order of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.class_colours import MOST, Colour, class_colours
from delineate.core.errors import UnreadableFileError
from delineate.core.types import IGNORE, LabelClass
from delineate.files.class_table_text import CLASS_COLUMN, TableLine, table_lines
from delineate.files.writing import write_csv

BACKGROUND_NAMES = frozenset(
    {"background", "unlabelled", "unlabeled", "bg", "none", "backgroundclass", "nolabel"}
)
IGNORE_NAMES = frozenset({"ignore", "ignored", "void", "unknown", "dontcare"})
TABLE_HEADER = ("name", "red", "green", "blue")
# What a set without a background calls pixels of none of its classes: there are none.
NO_CLASS = "unlabelled"
# Tables that come with the package, by the name that `values:TABLE` gives them.
CAMVID, LABEL_IDS, TRAIN_IDS = "camvid", "cityscapes-labelids", "cityscapes-trainids"
VOC = "voc"
PACKAGED = {
    VOC: ("voc.csv", "value"),
    CAMVID: ("camvid.csv", "value"),
    LABEL_IDS: ("cityscapes.csv", "label_id"),
    TRAIN_IDS: ("cityscapes.csv", "train_id"),
}
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class TableRow:
    """One row: the class that it means, 0, or `IGNORE`; its colour and value where they are said.

    `value` is that of a pixel in masks of numbers; -1 is stored there as 255.
    """

    index: int
    name: str
    colour: Colour | None
    value: int


@dataclass(frozen=True)
class ClassTable:
    """The rows of a table, in its order."""

    rows: tuple[TableRow, ...]

    @cached_property
    def classes(self) -> tuple[LabelClass, ...]:
        """Class 0, then every class; those without a colour get one that is not taken."""
        named: dict[int, tuple[str, Colour | None]] = {}
        for row in self.rows:
            if row.index != IGNORE:
                named.setdefault(row.index, (row.name, row.colour))
        named.setdefault(0, (NO_CLASS, (0, 0, 0)))
        return with_colours([named[index] for index in sorted(named)])

    @property
    def has_colours(self) -> bool:
        """Whether every row says its colour."""
        return all(row.colour is not None for row in self.rows)

    @property
    def is_plain(self) -> bool:
        """Whether values are class indices already, but for 255 as unknown."""
        return all(row.index == (IGNORE if row.value == -1 else row.value) for row in self.rows)

    @cached_property
    def lookup(self) -> NDArray[np.int16]:
        """(65536,) the class that each value means, -1 where the table does not say."""
        found = np.full(1 << 16, -1, np.int16)
        for row in self.rows:
            found[IGNORE if row.value == -1 else row.value] = row.index
        return found


def with_colours(named: Sequence[tuple[str, Colour | None]]) -> tuple[LabelClass, ...]:
    """Classes counted from 0; without a colour, or with that of another, they get a free one."""
    free = [c for c in class_colours(MOST)[1:] if c not in {colour for _, colour in named}]
    left = iter(free)
    classes: list[LabelClass] = []
    for index, (name, colour) in enumerate(named):
        if index == 0:
            own = colour or (0, 0, 0)
        elif colour is None or any(colour == c.colour for c in classes):
            own = next(left)
        else:
            own = colour
        classes.append(LabelClass(index, name, own))
    return tuple(classes)


def with_palette(
    classes: Sequence[LabelClass], palette: NDArray[np.uint8] | None
) -> tuple[LabelClass, ...]:
    """The classes in the colours of a palette, where it gives each one of its own, none black."""
    if palette is None or len(classes) > len(palette):
        return tuple(classes)
    own: list[Colour] = [(int(r), int(g), int(b)) for r, g, b in palette[: len(classes)]]
    lit = own[1:]
    is_grey = all(max(c) - min(c) <= 4 for c in lit)
    if is_grey or len(set(lit)) < len(lit) or own[0] in lit or (0, 0, 0) in lit:
        return tuple(classes)
    return tuple(replace(c, colour=colour) for c, colour in zip(classes, own, strict=True))


def read_class_table(table: Path | str) -> ClassTable:
    """The table in a file, or the one that comes with the package under this name.

    Raises:
        UnreadableFileError: naming the row and what is wrong with it.
    """
    if str(table) in PACKAGED:
        return _packaged(str(table))
    path = Path(table)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            f"{path}: the table of classes cannot be read: {getattr(error, 'strerror', error)}; "
            f"expected a CSV with the columns {', '.join(TABLE_HEADER)}, "
            f"or one of {', '.join(PACKAGED)}"
        ) from error
    return _table(path, status.st_mtime_ns)


def read_colour_table(path: Path) -> ClassTable:
    """The table in a file that says a colour for every row, each another.

    Raises:
        UnreadableFileError: as `read_class_table`; or a row without a colour, or with that of
            another.
    """
    table = read_class_table(path)
    if not table.has_colours:
        raise UnreadableFileError(
            f"{path}: expected a colour for each class (columns {', '.join(TABLE_HEADER)}), "
            "found names without colours; add them"
        )
    first: dict[Colour | None, TableRow] = {}
    for row in table.rows:
        before = first.setdefault(row.colour, row)
        if before.index != row.index:
            raise UnreadableFileError(
                f"{path}: '{row.name}' has the colour of '{before.name}'; "
                "give each class a colour of its own"
            )
    return table


def write_class_table(path: Path, classes: Iterable[LabelClass]) -> None:
    """Write `class,name,red,green,blue`, so that `read_class_table` gives them back.

    The numbers of classes are said: a name such as `unknown` does not make them anything else.

    Raises:
        CannotWriteError: if the target cannot be written.
    """
    write_csv(path, (CLASS_COLUMN, *TABLE_HEADER), [(c.index, c.name, *c.colour) for c in classes])


def is_background(name: str) -> bool:
    """Whether a name stands for none of the classes."""
    return _folded(name) in BACKGROUND_NAMES


def is_ignored(name: str) -> bool:
    """Whether a name stands for what nobody knows."""
    return _folded(name) in IGNORE_NAMES


@lru_cache(maxsize=16)
def _table(path: Path, _changed: int) -> ClassTable:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFileError(
            f"{path}: the table of classes cannot be read: {error.strerror}; check access"
        ) from error
    if len(content) > MOST_BYTES:
        raise UnreadableFileError(
            f"{path}: expected a table of classes, found more than {MOST_BYTES} bytes; "
            "name the right file"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{path}: expected a table of classes in UTF-8, found other bytes; save it as UTF-8"
        ) from error
    return _numbered(path, table_lines(path, text))


@lru_cache(maxsize=len(PACKAGED))
def _packaged(name: str) -> ClassTable:
    file, column = PACKAGED[name]
    text = (resources.files("delineate.files") / "tables" / file).read_text(encoding="utf-8")
    lines = table_lines(Path(file), text, value=column)
    if name in (CAMVID, VOC):
        return _numbered(Path(file), lines)
    # All that the benchmark does not score is unknown, whatever it is called.
    train = table_lines(Path(file), text, value="train_id")
    scored = [
        replace(line, is_ignored=own.value == IGNORE)
        for line, own in zip(lines, train, strict=True)
    ]
    return _numbered(Path(file), scored)


def _numbered(path: Path, lines: Sequence[TableLine]) -> ClassTable:
    if any(line.index is not None for line in lines):
        return _as_written(path, lines)
    indices: dict[str, int] = {}
    rows: list[TableRow] = []
    for line in lines:
        if line.is_ignored or is_ignored(line.name):
            index = IGNORE
        elif is_background(line.name):
            index = 0
        else:
            index = indices.setdefault(line.name, len(indices) + 1)
        rows.append(TableRow(index, line.name, line.colour, line.value))
    if not 1 <= len(indices) < IGNORE - 1:
        raise UnreadableFileError(
            f"{path}: expected 1 to {IGNORE - 2} classes beside background and ignore, "
            f"found {len(indices)}"
        )
    return ClassTable(tuple(rows))


def _as_written(path: Path, lines: Sequence[TableLine]) -> ClassTable:
    """The table of `write_class_table`, whose names mean nothing but themselves."""
    found = [line.index for line in lines]
    if found != list(range(len(lines))) or not 2 <= len(lines) < IGNORE:
        raise UnreadableFileError(
            f"{path}: expected the classes 0, 1, 2 and so on to {IGNORE - 1} at most in the column "
            f"{CLASS_COLUMN}, found {', '.join(map(str, found[:8]))}; number them so"
        )
    return ClassTable(tuple(TableRow(n, e.name, e.colour, n) for n, e in enumerate(lines)))


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
