"""How a mask encodes its classes, as a word that people can type and files can keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from delineate.core.errors import SettingsError

EncodingKind = Literal[
    "index", "binary", "threshold", "colours", "values",
    "labelme", "cityscapes-polygons", "coco", "coco-panoptic", "rle-nerve", "rle-siim",
]  # fmt: skip
# What is drawn as objects, in JSON or a CSV, and not as a picture of values.
DRAWN = frozenset(
    {"labelme", "cityscapes-polygons", "coco", "coco-panoptic", "rle-nerve", "rle-siim"}
)
GRAMMAR = (
    "index, binary, threshold:T, colours:FILE or values:TABLE, then perhaps ,invert, ,ignore:V, "
    f",class:K and ,offsets:FILE; or one of {', '.join(sorted(DRAWN))}"
)


@dataclass(frozen=True)
class MaskEncoding:
    """How raw mask values become class indices.

    `index`: values are class indices. `binary`: 0 is background, and 1, 255 or 65535 is
    foreground. `threshold`: foreground from `threshold` upwards, after channels are
    averaged. `colours`: the row of `colours_file` with exactly this colour. `ignore` is the
    raw value that becomes `IGNORE`; with `is_inverted`, foreground and background change
    places and ignored pixels stay ignored. `values`: a table says which value means which class;
    `table` is a file or the name of one that comes with the package. `label` is the class that a
    two-valued mask draws, where that is not 1. `offsets` is a CSV that says where in the image a
    mask lies that was cropped to a box. The kinds in `DRAWN` are objects in JSON or run lengths.

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
    table: str | None = None
    label: int | None = None
    offsets: Path | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether the file holds objects and not the values of pixels."""
        return self.kind in DRAWN

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
            (self.kind == "values") == (self.table is not None),
            f"encoding {self.kind}: a table of values belongs to values:TABLE and to nothing else",
        )
        _require(
            self.label is None or (self.kind in ("binary", "threshold") and 1 <= self.label < 255),
            f"encoding {self.kind},class:{self.label}: only binary and threshold:T draw one class, "
            "of a number from 1 to 254",
        )
        _require(
            not self.is_drawn or (self.ignore is None and self.offsets is None),
            f"encoding {self.kind}: takes neither ,ignore:V nor ,offsets:FILE",
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
        label: int | None = None
        offsets: Path | None = None
        # Options are taken from the end: a colour table's name may hold commas.
        while True:
            head, comma, last = rest.rpartition(",")
            word = last.strip()
            if word == "invert" and not is_inverted:
                is_inverted = True
            elif word.startswith("ignore:") and ignore is None and comma:
                ignore = _whole(word.removeprefix("ignore:"), text)
            elif word.startswith("class:") and label is None and comma:
                label = _whole(word.removeprefix("class:"), text)
            elif word.startswith("offsets:") and offsets is None and comma:
                offsets = Path(word.removeprefix("offsets:"))
            else:
                break
            rest = head.strip()
        if not rest and is_inverted:
            rest = "binary"
        name, _, argument = rest.partition(":")
        more: dict[str, Any] = {
            "is_inverted": is_inverted,
            "ignore": ignore,
            "label": label,
            "offsets": offsets,
        }
        for kind in get_args(EncodingKind):
            if rest == kind and (kind in ("index", "binary") or kind in DRAWN):
                return cls(kind, **more)
        if name == "threshold" and argument:
            return cls("threshold", _whole(argument, text), **more)
        if name in ("colours", "colors") and argument:
            return cls("colours", colours_file=Path(argument), **more)
        if name == "values" and argument:
            return cls("values", table=argument, **more)
        raise SettingsError(f"unknown mask encoding '{text}'; expected {GRAMMAR}")

    def __str__(self) -> str:
        """The text that `parse` understands."""
        word: str = self.kind
        if self.kind == "threshold":
            word = f"threshold:{self.threshold}"
        elif self.kind == "colours":
            word = f"colours:{self.colours_file}"
        elif self.kind == "values":
            word = f"values:{self.table}"
        parts = {"ignore": self.ignore, "class": self.label, "offsets": self.offsets}
        options = [f",{name}:{value}" for name, value in parts.items() if value is not None]
        return "".join([word, ",invert" if self.is_inverted else "", *options])


def _require(is_sound: bool, message: str) -> None:
    if not is_sound:
        raise SettingsError(message)


def _whole(digits: str, text: str) -> int:
    word = digits.strip()
    if not (word.isascii() and word.isdigit()):
        raise SettingsError(f"mask encoding '{text}': expected a whole number, found '{word}'")
    return int(word)
