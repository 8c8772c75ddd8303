"""From the name that a file gives an object to the index of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from delineate.core.errors import UnreadableFileError
from delineate.core.types import IGNORE, LabelClass
from delineate.files.class_tables import is_background, is_ignored
from delineate.files.json_values import said

_SHOWN_NAMES = 12


def indices_by_name(classes: Sequence[LabelClass]) -> dict[str, int]:
    """Class name -> index."""
    return {each.name: each.index for each in classes}


def index_named(name: str, indices: Mapping[str, int], where: str) -> int:
    """The index of the class of this name.

    Words for background are 0 and words for what nobody knows `IGNORE`, as in tables of classes,
    where no class has that name.

    Raises:
        UnreadableFileError: no such class; the nearest is proposed.
    """
    if name in indices:
        return indices[name]
    if is_background(name):
        return 0
    if is_ignored(name):
        return IGNORE
    nearest = get_close_matches(name, indices, n=1, cutoff=0.7)
    hint = f"did you mean '{nearest[0]}'? " if nearest else ""
    known = ", ".join(list(indices)[:_SHOWN_NAMES]) + (", …" if len(indices) > _SHOWN_NAMES else "")
    raise UnreadableFileError(
        f"{where}: expected the name of a class, found {said(name)}; {hint}Known: {known}"
    )
