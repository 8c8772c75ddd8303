"""A mask that takes the place of another, kept whole in the review log."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImages

from delineate.core.errors import SizeMismatchError, UncertainMaskError, UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.overlapping import MOST_CLASSES
from delineate.core.types import IGNORE, Labels, default_classes
from delineate.files.formats import read_content
from delineate.files.mask_encoding import MaskEncoding, decode, describe, propose, read_raw_mask
from delineate.files.mask_files import palette_png
from delineate.files.png_chunks import require_whole_png

INDEX = MaskEncoding("index", ignore=IGNORE)
"""How masks that a review writes are decoded."""

_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_CODES = {"Labels": "codes of classes that overlap"}


@dataclass(frozen=True)
class ReplacingMask:
    """A mask as PNG of class indices, `IGNORE` where nothing is known; `name` of its file.

    Where classes overlap the PNG has codes, and says so: see `holds_codes`.
    """

    name: str
    sha256: str
    size_px: Size
    png: bytes


def read_replacing_mask(path: Path, encoding: MaskEncoding | None = None) -> ReplacingMask:
    """The mask in a file: decoded as told, else by its own values where they are certain.

    A file that says of itself that it has codes, as a log writes them, has codes.

    Raises:
        UnreadableFileError: if it cannot be read.
        UncertainMaskError: values that are neither indices, nor 0 and 1, nor 0 and 255, where
            no encoding is given; or that do not fit the one that is, or are no codes.
    """
    raw = read_raw_mask(path)
    if holds_codes(read_content(path)):
        codes = raw.values.astype(np.uint8)
        _require_codes(codes, str(path), MOST_CLASSES)
        return _kept(path.name, codes, is_overlapping=True)
    if encoding is None:
        proposal = propose([describe(raw)])
        if not proposal.is_certain:
            raise UncertainMaskError(
                f"{path}: {proposal.reason}; expected class indices, or 0 and 255. "
                "Re-export the mask, or say how it is encoded, as with --masks threshold:128"
            )
        encoding = proposal.encoding
    return _kept(path.name, decode(raw, encoding, path=path))


def replacing_mask(
    content: bytes, *, name: str, size_px: Size, highest: int, is_overlapping: bool = False
) -> ReplacingMask:
    """The mask in the bytes of a PNG of class indices, as programs that paint masks send it.

    Of 8 bits: indices in grey or with a palette, or in three equal colours without
    transparency. `size_px` is that of the image, `highest` the last class there is. Where
    classes overlap these are codes, from 0 to `2**highest - 1`.

    Raises:
        UnreadableFileError: no such PNG.
        SizeMismatchError: a mask of another size.
        UncertainMaskError: a class that there is not.
    """
    labels = _indices(content, name, size_px)
    if is_overlapping:
        _require_codes(labels, name, highest)
    else:
        _require_highest(labels, name, "class indices", highest)
    return _kept(name, labels, is_overlapping=is_overlapping)


def _kept(name: str, labels: Labels, *, is_overlapping: bool = False) -> ReplacingMask:
    png = as_png(labels, is_overlapping=is_overlapping)
    size_px = (labels.shape[0], labels.shape[1])
    return ReplacingMask(name, hashlib.sha256(png).hexdigest(), size_px, png)


def _require_codes(labels: Labels, name: str, classes: int) -> None:
    _require_highest(labels, name, "codes of classes that overlap", (1 << classes) - 1)


def _require_highest(labels: Labels, name: str, what: str, highest: int) -> None:
    found = int(labels[labels != IGNORE].max(initial=0))
    if found > highest:
        raise UncertainMaskError(
            f"{name}: expected {what} from 0 to {highest}, or {IGNORE} where nothing is "
            f"known, found {found}; paint it with the classes of the data"
        )


def _indices(content: bytes, name: str, size_px: Size) -> Labels:
    if not content.startswith(_PNG) or len(content) < 24:
        raise UnreadableFileError(
            f"{name}: expected a PNG of class indices, found something else; send it anew"
        )
    # By the header: pixels are only unpacked where their number is right.
    width, height = struct.unpack(">II", content[16:24])
    if (height, width) != size_px:
        raise SizeMismatchError(
            f"{name}: expected {size_px[0]}x{size_px[1]} px (height x width) like its image, "
            f"found {height}x{width}; paint it on the image itself"
        )
    try:
        with PillowImages.open(io.BytesIO(content), formats=["PNG"]) as picture:
            values = np.array(picture) if picture.mode in ("L", "P", "RGB", "RGBA") else None
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableFileError(
            f"{name}: expected a PNG of class indices, found something else ({error}); send it anew"
        ) from error
    if values is not None:
        require_whole_png(Path(name), content, values)
    if values is not None and values.ndim == 3:
        is_opaque = values.shape[2] == 3 or bool((values[..., 3] == 255).all())
        is_grey = is_opaque and bool((values[..., :3] == values[..., :1]).all())
        values = np.ascontiguousarray(values[..., 0]) if is_grey else None
    if values is None:
        raise UnreadableFileError(
            f"{name}: expected a PNG of class indices in 8 bits, found other bits, colours or "
            "transparency; send indices in grey"
        )
    return values


def as_png(labels: Labels, *, is_overlapping: bool = False) -> bytes:
    """(H, W) labels as a PNG that `INDEX` decodes; codes as one that says that it has them."""
    highest = int(labels[labels != IGNORE].max(initial=0))
    text = _CODES if is_overlapping else None
    return palette_png(labels, default_classes(max(2, highest + 1)), text=text)


def holds_codes(png: bytes) -> bool:
    """Whether the values of a PNG with a palette are codes of classes that overlap.

    They may look like class indices, so that the file says it: 3 may be the third class, or the
    first and the second.
    """
    if not png.startswith(_PNG):
        return False
    with PillowImages.open(io.BytesIO(png), formats=["PNG"]) as picture:
        return picture.mode == "P" and all(picture.info.get(k) == v for k, v in _CODES.items())
