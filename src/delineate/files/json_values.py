"""JSON that others wrote: read whole, asked for its parts by type, with errors that say where."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from delineate.core.errors import UnreadableFileError
from delineate.files.formats import read_content

Parsed = TypeVar("Parsed")
# A training, a validation and a test file of masks and of boxes, and some room.
_KEPT_FILES = 8

_WORDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}
_kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_lock = Lock()


def read_json_object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds; a byte-order mark is skipped.

    Raises:
        UnreadableFileError: no such file, no JSON, or JSON that is no object.
    """
    content = read_content(path)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:120]
        raise UnreadableFileError(
            f"{path}: expected a JSON document, found something else or half of one ({reason}); "
            "export it anew"
        ) from error
    if not isinstance(document, dict):
        raise UnreadableFileError(
            f"{path}: expected a JSON object, found {said(document)}; name the right file"
        )
    return document


def parsed_once(path: Path, parse: Callable[[Path], Parsed]) -> Parsed:
    """What `parse` makes of a file, kept until the file changes or several others came after.

    For files that hold the masks of thousands of images: each thread finds the one result.

    Raises:
        UnreadableFileError: if there is no such file; and whatever `parse` raises.
    """
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"{path}: cannot be opened: {reason}; check the path") from error
    # Two files written within a tick of the clock differ at least in their place on the disk.
    key = (path, stat.st_ino, stat.st_mtime_ns, stat.st_size, parse)
    with _lock:
        if key not in _kept:
            _kept[key] = parse(path)
            while len(_kept) > _KEPT_FILES:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        result: Parsed = _kept[key]
        return result


def part(owner: Mapping[str, Any], key: str, kind: type[Parsed], where: str) -> Parsed:
    """The value under a key, of the type that is expected there.

    Raises:
        UnreadableFileError: without such a key, or with a value of another type.
    """
    if key not in owner:
        raise UnreadableFileError(f"{where}: expected '{key}', found none; export it anew")
    return checked(owner[key], kind, f"{where}: '{key}'")


def checked(value: object, kind: type[Parsed], where: str) -> Parsed:
    """The value, where it is of this type; true and false are no numbers.

    Raises:
        UnreadableFileError: for a value of another type.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UnreadableFileError(
            f"{where}: expected {_WORDS.get(kind, kind.__name__)}, found {said(value)}; "
            "export it anew"
        )
    return value


def objects_in(owner: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The list of JSON objects under a key.

    Raises:
        UnreadableFileError: no such list, or something else in it.
    """
    rows = part(owner, key, list, where)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise UnreadableFileError(
                f"{where}: '{key}' {number}: expected an object, found {said(row)}; export it anew"
            )
    return rows


def points_in(values: object, where: str) -> list[tuple[float, float]]:
    """Pairs of finite numbers (x, y), from a list of pairs.

    Raises:
        UnreadableFileError: naming what is no such pair.
    """
    pairs = checked(values, list, where)
    for pair in pairs:
        if not (isinstance(pair, Sequence) and len(pair) == 2 and all(map(is_number, pair))):
            raise UnreadableFileError(
                f"{where}: expected points of two finite numbers, found {said(pair)}; "
                "export it anew"
            )
    return [(float(x), float(y)) for x, y in pairs]


def is_number(value: object) -> bool:
    """Whether this is a finite number that arrays can hold, and neither true nor false."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e15 if isinstance(value, int) else math.isfinite(value)


def said(value: object) -> str:
    """A value in a few words, for errors.

    Examples:
        >>> said([1, 2])
        'a list'
        >>> said("x" * 60)
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    """
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = "null" if value is None else repr(value) if isinstance(value, str) else _number(value)
    return text if len(text) <= 41 else text[:40] + "…"


def _number(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python is willing to print
        return "a huge number"
