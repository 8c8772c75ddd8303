"""Names of what is written for images that were sent, fit for any disk and archive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from delineate.data.listing import stem
from delineate.web.uploads.names import display_name

# What is added to it stays below the 255 bytes that file systems allow.
_MOST_BYTES = 150
# Windows takes none of these in a name.
_FORBIDDEN = re.compile(r'[<>:"|?*]')


def file_names(names: Iterable[str]) -> list[Path]:
    """A file name for each name, whose stem no other has in any case.

    Examples:
        >>> [str(each) for each in file_names(["scan.png", "Scan.tif", "left/a:b.dcm"])]
        ['scan.png', 'Scan_2.tif', 'a_b.dcm']
    """
    taken: set[str] = set()
    files = []
    for name in names:
        whole = _FORBIDDEN.sub("_", display_name(name))
        first, ending = _shortened(stem(whole)), _shortened(whole[len(stem(whole)) :])
        unlike, number = _as_stem(first, ending), 2
        while unlike.casefold() in taken:
            unlike, number = _as_stem(f"{first}_{number}", ending), number + 1
        taken.add(unlike.casefold())
        files.append(Path(unlike + ending))
    return files


def _as_stem(text: str, ending: str) -> str:
    """The text, with its points replaced where part of it would be taken for an ending."""
    return text if stem(text + ending) == text else text.replace(".", "_")


def _shortened(text: str) -> str:
    """As many characters as the bytes allow."""
    return text.encode()[:_MOST_BYTES].decode(errors="ignore")
