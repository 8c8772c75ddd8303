"""Folders of files for layouts: empty ones, for most look at names alone, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImages


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


@pytest.fixture
def pictures_in(tmp_path: Path) -> Callable[[Mapping[str, Any]], Path]:
    """A function that makes a folder of arrays as pictures, of texts, and of `.npy` arrays."""

    def make(files: Mapping[str, NDArray[Any] | str]) -> Path:
        root = tmp_path / "data"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.write_text(content, encoding="utf-8")
            elif path.suffix == ".npy":
                np.save(path, content)
            else:
                PillowImages.fromarray(content).save(path)
        return root

    return make
