"""What a layout hands back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.core.types import LabelClass
from delineate.data.listing import natural_key, some
from delineate.data.sample import SPLITS, TEST, TRAIN, VALIDATION, Sample
from delineate.files.mask_encoding import MaskEncoding

REFERENCE = "reference"  # the observer of a set that has one and does not name him

SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "tr": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "ts": TEST,
}


@dataclass(frozen=True)
class Found:
    """Samples in natural order, and what a person should know about the pairing.

    The rest is what the layout itself settles; see `delineate.data.sample.Dataset`.
    """

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    encodings: Mapping[str, MaskEncoding] = field(default_factory=dict)
    file_encodings: Mapping[Path, MaskEncoding] = field(default_factory=dict)
    classes: tuple[LabelClass, ...] = ()
    has_instances: bool = False
    is_overlapping: bool = False


def with_places(samples: Iterable[Sample], root: Path) -> list[Sample]:
    """The samples; where the names of images repeat, their ids begin with their folders."""
    chosen = list(samples)
    if len({sample.id for sample in chosen}) == len(chosen):
        return chosen
    return [
        replace(s, id="_".join([*s.image.parent.relative_to(root).parts, s.id])) for s in chosen
    ]


def in_order(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Training samples first, then validation, test and the rest, each in natural order.

    Raises:
        LayoutError: two samples have one id.
    """
    chosen = tuple(samples)
    repeated = [id_ for id_, count in Counter(s.id for s in chosen).items() if count > 1]
    if repeated:
        files = some(str(s.image) for s in chosen if s.id == repeated[0])
        raise LayoutError(
            f"{repeated[0]}: expected one image of this name, found {files}; "
            "rename or remove one, or say which counts in a manifest CSV"
        )
    rank = {name: position for position, name in enumerate(SPLITS)}
    return tuple(sorted(chosen, key=lambda s: (rank.get(s.split or "", 3), natural_key(s.id))))
