"""Masks that were cropped to a box, and the table that says where in the image they lie.

The table is a CSV with a row a mask: a column with its file name, one with the first column of
pixels (`x` or `left`) and one with the first row (`y` or `top`), counted from 0. Where it has the
width and height of the box too, they must be those of the mask.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np

from delineate.core.errors import SizeMismatchError, UnreadableFileError
from delineate.core.types import Labels

_MASKS = ("mask", "maskfile", "maskname", "maskpath", "crop", "cropfile", "cropname")
_FILES = ("file", "filename", "name", "path", "fname")
_IMAGES = ("image", "imagefile", "imagename", "imagepath", "imageid", "img", "id", "case")
_LEFT = ("x", "left", "x0", "xmin", "xoffset", "offsetx", "col", "column", "col0", "colmin")
_TOP = ("y", "top", "y0", "ymin", "yoffset", "offsety", "row", "row0", "rowmin")
_WIDTH, _HEIGHT = ("width", "w", "boxwidth"), ("height", "h", "boxheight")
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class Box:
    """Where a crop lies: its first row and column, its image and size where the table has them."""

    top: int
    left: int
    size: tuple[int, int] | None
    image: str | None


@dataclass(frozen=True)
class Offsets:
    """The boxes of a table by the names of masks, with and without their folders.

    Without a column of masks they go by the names of images.
    """

    boxes: Mapping[str, Box]
    has_masks: bool

    def of(self, file: Path) -> Box | None:
        """The box of a mask, by the longest part of its path that the table has.

        In a table of images `a_mask` and `a_1` are masks of `a`.
        """
        for depth in range(len(file.parts), 0, -1):
            name = PurePosixPath(*file.parts[-depth:]).as_posix()
            for key in (name, _stem(name)):
                if key in self.boxes:
                    return self.boxes[key]
        core = "" if self.has_masks else _stem(file.name)
        while core:
            if core in self.boxes:
                return self.boxes[core]
            core = re.sub(r"[_\-. ]*[^_\-. ]*$", "", core)
        return None


def placed(labels: Labels, file: Path, offsets: Path, size: tuple[int, int]) -> Labels:
    """The labels of a cropped mask at their place in an image of `size`, background around them.

    Raises:
        UnreadableFileError: a table without this mask, or one that cannot be read.
        SizeMismatchError: a box beyond the image, or not as large as the mask.
    """
    box = read_offsets(offsets).of(file)
    if box is None:
        raise UnreadableFileError(
            f"{offsets}: expected a row for each cropped mask, found none for {file}; add it"
        )
    height, width = labels.shape
    if box.size is not None and box.size != labels.shape:
        raise SizeMismatchError(
            f"{file}: expected the size of its box in {offsets}, {box.size[0]}x{box.size[1]} px "
            f"(height x width), found {height}x{width}; mend the table or the mask"
        )
    if box.top + height > size[0] or box.left + width > size[1]:
        raise SizeMismatchError(
            f"{file}: expected a mask that lies in its image of {size[0]}x{size[1]} px (height x "
            f"width), found {height}x{width} from row {box.top} and column {box.left} on; mend "
            f"its place in {offsets}"
        )
    whole = np.zeros(size, np.uint8)
    whole[box.top : box.top + height, box.left : box.left + width] = labels
    return whole


def is_offset_table(header: str) -> bool:
    """Whether the first line of a CSV names masks or images and where their boxes begin."""
    try:
        return _columns(next(csv.reader([header], delimiter=_separator(header)), [])) is not None
    except csv.Error:  # no table at all
        return False


def read_offsets(path: Path) -> Offsets:
    """The boxes of a table.

    Raises:
        UnreadableFileError: no such table, naming the row and what is wrong with it.
    """
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise UnreadableFileError(
            f"{path}: the table of offsets cannot be read: {error.strerror}; check the path"
        ) from error
    return _offsets(path, changed)


@lru_cache(maxsize=8)
def _offsets(path: Path, _changed: int) -> Offsets:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(
            f"{path}: expected a CSV of offsets in UTF-8, found {error}; save it as UTF-8"
        ) from error
    rows = csv.reader(StringIO(text, newline=""), delimiter=_separator(text.partition("\n")[0]))
    try:
        header = next(rows, [])
        columns = _columns(header)
        if columns is None:
            raise UnreadableFileError(
                f"{path}: expected the columns mask or image, x and y (or left and top), found "
                f"{', '.join(header) or 'nothing'}; name them so"
            )
        boxes: dict[str, Box] = {}
        for row in rows:
            if any(cell.strip() for cell in row):
                _take(boxes, path, rows.line_num, row, columns)
    except csv.Error as error:
        raise UnreadableFileError(f"{path}: expected a CSV of offsets, found {error}") from error
    return Offsets(boxes, "mask" in columns)


def _columns(header: Sequence[str]) -> dict[str, int] | None:
    """Meaning -> column, where the table says at least whose box it is and where it begins."""
    folded = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header]
    wanted = {
        "mask": _MASKS,
        "image": _IMAGES,
        "left": _LEFT,
        "top": _TOP,
        "width": _WIDTH,
        "height": _HEIGHT,
    }
    found = {
        meaning: folded.index(name)
        for meaning, names in wanted.items()
        if (name := next((n for n in names if n in folded), None))
    }
    file = next((folded.index(n) for n in _FILES if n in folded), None)
    if "mask" not in found and file is not None:
        found["mask"] = file
    is_whole = "left" in found and "top" in found and ("mask" in found or "image" in found)
    return found if is_whole else None


def _take(
    boxes: dict[str, Box], path: Path, number: int, row: Sequence[str], columns: Mapping[str, int]
) -> None:
    where = f"{path}, row {number}"
    if len(row) <= max(columns.values()):
        raise UnreadableFileError(f"{where}: expected more cells, found {len(row)}; complete it")
    cells = {meaning: row[column].strip() for meaning, column in columns.items()}
    numbers = {k: _whole(cells[k], where) for k in ("left", "top", "width", "height") if k in cells}
    has_size = "width" in numbers and "height" in numbers
    box = Box(
        numbers["top"],
        numbers["left"],
        (numbers["height"], numbers["width"]) if has_size else None,
        cells.get("image") or None,
    )
    name = PurePosixPath((cells.get("mask") or cells.get("image") or "").replace("\\", "/"))
    for key in dict.fromkeys((name.as_posix(), _stem(name.as_posix()))):
        if boxes.setdefault(key, box) != box:
            raise UnreadableFileError(
                f"{where}: expected one place for {name}, found {boxes[key].left},"
                f"{boxes[key].top} before and {box.left},{box.top} here; keep one"
            )


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.name and path.suffix else name


def _whole(cell: str, where: str) -> int:
    fits = re.fullmatch(r"([0-9]{1,7})(\.0*)?", cell)
    if not fits:
        raise UnreadableFileError(
            f"{where}: expected a whole number from 0 on as place or size in px, found '{cell}'"
        )
    return int(fits[1])


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)
