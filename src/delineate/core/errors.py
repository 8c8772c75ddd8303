"""Everything that a user can mend is a `DelineateError`: one line, exit code 2."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DelineateError(Exception):
    """Names file or argument, what was expected, what came, and what to do."""


class UnreadableFileError(DelineateError):
    """A file that cannot be decoded, or not safely."""


class UnknownFormatError(UnreadableFileError):
    """A file that is no image of a format that is known here."""


class TooManyPixelsError(UnreadableFileError):
    """An image that is larger than was allowed, by its header."""


class SeveralFramesError(UnreadableFileError):
    """A file of several frames, of which none was chosen."""


class UncertainMaskError(DelineateError):
    """A mask whose encoding must be confirmed before it is used."""


class SizeMismatchError(DelineateError):
    """An image and a mask, region or probability map of different sizes."""


class LayoutError(DelineateError):
    """A folder or manifest that does not hold what its layout promises."""


class LeakageError(DelineateError):
    """One subject on both sides of a split."""


class PreflightError(DelineateError):
    """Data or settings of which a training can come to nothing."""


class SettingsError(DelineateError):
    """A setting, name or option that does not exist or has a wrong value."""


class OutputExistsError(DelineateError):
    """An output folder that is there already."""


class CannotWriteError(DelineateError):
    """A target that cannot be written: read-only, full, or too long."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> SettingsError:
    """The error for a name that is not among the known ones, with the nearest proposed.

    Examples:
        >>> str(unknown_name("recipe", "vesel", ["vessel", "general"]))
        "unknown recipe 'vesel'; did you mean 'vessel'? Known: general, vessel"
    """
    names = sorted(known)
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'? " if nearest else ""
    return SettingsError(f"unknown {kind} '{name}'; {hint}Known: {', '.join(names)}")
