"""CSV files that people wrote, with errors that name the row."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.data.listing import some


def read_table(path: Path, *, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with their number in the file (the header is row 1), values stripped.

    A byte-order mark is skipped and empty rows are passed over; the separator may be a comma,
    a semicolon or a tab, whichever the header has most of.

    Raises:
        LayoutError: not a text file, a required column missing, a column twice, or a row with
            more or fewer cells than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LayoutError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError:
        raise LayoutError(f"{path}: expected a CSV in UTF-8, found other bytes") from None
    except OSError as problem:
        raise LayoutError(f"{path}: cannot be read ({problem.strerror}); check access") from None
    first = text.partition("\n")[0]
    rows = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    header = [cell.strip() for cell in next(rows, [])]
    missing = [name for name in required if name not in header]
    if missing:
        raise LayoutError(
            f"{path}: expected the columns {', '.join(required)}, "
            f"found {', '.join(header) or 'nothing'}; add {', '.join(missing)}"
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise LayoutError(f"{path}: expected each column once, found {some(repeated)} twice")
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise LayoutError(
                f"{path}, row {rows.line_num}: expected {len(header)} cells, found {len(row)}; "
                "put names that hold a separator in quotes"
            )
        yield rows.line_num, {k: v.strip() for k, v in zip(header, row, strict=True)}
