"""Names of files as somebody sent them, made fit to be shown."""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 120
UNNAMED = "image"
# Characters without a shape: controls, joiners and turns of the direction of writing (which can
# make `exe.png` of `gnp.exe`), halves of pairs, private ones, and ends of lines.
_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def display_name(sent: str | None) -> str:
    """The last part of a sent name, for people: never an address of a file.

    Without folders, characters that have no shape, and spaces at its ends; in normal form C, and
    at most 120 characters long, of which the last ones keep the ending.

    Examples:
        >>> display_name("../../etc/passwd")
        'passwd'
        >>> display_name("C:\\\\scans\\\\left eye.png")
        'left eye.png'
        >>> display_name("")
        'image'
    """
    last = (sent or "")[-4 * MOST_CHARACTERS :].replace("\\", "/").rstrip("/").rpartition("/")[2]
    seen = "".join(each for each in last if unicodedata.category(each) not in _SHAPELESS)
    name = " ".join(unicodedata.normalize("NFC", seen).split())
    if not name.strip(". "):
        return UNNAMED
    if len(name) <= MOST_CHARACTERS:
        return name
    dot = name.rfind(".")
    ending = name[dot:] if 0 <= len(name) - dot <= 10 and dot > 0 else ""
    return name[: MOST_CHARACTERS - 1 - len(ending)] + "…" + ending
