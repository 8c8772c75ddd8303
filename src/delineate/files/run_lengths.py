"""Masks as run lengths: Kaggle's nerve form, SIIM's, and COCO's.

All run down the columns, the first column first.

nerve: absolute "start length" pairs, the first pixel is 1; an empty mask is an empty text.
SIIM: "gap length" pairs, the gap counted from the end of the run before; an empty mask is "-1".
COCO: the lengths of background and foreground in turn, background first, as a list or as text
in which each number takes as many characters as it needs.

Source: the three forms are those of Kaggle's "Ultrasound Nerve Segmentation" and "SIIM-ACR
Pneumothorax Segmentation" and of the COCO API; the last is held to pycocotools in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import Mask
from delineate.files.json_values import said

SIIM_EMPTY = "-1"
# Both forms write an empty mask in their own way, and neither way can mean anything else.
_EMPTY = frozenset({"", SIIM_EMPTY})
_NUMBERS = re.compile(r"[0-9]{1,15}(?:\s+[0-9]{1,15})*")

# COCO's text: five bits a character from "0" on, the sixth says that more follow.
_FIRST_CHARACTER, _BITS, _MORE, _SIGN = 48, 5, 0x20, 0x10
_MOST_CHARACTERS = 7  # of one number: 35 bits

Counts = NDArray[np.int64]


def nerve_text(mask: Mask) -> str:
    """The runs of a mask in the nerve form.

    Examples:
        >>> nerve_text(np.array([[1, 0], [1, 1]], bool))
        '1 2 4 1'
    """
    starts, lengths = _runs(mask)
    return _pairs(starts + 1, lengths)


def siim_text(mask: Mask) -> str:
    """The runs of a mask in SIIM's form.

    Examples:
        >>> siim_text(np.array([[1, 0], [1, 1]], bool))
        '0 2 1 1'
        >>> siim_text(np.zeros((2, 2), bool))
        '-1'
    """
    starts, lengths = _runs(mask)
    gaps = starts - np.concatenate([[0], (starts + lengths)[:-1]]) if len(starts) else starts
    return _pairs(gaps, lengths) or SIIM_EMPTY


def nerve_mask(text: str, size: Size, *, where: str) -> Mask:
    """The mask of runs in the nerve form, (height, width) in px.

    Raises:
        UnreadableFileError: no such runs, or runs that overlap or leave the image. `where` is
            what the message names.
    """
    starts, lengths = _numbers(text, where)
    ends = starts - 1 + lengths
    if (lengths < 1).any() or (starts < 1).any() or (starts[1:] <= ends[:-1]).any():
        raise UnreadableFileError(
            f"{where}: expected runs of 'start length' that count from 1, ascend and hold a pixel "
            "at least, found others; if these are gaps and lengths, the encoding is rle-siim"
        )
    return _filled(starts - 1, ends, size, where)


def siim_mask(text: str, size: Size, *, where: str) -> Mask:
    """The mask of runs in SIIM's form, (height, width) in px.

    Raises:
        UnreadableFileError: as `nerve_mask`.
    """
    gaps, lengths = _numbers(text, where)
    if (lengths < 1).any():
        raise UnreadableFileError(
            f"{where}: expected runs of a pixel at least, found one of none; export it anew"
        )
    ends = np.cumsum(gaps + lengths)
    return _filled(ends - lengths, ends, size, where)


def coco_counts(mask: Mask) -> list[int]:
    """The lengths of background and foreground in turn, background first.

    Examples:
        >>> coco_counts(np.array([[1, 0], [1, 1]], bool))
        [0, 2, 1, 1]
    """
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts: list[int] = np.diff([0, *changes, flat.size]).tolist()
    return [0, *counts] if flat.size and flat[0] else counts


def compressed(counts: Sequence[int]) -> str:
    """COCO's text of run lengths."""
    return "".join(
        _characters(count - counts[at - 2] if at > 2 else count) for at, count in enumerate(counts)
    )


