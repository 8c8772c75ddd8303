"""A mask that takes the place of another, kept whole in the review log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import UncertainMaskError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, Labels, default_classes
from delineate.files.mask_encoding import MaskEncoding, decode, describe, propose, read_raw_mask
from delineate.files.mask_files import palette_png

INDEX = MaskEncoding("index", ignore=IGNORE)
"""How masks that a review writes are decoded."""


@dataclass(frozen=True)
class ReplacingMask:
    """A mask as PNG of class indices, `IGNORE` where nothing is known; `name` of its file."""

    name: str
    sha256: str
    size_px: Size
    png: bytes


def read_replacing_mask(path: Path, encoding: MaskEncoding | None = None) -> ReplacingMask:
    """The mask in a file: decoded as told, else by its own values where they are certain.

    Raises:
        UnreadableFileError: if it cannot be read.
        UncertainMaskError: values that are neither indices, nor 0 and 1, nor 0 and 255, where
            no encoding is given; or that do not fit the one that is.
    """
    raw = read_raw_mask(path)
    if encoding is None:
        proposal = propose([describe(raw)])
        if not proposal.is_certain:
            raise UncertainMaskError(
                f"{path}: {proposal.reason}; expected class indices, or 0 and 255. "
                "Re-export the mask, or say how it is encoded, as with --masks threshold:128"
            )
        encoding = proposal.encoding
    labels = decode(raw, encoding, path=path)
    png = as_png(labels)
    return ReplacingMask(
        path.name, hashlib.sha256(png).hexdigest(), (labels.shape[0], labels.shape[1]), png
    )


def as_png(labels: Labels) -> bytes:
    """(H, W) labels as a PNG that `INDEX` decodes."""
    highest = int(labels[labels != IGNORE].max(initial=0))
    return palette_png(labels, default_classes(max(2, highest + 1)))
