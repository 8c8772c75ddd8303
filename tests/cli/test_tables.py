"""Tables in plain text."""

from __future__ import annotations

from delineate.cli.tables import columns, counted


def test_columns_line_up_and_end_without_blanks():
    """Cells of a column begin below each other; no line ends in blanks."""
    assert columns([["a", "1", ""], ["long", "22", "x"]], ["k", "v"]) == [
        "k     v",
        "a     1",
        "long  22  x",
    ]


def test_no_rows_are_no_lines():
    """An empty table prints nothing."""
    assert columns([]) == []


def test_counted_agrees_in_number():
    """One thing is singular, none and many are plural."""
    assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert counted(2, "class", "classes") == "2 classes"
