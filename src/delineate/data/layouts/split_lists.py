"""Splits that stand in text files of names, one a line: `train.txt`, `val.txt`, `test.txt`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.found import SPLIT_WORDS
from delineate.data.listing import Listing, stem
from delineate.data.sample import TRAIN, VALIDATION
from delineate.files.image_files import IMAGE_ENDINGS

MOST_BYTES = 1 << 26


def listed_splits(
    listing: Listing, ids: Collection[str], *, under: str | None = None
) -> dict[str, str]:
    """Id -> split, by the lists that lie nearest to the root, or those below `under` alone.

    A line may hold paths, and that of the mask after that of the image. Where `valid.txt` stands
    alone, all others are for training. Names that stand in no list are not in what comes back.

    Raises:
        LayoutError: a list that cannot be read, or a name in two of them.
    """
    lists = _lists(listing, under)
    known = set(ids)
    splits: dict[str, str] = {}
    for split, file in lists.items():
        for name in _names(file):
            if name not in known:
                continue
            if splits.setdefault(name, split) != split:
                raise LayoutError(
                    f"{file}: expected each image in one list, found {name} in that of "
                    f"{splits[name]} too; keep one"
                )
    if splits and set(lists) == {VALIDATION}:
        splits |= dict.fromkeys(known - splits.keys(), TRAIN)
    return splits


def _lists(listing: Listing, under: str | None) -> dict[str, Path]:
    """Split -> its list, of the first folder that has any."""
    for folder in sorted(listing.annotations, key=lambda f: (len(f.parts), str(f))):
        if under is not None and not _ends_with(folder, under):
            continue
        found = {
            SPLIT_WORDS[stem(name).lower()]: listing.path(folder, name)
            for name in listing.annotations[folder]
            if name.lower().endswith(".txt") and stem(name).lower() in SPLIT_WORDS
        }
        if found:
            return found
    return {}


def _ends_with(folder: PurePosixPath, under: str) -> bool:
    wanted = PurePosixPath(under.lower()).parts
    return PurePosixPath(str(folder).lower()).parts[-len(wanted) :] == wanted


def _names(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            text = stream.read(MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise LayoutError(
            f"{file}: expected a list of names in UTF-8, one a line, found {problem}; mend it"
        ) from None
    first = (line.split()[0] for line in text.splitlines() if line.strip())
    return [_stem(PurePosixPath(word).name) for word in first]


def _stem(name: str) -> str:
    """The name without the ending of an image, if it has one: `a.b` may be a whole name."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in IMAGE_ENDINGS else name
