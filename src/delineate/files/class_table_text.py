"""The lines of a table of classes in any of its forms, before classes are counted."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.class_colours import Colour
from delineate.core.errors import UnreadableFileError

# Column names in use, lower case without spaces and underscores.
_NAMES = ("name", "classname", "class", "label", "labelname", "category", "title")
_VALUES = ("value", "index", "idx", "id", "classid", "labelid", "number", "code", "label")
_CHANNELS = (("red", "r"), ("green", "g"), ("blue", "b"))
_COLOURS = ("colour", "color", "rgb", "hex", "colorrgb")
MOST_LETTERS = 1000
CLASS_COLUMN = "class"  # of our own tables, beside the column `name`
_CVAT = re.compile(r"(?P<name>[^:]+):(?P<colour>\d+,\d+,\d+)?:[^:]*:[^:]*")
_COLOUR_FIRST = re.compile(r"(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*)")
_COLOUR_LAST = re.compile(r"(.*\S)[\s,;]+(\d+)[\s,;]+(\d+)[\s,;]+(\d+)")
_NUMBERED = re.compile(r"(-?\d+)\s*[:,;\t ]\s*(\D.*)")


@dataclass(frozen=True)
class TableLine:
    """A row as it stands: `value` is that of pixels, its place where the table has none.

    `index` is the number of the class where the table says it in a column of its own.
    """

    number: int
    name: str
    colour: Colour | None
    value: int
    is_ignored: bool = False
    index: int | None = None


def table_lines(path: Path, text: str, *, value: str | None = None) -> list[TableLine]:
    """The rows of a table; `value` is the column that holds the values, where it has several.

    Raises:
        UnreadableFileError: naming the row and what is wrong with it.
    """
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise UnreadableFileError(f"{path}: expected a table of classes, found an empty file")
    rows = [line for _, line in lines]
    if "\0" in text or max(map(len, rows)) > MOST_LETTERS:
        raise UnreadableFileError(
            f"{path}: expected a table of classes, found bytes or lines that no table has; "
            "name the right file"
        )
    if all(_CVAT.fullmatch(row) for row in rows):
        found = [_of_cvat(path, number, row, at) for at, (number, row) in enumerate(lines)]
    elif header := _header(rows[0]):
        found = _of_csv(path, lines, header, value)
    elif all(_COLOUR_FIRST.fullmatch(row) for row in rows):
        found = [_of_words(path, n, _COLOUR_FIRST, row, at) for at, (n, row) in enumerate(lines)]
    elif all(_COLOUR_LAST.fullmatch(row) for row in rows):
        found = [_of_words(path, n, _COLOUR_LAST, row, at) for at, (n, row) in enumerate(lines)]
    else:
        found = _of_names(path, lines)
    repeated = [v for v, count in Counter(line.value for line in found).items() if count > 1]
    if repeated and value is None:
        rows_of = [line.number for line in found if line.value == repeated[0]]
        raise UnreadableFileError(
            f"{path}: rows {rows_of[0]} and {rows_of[1]} have the value {repeated[0]}; "
            "give each value one row"
        )
    return found


def _of_cvat(path: Path, number: int, row: str, place: int) -> TableLine:
    parts = row.split(":")
    colour = _colour(path, number, row, parts[1].split(",")) if parts[1] else None
    return TableLine(number, parts[0].strip(), colour, place)


def _of_words(path: Path, number: int, form: re.Pattern[str], row: str, place: int) -> TableLine:
    found = form.fullmatch(row)
    words = list(found.groups()) if found else []
    name = words.pop(3 if form is _COLOUR_FIRST else 0).strip().strip('"')
    return TableLine(number, name, _colour(path, number, row, words), place)


def _of_names(path: Path, lines: Sequence[tuple[int, str]]) -> list[TableLine]:
    """`name` a line, or `7 name`; a first line `__ignore__` has the value -1, as in labelme."""
    numbered = [_NUMBERED.fullmatch(row) for _, row in lines]
    if all(numbered):
        return [
            TableLine(number, found[2].strip(), None, _value(path, number, found[1]))
            for (number, _), found in zip(lines, numbered, strict=True)
            if found
        ]
    first = -1 if lines[0][1].lower() == "__ignore__" else 0
    return [TableLine(n, row.rstrip(",;"), None, first + at) for at, (n, row) in enumerate(lines)]


def _header(row: str) -> list[str] | None:
    """The columns of a first row that names them, else None."""
    cells = [_folded(cell) for cell in next(csv.reader([row], delimiter=_separator(row)))]
    channels = [name for pair in _CHANNELS for name in pair]
    others = {*_VALUES, *_COLOURS, *channels} - {"label"}
    is_header = any(cell in _NAMES for cell in cells) and any(cell in others for cell in cells)
    return cells if is_header else None


def _of_csv(
    path: Path, lines: Sequence[tuple[int, str]], header: list[str], value: str | None
) -> list[TableLine]:
    name_at = next(header.index(name) for name in _NAMES if name in header)
    wanted = (_folded(value),) if value else _VALUES
    value_at = next(
        (header.index(n) for n in wanted if n in header and header.index(n) != name_at), None
    )
    channels = [next((header.index(n) for n in pair if n in header), None) for pair in _CHANNELS]
    colour_at = next((header.index(n) for n in _COLOURS if n in header), None)
    is_ours = header[:2] == [CLASS_COLUMN, "name"]
    class_at = 0 if is_ours else None
    separator = _separator(lines[0][1])
    found: list[TableLine] = []
    for place, (number, row) in enumerate(lines[1:]):
        cells = [cell.strip() for cell in next(csv.reader([row], delimiter=separator))]
        if len(cells) != len(header) or not cells[name_at]:
            what = "a name and three numbers from 0 to 255" if None not in channels else "a name"
            raise UnreadableFileError(
                f"{path}: row {number}: expected {what} in {len(header)} cells, found {row!r}"
            )
        colour: Colour | None = None
        if all(at is not None for at in channels):
            colour = _colour(path, number, row, [cells[at] for at in channels if at is not None])
        elif colour_at is not None and cells[colour_at]:
            colour = _colour(path, number, row, _channels_of(cells[colour_at]))
        own = place if value_at is None else _value(path, number, cells[value_at])
        index = None if class_at is None else _value(path, number, cells[class_at])
        found.append(TableLine(number, cells[name_at], colour, own, index=index))
    if not found:
        raise UnreadableFileError(f"{path}: expected a row for each class, found the header alone")
    return found


def _channels_of(cell: str) -> list[str]:
    """Three numbers of `#80ff00` or `128 255 0`."""
    if re.fullmatch(r"#?[0-9a-fA-F]{6}", cell):
        digits = cell.removeprefix("#")
        return [str(int(digits[at : at + 2], 16)) for at in (0, 2, 4)]
    return re.findall(r"[^\s,;()\[\]]+", cell)


def _colour(path: Path, number: int, row: str, cells: Sequence[str]) -> Colour:
    numbers = [int(c) for c in cells if c.isascii() and c.isdigit() and len(c) < 4 and int(c) < 256]
    if len(cells) != 3 or len(numbers) != 3:
        raise UnreadableFileError(
            f"{path}: row {number}: expected a name and three numbers from 0 to 255, found {row!r}"
        )
    return numbers[0], numbers[1], numbers[2]


def _value(path: Path, number: int, cell: str) -> int:
    value = _whole(cell)
    if not -1 <= value <= 65535:
        raise UnreadableFileError(
            f"{path}: row {number}: expected a whole number from 0 to 65535 as value of the "
            f"pixels, or -1 for 255, found '{cell}'"
        )
    return value


def _whole(text: str) -> int:
    """The number, or one that no pixel has where the text is none."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,6}", text) else -2


def _separator(row: str) -> str:
    return max(",;\t", key=row.count)


def _folded(text: str) -> str:
    return text.strip().strip('"').lower().replace(" ", "").replace("_", "")
