"""Masks that are kept as objects: polygons in JSON, run lengths in JSON or a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from delineate.core.errors import UnreadableFileError
from delineate.core.types import DrawnObject, LabelClass
from delineate.files.mask_encoding import MaskEncoding


def drawn_objects(
    path: Path,
    encoding: MaskEncoding,
    classes: Sequence[LabelClass],
    *,
    entry: str | None,
    size: tuple[int, int],
) -> Iterator[DrawnObject]:
    """The objects of one image in the order in which they were drawn; later ones lie above.

    `classes` say which name or category is which index. `entry` is what the file calls the image,
    where it holds those of several; `size` that of the image, (height, width) in px.

    Raises:
        UnreadableFileError: a damaged file, an entry that is not in it, or runs and polygons that
            do not fit the image.
    """
    raise UnreadableFileError(f"{path}: {encoding} is not read yet")
