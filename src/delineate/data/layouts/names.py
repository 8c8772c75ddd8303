"""What the name of a folder or file says of its content: images, masks, which split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from delineate.data.layouts.found import SPLIT_WORDS

Role = Literal["image", "mask"]

_WORDS: dict[Role, str] = {
    "image": "image images img imgs picture pictures photo photos jpegimages input inputs "
    "frame frames original originals scan scans",
    "mask": "mask masks label labels lbl lbls seg segs segmentation segmentations "
    "segmentationclass annot annots annotation annotations gt gts groundtruth manual target "
    "targets",
}
_ROLES: dict[str, Role] = {word: role for role, words in _WORDS.items() for word in words.split()}
# Joined words as in trainannot, imagesTr, labelsTs: too short to be believed by themselves.
_JOINED_SPLITS = SPLIT_WORDS | {"tr": "train", "ts": "test"}

_MASK_SUFFIX = re.compile(
    r"(?P<core>.+?)[_\-. ]+(?:"
    r"(?:mask|masks|seg|segmentation|label|labels|lbl|gt|groundtruth|ground_truth|annot|annotation)"
    r"(?:[_\- ]*(?P<part>\d+))?"
    r"|(?:manual|observer)[_\- ]?(?P<observer>\d+)"
    r"|(?P<ordinal>[12])(?:st|nd)[_\- ]?(?:ho|manual|observer))",
    re.IGNORECASE,
)
# nnU-Net numbers channels: case_0000.png is the first one of case.
_IMAGE_SUFFIX = re.compile(r"(?P<core>.+?)(?:[_\-. ]+(?:image|img|input|photo)|_0000)", re.I)


@dataclass(frozen=True)
class Place:
    """A folder taken apart: `train/masks_anna` is masks of the split train by anna."""

    folder: PurePosixPath
    role: Role | None
    split: str | None
    rest: tuple[str, ...]
    extra: tuple[str, ...]
    word: str | None


def place_of(folder: PurePosixPath) -> Place:
    """Role, split and the rest of a folder's path.

    Examples:
        >>> place = place_of(PurePosixPath("train/masks_anna"))
        >>> place.role, place.split, place.extra
        ('mask', 'train', ('anna',))
        >>> place_of(PurePosixPath("trainannot")).role
        'mask'
    """
    role: Role | None = None
    split: str | None = None
    word: str | None = None
    rest: list[str] = []
    extra: list[str] = []
    for part in folder.parts:
        found = list(_words(part))
        has_role = any(kind == "role" for kind, _ in found)
        has_split = any(kind == "split" for kind, _ in found)
        if not (has_role or has_split):
            rest.append(part)
            continue
        for kind, text in found:
            if kind == "role":
                role, word = _ROLES[text], text
            elif kind == "split":
                split = _JOINED_SPLITS[text]
            else:
                (extra if has_role else rest).append(text)
    return Place(folder, role, split, tuple(rest), tuple(extra), word)


@dataclass(frozen=True)
class MaskName:
    """The name of a mask file taken apart: `X_mask_1` is a further part of the mask of X."""

    core: str
    is_part: bool = False
    observer: str | None = None


def mask_name(stem: str) -> MaskName | None:
    """Whose mask a file is by its own name, else None.

    Examples:
        >>> mask_name("benign (1)_mask_1")
        MaskName(core='benign (1)', is_part=True, observer=None)
        >>> mask_name("Image_01L_2ndHO").observer
        '2'
    """
    found = _MASK_SUFFIX.fullmatch(stem)
    if not found:
        return None
    observer = found["observer"] or found["ordinal"]
    return MaskName(found["core"], found["part"] is not None, observer)


def image_core(stem: str) -> str:
    """The name of an image without a word that says it is one."""
    found = _IMAGE_SUFFIX.fullmatch(stem)
    return found["core"] if found else stem


def _words(part: str) -> Iterator[tuple[str, str]]:
    """The words of a folder name as (role, split or other; the word)."""
    text = re.sub(r"ground[_\- ]truth", "groundtruth", part.lower())
    for token in re.split(r"[_\-. ]+", text):
        if token in _ROLES:
            yield "role", token
        elif token in SPLIT_WORDS:
            yield "split", token
        elif joined := _joined(token):
            yield from joined
        elif token:
            yield "other", token


def _joined(token: str) -> list[tuple[str, str]]:
    """Two words written as one: trainannot, imagesTr, manual1, ManualMask."""
    for cut in range(1, len(token)):
        head, tail = token[:cut], token[cut:]
        if head in _JOINED_SPLITS and tail in _ROLES:
            return [("split", head), ("role", tail)]
        if head in _ROLES and tail in _JOINED_SPLITS:
            return [("role", head), ("split", tail)]
        if head in _ROLES and _ROLES.get(tail) == "mask":
            return [("role", tail)]
        if head in _ROLES and tail.isdecimal():
            return [("role", head), ("other", tail)]
    return []
