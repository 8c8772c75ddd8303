"""Elements of a DICOM file as numbers and words, or as damage in our own words."""

from __future__ import annotations

import logging
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delineate.core.errors import UnreadableFileError
from delineate.files.pixels import damaged

_mute_lock = threading.Lock()
_mute_depth = 0
_mute_before: list[Any] = []


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """pydicom neither warns nor logs meanwhile, for it quotes values; threads may share it."""
    global _mute_depth
    logger = logging.getLogger("pydicom")
    with _mute_lock:
        if _mute_depth == 0:
            caught = warnings.catch_warnings()
            caught.__enter__()
            warnings.filterwarnings("ignore", module=r"(pydicom|delineate\.files)\b")
            _mute_before[:] = [caught, logger.level]
            logger.setLevel(logging.CRITICAL + 1)
        _mute_depth += 1
    try:
        yield
    finally:
        with _mute_lock:
            _mute_depth -= 1
            if _mute_depth == 0:
                caught, level = _mute_before
                logger.setLevel(level)
                caught.__exit__(None, None, None)


@contextmanager
def damage_as(path: Path, reason: str) -> Iterator[None]:
    """Whatever pydicom or a decoder raises on hostile bytes becomes damage, in our own words.

    Theirs may quote values of the file, so that neither words nor cause are kept.
    """
    try:
        with quiet_pydicom():
            yield
    except UnreadableFileError:
        raise
    except Exception:  # noqa: BLE001 - parsers and decoders raise anything on hostile bytes
        raise damaged(path, "DICOM", reason) from None


def number(path: Path, data: Any, keyword: str) -> float | None:
    """The first value of an element, None where it is missing or empty.

    Raises:
        UnreadableFileError: what stands there is not a finite number.
    """
    listed = numbers(path, data, keyword)
    return listed[0] if listed else None


def numbers(path: Path, data: Any, keyword: str) -> list[float]:
    """All values of an element, none where it is missing or empty.

    Raises:
        UnreadableFileError: something among them is not a finite number.
    """
    reason = f"{keyword} is not a number"
    with damage_as(path, reason):
        value = data.get(keyword)
        if value is None or value == "":
            return []
        listed = [value] if isinstance(value, str | int | float) else list(value)
        found = [float(each) for each in listed]
    if not all(map(math.isfinite, found)):
        raise damaged(path, "DICOM", reason)
    return found


def whole(path: Path, data: Any, keyword: str, default: int | None = None) -> int:
    """The whole number of an element.

    Raises:
        UnreadableFileError: it is missing without a default, or something else.
    """
    value = number(path, data, keyword)
    if value is None:
        if default is None:
            raise damaged(path, "DICOM", f"{keyword} is missing")
        return default
    if value != int(value):
        raise damaged(path, "DICOM", f"{keyword} is not a whole number")
    return int(value)


def text(path: Path, data: Any, keyword: str) -> str:
    """The value of a code string in capitals; empty where there is none.

    Raises:
        UnreadableFileError: it cannot be read.
    """
    with damage_as(path, f"{keyword} cannot be read"):
        value = data.get(keyword)
    return value.strip().upper() if isinstance(value, str) else ""


def group_items(path: Path, data: Any, frame: int, keyword: str) -> list[Any]:
    """What holds for one frame (from 0): its functional group, the shared one, the file itself.

    Raises:
        UnreadableFileError: the groups cannot be read.
    """
    found = []
    for sequence, position in (
        ("PerFrameFunctionalGroupsSequence", frame),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        with damage_as(path, f"{sequence} cannot be read"):
            groups = data.get(sequence) or []
            if position < len(groups) and len(groups[position].get(keyword) or []):
                found.append(groups[position][keyword].value[0])
    return [*found, data]


def name_of(uid: Any) -> str | None:
    """What the standard calls a UID; None for others, which may be anything."""
    from pydicom.uid import UID

    known = UID(str(uid or ""))
    return str(known.name) if known.name != str(known) else None