def coco_mask(counts: object, size: Size, *, where: str) -> Mask:
    """The mask of COCO's run lengths, compressed or not, (height, width) in px.

    Raises:
        UnreadableFileError: no such run lengths, or too few or too many for the image.
    """
    lengths = _coco_lengths(counts, where)
    pixels = size[0] * size[1]
    if (lengths < 0).any() or (lengths > pixels).any() or int(lengths.sum()) != pixels:
        raise UnreadableFileError(
            f"{where}: expected run lengths of {pixels} pixels for an image of {size[0]} x "
            f"{size[1]} px (height x width), found others; the file and the image do not belong "
            "together"
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, lengths).reshape(size, order="F"))


def _runs(mask: Mask) -> tuple[Counts, Counts]:
    """Starts, counted from 0 down the columns, and lengths."""
    flat = np.zeros(mask.size + 2, np.int8)
    flat[1:-1] = mask.ravel(order="F")
    steps = np.diff(flat)
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return starts, ends - starts


def _pairs(first: Counts, second: Counts) -> str:
    return " ".join(map(str, np.stack([first, second], axis=1).ravel().tolist()))


def _numbers(text: str, where: str) -> tuple[Counts, Counts]:
    words = text.strip()
    if words in _EMPTY:
        none = np.zeros(0, np.int64)
        return none, none
    if not _NUMBERS.fullmatch(words):
        raise UnreadableFileError(
            f"{where}: expected run lengths as whole numbers with spaces between, "
            f"found {said(words)}; export it anew"
        )
    numbers = np.array(words.split(), np.int64)
    if len(numbers) % 2:
        raise UnreadableFileError(
            f"{where}: expected pairs of numbers, found {len(numbers)} numbers; the text was cut "
            "short, export it anew"
        )
    return numbers[::2], numbers[1::2]


def _filled(starts: Counts, ends: Counts, size: Size, where: str) -> Mask:
    pixels = size[0] * size[1]
    # Sums of numbers of 15 digits stay far below the limit for any text that memory holds.
    if len(ends) and (int(ends.max()) > pixels or int(ends.min()) < 0):
        raise UnreadableFileError(
            f"{where}: expected runs within the {pixels} pixels of an image of {size[0]} x "
            f"{size[1]} px (height x width), found one that ends at pixel {int(ends.max())}; the "
            "mask was drawn at another size, or its runs are of another form"
        )
    steps = np.zeros(pixels + 1, np.int8)
    steps[starts] += 1
    steps[ends] -= 1
    flat = np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_)
    return np.ascontiguousarray(flat.reshape(size, order="F"))


def _coco_lengths(counts: object, where: str) -> Counts:
    if isinstance(counts, str):
        return _uncompressed(counts, where)
    if isinstance(counts, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1e15 for n in counts
    ):
        return np.array(counts, np.int64)
    raise UnreadableFileError(
        f"{where}: expected run lengths as text or as a list of whole numbers, found something "
        "else; export it anew"
    )


def _uncompressed(text: str, where: str) -> Counts:
    values = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - _FIRST_CHARACTER
    is_last = (values & _MORE) == 0
    ends = np.flatnonzero(is_last)
    is_whole = len(values) == 0 or bool(is_last[-1])
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    widths = ends - starts + 1
    if not is_whole or (values < 0).any() or (values > 63).any() or (widths > 7).any():
        raise UnreadableFileError(
            f"{where}: expected compressed run lengths of COCO, found other text or half of it; "
            "export it anew"
        )
    if not len(ends):
        return np.zeros(0, np.int64)
    place = np.arange(len(values)) - np.repeat(starts, widths)
    numbers = np.add.reduceat((values & 0x1F) << (_BITS * place), starts)
    numbers -= np.where(values[ends] & _SIGN, np.int64(1) << (_BITS * widths), 0)
    # From the fourth number on, each is the difference to the one two places before it.
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def _characters(number: int) -> str:
    text = ""
    while True:
        low = number & 0x1F
        number >>= _BITS
        is_done = number == (-1 if low & _SIGN else 0)
        text += chr(_FIRST_CHARACTER + (low if is_done else low | _MORE))
        if is_done:
            return text


def is_run_length_text(value: Any) -> bool:
    """Whether a cell of a table may be run lengths of the nerve or SIIM form."""
    text = str(value).strip()
    return text in _EMPTY or _NUMBERS.fullmatch(text) is not None
