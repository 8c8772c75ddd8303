"""How a mask encodes its classes, as a word that people can type and files can keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from delineate.core.errors import SettingsError

EncodingKind = Literal["index", "binary", "threshold", "colours"]
GRAMMAR = "index, binary, threshold:T or colours:FILE, then perhaps ,invert and ,ignore:V"


@dataclass(frozen=True)
class MaskEncoding:
    """How raw mask values become class indices.

    `index`: values are class indices. `binary`: 0 is background, and 1, 255 or 65535 is
    foreground. `threshold`: foreground from `threshold` upwards, after channels are
    averaged. `colours`: the row of `colours_file` with exactly this colour. `ignore` is the
    raw value that becomes `IGNORE`; with `is_inverted`, foreground and background change
    places and ignored pixels stay ignored.

    Examples:
        >>> str(MaskEncoding.parse("invert"))
        'binary,invert'
        >>> MaskEncoding.parse("threshold:128").threshold
        128
    """

    kind: EncodingKind
    threshold: int | None = None
    colours_file: Path | None = None
    is_inverted: bool = False
    ignore: int | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not go together."""
        _require(
            (self.kind == "threshold") == (self.threshold is not None),
            f"encoding {self.kind}: a threshold belongs to threshold:T and to nothing else",
        )
        _require(
            (self.kind == "colours") == (self.colours_file is not None),
            f"encoding {self.kind}: a colour table belongs to colours:FILE and to nothing else",
        )
        _require(
            not self.is_inverted or self.kind in ("binary", "threshold"),
            f"encoding {self.kind},invert: only binary and threshold:T can be inverted; "
            "write the classes in the other order instead",
        )
        _require(
            self.threshold is None or 1 <= self.threshold <= 65535,
            f"encoding threshold:{self.threshold}: expected a whole number from 1 to 65535",
        )
        _require(
            self.ignore is None or 0 <= self.ignore <= 65535,
            f"encoding ignore:{self.ignore}: expected a whole number from 0 to 65535",
        )
        _require(
            self.ignore is None or self.kind != "colours",
            "encoding colours:FILE,ignore:V: colours have no single value to ignore; "
            "give the colour a row named ignore in the table instead",
        )

    @classmethod
    def parse(cls, text: str) -> MaskEncoding:
        """The encoding that a text such as `threshold:128,invert` stands for.

        Raises:
            SettingsError: for a word that is not in the grammar.
        """
        rest, is_inverted, ignore = text.strip(), False, None
        # Options are taken from the end: a colour table's name may hold commas.
        while True:
            head, comma, last = rest.rpartition(",")
            word = last.strip()
            if word == "invert" and not is_inverted:
                is_inverted = True
            elif word.startswith("ignore:") and ignore is None and comma:
                ignore = _whole(word.removeprefix("ignore:"), text)
            else:
                break
            rest = head.strip()
        if not rest and is_inverted:
            rest = "binary"
        name, _, argument = rest.partition(":")
        if rest == "index":
            return cls("index", is_inverted=is_inverted, ignore=ignore)
        if rest == "binary":
            return cls("binary", is_inverted=is_inverted, ignore=ignore)
        if name == "threshold" and argument:
            threshold = _whole(argument, text)
            return cls("threshold", threshold, is_inverted=is_inverted, ignore=ignore)
        if name in ("colours", "colors") and argument:
            file = Path(argument)
            return cls("colours", colours_file=file, is_inverted=is_inverted, ignore=ignore)
        raise SettingsError(f"unknown mask encoding '{text}'; expected {GRAMMAR}")

    def __str__(self) -> str:
        """The text that `parse` understands."""
        word: str = self.kind
        if self.kind == "threshold":
            word = f"threshold:{self.threshold}"
        elif self.kind == "colours":
            word = f"colours:{self.colours_file}"
        if self.is_inverted:
            word += ",invert"
        return word if self.ignore is None else f"{word},ignore:{self.ignore}"


def _require(is_sound: bool, message: str) -> None:
    if not is_sound:
        raise SettingsError(message)


def _whole(digits: str, text: str) -> int:
    word = digits.strip()
    if not (word.isascii() and word.isdigit()):
        raise SettingsError(f"mask encoding '{text}': expected a whole number, found '{word}'")
    return int(word)
