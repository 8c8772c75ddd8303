"""Every layout and every encoding stands in docs/layouts.md."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from delineate.data.opening import LAYOUTS
from delineate.files.encoding_text import EncodingKind

PAGE = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_documented_in_its_order(name: str) -> None:
    """A row of the first table, in the order in which layouts are tried."""
    assert f"\n| `{name}` | " in PAGE
    places = [PAGE.index(f"\n| `{each}` | ") for each in LAYOUTS]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", get_args(EncodingKind))
def test_each_encoding_is_documented(kind: str) -> None:
    """By the word that people type."""
    assert f"`{kind}`" in PAGE or f"`{kind}:" in PAGE
