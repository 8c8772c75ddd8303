"""Tables in plain text: columns that line up in any terminal, log or document."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> list[str]:
    """Rows with their cells set below each other, two spaces apart.

    Examples:
        >>> columns([["dice", "0.81"], ["roc auc", "0.98"]], ["score", "model"])
        ['score    model', 'dice     0.81', 'roc auc  0.98']
    """
    every = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    if not every:
        return []
    count = max(len(row) for row in every)
    padded = [row + [""] * (count - len(row)) for row in every]
    widths = [max(len(row[column]) for row in padded) for column in range(count)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in padded
    ]


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    Examples:
        >>> counted(1, "image"), counted(3, "image"), counted(2, "boundary", "boundaries")
        ('1 image', '3 images', '2 boundaries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
