"""Folders of empty files: layouts look at names alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Iterable[str]], Path]:
    """A function that makes a folder with empty files of these names."""

    def make(names: Iterable[str]) -> Path:
        root = tmp_path / "data"
        root.mkdir()
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return root

    return make
