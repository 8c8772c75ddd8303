"""Masks that were cropped to a box, and the table that says where in the image they lie."""

from __future__ import annotations

from pathlib import Path

from delineate.core.errors import UnreadableFileError
from delineate.core.types import Labels


def placed(labels: Labels, file: Path, offsets: Path, size: tuple[int, int]) -> Labels:
    """The labels of a cropped mask at their place in an image of `size`, background around them.

    Raises:
        UnreadableFileError: a table without this mask, or a place beyond the image.
    """
    raise UnreadableFileError(f"{file}: {offsets} {size} {labels.shape} is not read yet")
