"""Tables of run lengths: a row an image or an object, the image's name first.

Kaggle's nerve set names an image by the columns `subject` and `img` or, in a submission, `img`
alone, with the runs under `pixels`; SIIM's has `fname,mask` or `ImageId,EncodedPixels`. A column
`ClassId`, as in Severstal's steel set, says which class was drawn: by name, or by number from 1;
or one cell says both, as `Image_Label` of the clouds set with `0011165.jpg_Fish`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import DrawnObject, LabelClass
from delineate.files.class_names import index_named, indices_by_name
from delineate.files.formats import read_content
from delineate.files.json_values import parsed_once
from delineate.files.run_lengths import nerve_mask, siim_mask

# Lower case, without what stands between words.
_JOINT_COLUMNS = ("imagelabel", "imageidclassid")
_IMAGE_COLUMNS = ("imageid", "img", "image", "fname", "filename", "id", *_JOINT_COLUMNS)
_RUN_COLUMNS = ("encodedpixels", "pixels", "mask", "rle", "segmentation")
_CLASS_COLUMNS = ("classid", "class", "label")
_SUBJECT_COLUMN = "subject"


@dataclass(frozen=True)
class RunRow:
    """One row: its number in the file (the header is row 1), its class as written, its runs."""

    number: int
    class_name: str | None
    runs: str


@dataclass(frozen=True)
class RunTable:
    """Rows by image, in the order of the file, and whether they name classes."""

    rows: Mapping[str, Sequence[RunRow]]
    has_classes: bool

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as written, each once, in the order of the file."""
        names = (row.class_name for rows in self.rows.values() for row in rows)
        return tuple(dict.fromkeys(name for name in names if name is not None))


def is_run_table(header: Sequence[str]) -> bool:
    """Whether a header names images and run lengths."""
    names = [_plain(cell) for cell in header]
    return _first(names, _IMAGE_COLUMNS) is not None and _first(names, _RUN_COLUMNS) is not None


def read_run_table(path: Path) -> RunTable:
    """A table of run lengths, read once for all its images; cells are stripped.

    Raises:
        UnreadableFileError: no such table, or a row with more or fewer cells than the header.
    """
    return parsed_once(Path(path), _read)


def run_length_objects(
    path: Path,
    classes: Sequence[LabelClass],
    *,
    entry: str | None,
    size: Size,
    is_relative: bool,
) -> Iterator[DrawnObject]:
    """What the rows of one image draw, a row an object; rows of an empty mask draw none.

    `is_relative` is SIIM's form, the other the nerve form. Without a column of classes all rows
    draw class 1.

    Raises:
        UnreadableFileError: no row for the image, or runs that do not fit it.
    """
    table = read_run_table(path)
    rows = table.rows.get(entry or "")
    if rows is None:
        raise UnreadableFileError(
            f"{path}: expected a row for '{entry}', found none; add it, or leave the image out"
        )
    read = siim_mask if is_relative else nerve_mask
    indices = indices_by_name(classes)
    for row in rows:
        where = f"{path}: row {row.number}"
        mask = read(row.runs, size, where=where)
        if mask.any():
            yield DrawnObject(_label(row, indices, where), mask)


def _label(row: RunRow, indices: Mapping[str, int], where: str) -> int:
    name = row.class_name
    if name is None:
        return 1
    if name not in indices and name.isascii() and name.isdecimal() and len(name) < 4:
        number = int(name)
        if number in indices.values() and number > 0:
            return number
    return index_named(name, indices, where)


def _read(path: Path) -> RunTable:
    try:
        lines = read_content(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UnreadableFileError(
            f"{path}: expected a CSV in UTF-8, found other bytes; export it anew"
        ) from None
    header, *rest = _cells(path, lines) if lines else [(1, [])]
    names = [_plain(cell) for cell in header[1]]
    image, runs = _first(names, _IMAGE_COLUMNS), _first(names, _RUN_COLUMNS)
    if image is None or runs is None:
        raise UnreadableFileError(
            f"{path}: expected a header such as ImageId,EncodedPixels or img,pixels, found "
            f"'{','.join(header[1])[:80]}'; name the right file"
        )
    is_joint = names[image] in _JOINT_COLUMNS
    kind = None if is_joint else _first(names, _CLASS_COLUMNS)
    subject = names.index(_SUBJECT_COLUMN) if _SUBJECT_COLUMN in names else None
    rows: dict[str, list[RunRow]] = {}
    for number, cells in rest:
        if len(cells) != len(names):
            raise UnreadableFileError(
                f"{path}: row {number}: expected {len(names)} cells, found {len(cells)}; the file "
                "was cut short or its separator is not a comma"
            )
        name = cells[image] if subject is None else f"{cells[subject]}_{cells[image]}"
        drawn = cells[kind] if kind is not None else None
        if is_joint:
            name, _, drawn = name.rpartition("_")
        row = RunRow(number, drawn, cells[runs])
        rows.setdefault(name, []).append(row)
    return RunTable(rows, is_joint or kind is not None)


def _cells(path: Path, lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    # The runs of one large object are longer than what this module allows a cell at first.
    csv.field_size_limit(sys.maxsize)
    table = csv.reader(lines)
    try:
        return [
            (table.line_num, [cell.strip() for cell in row])
            for row in table
            if any(cell.strip() for cell in row)
        ] or [(1, [])]
    except csv.Error as error:
        raise UnreadableFileError(
            f"{path}: expected a CSV, found {error}; export it anew"
        ) from None


def _plain(cell: str) -> str:
    return cell.strip().lower().replace("_", "").replace(" ", "")


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
