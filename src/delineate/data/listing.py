"""The image files under a folder, as names only: nothing is opened here."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.files.image_files import is_image_name

IGNORED = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
# What masks, classes and places of masks are kept in beside pictures.
ANNOTATION_ENDINGS = frozenset({".json", ".csv", ".txt", ".npy"})
FEW = 3


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """A sort key that places 2 before 10.

    Examples:
        >>> sorted(["s10", "s2", "S1"], key=natural_key)
        ['S1', 's2', 's10']
    """
    parts = re.split(r"(\d+)", text.lower())
    return tuple((0, int(p)) if p.isdecimal() else (1, p) for p in parts if p)


def some(names: Iterable[str], total: int | None = None) -> str:
    """The first few names, and how many more there are.

    Examples:
        >>> some(["a", "b", "c", "d", "e"])
        'a, b, c and 2 more'
    """
    listed = list(names)
    more = (len(listed) if total is None else total) - FEW
    head = ", ".join(listed[:FEW])
    return f"{head} and {more} more" if more > 0 else head


def counted(number: int, word: str) -> str:
    """A number with its word.

    Examples:
        >>> counted(1, "mask"), counted(2, "mask")
        ('1 mask', '2 masks')
    """
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


@dataclass(frozen=True)
class Listing:
    """Every image file under `root` in natural order; folders are relative to it.

    `annotations` are files of other endings that may hold masks, such as JSON and CSV. Hidden
    files, `__MACOSX` and `Thumbs.db` are left out. Links to folders are followed, each folder once.
    """

    root: Path
    folders: Mapping[PurePosixPath, tuple[str, ...]]
    other_files: Mapping[str, int]
    annotations: Mapping[PurePosixPath, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def count(self) -> int:
        """How many image files there are."""
        return sum(map(len, self.folders.values()))

    def has(self, folder: str) -> bool:
        """Whether a folder below the root holds images itself."""
        return PurePosixPath(folder) in self.folders

    def names(self, folder: PurePosixPath | str) -> tuple[str, ...]:
        """The image files that lie directly in a folder."""
        return self.folders.get(PurePosixPath(folder), ())

    def path(self, folder: PurePosixPath | str, name: str) -> Path:
        """Where one of these files lies."""
        place = self._places.get(folder)
        return (self.root / folder if place is None else place) / name

    @cached_property
    def _places(self) -> dict[PurePosixPath | str, Path]:
        """Folders as they lie: joining paths is slow, and files are many."""
        return {folder: self.root / folder for folder in (*self.folders, *self.annotations)}

    def under(self, folder: str) -> Listing:
        """The same files seen from a folder below."""
        base = PurePosixPath(folder)
        return Listing(
            self.root / folder, _inside(base, self.folders), {}, _inside(base, self.annotations)
        )

    def only_child(self) -> str | None:
        """The one folder that everything lies in, where there is exactly one."""
        tops = {folder.parts[:1] for folder in (*self.folders, *self.annotations)}
        return next(iter(tops))[0] if len(tops) == 1 and () not in tops else None

    def describe(self) -> str:
        """One phrase that says what was found, for errors."""
        if not self.count:
            others = ", ".join(f"{n} {e or 'without ending'}" for e, n in self._common_endings())
            return f"no image files{f' (but {others})' if others else ''}"
        folders = sorted(self.folders, key=lambda f: natural_key(str(f)))
        shown = some(f"{f}/ ({len(self.folders[f])})" for f in folders)
        where = counted(len(folders), "folder")
        return f"{counted(self.count, 'image')} in {where}: {shown}"

    def _common_endings(self) -> list[tuple[str, int]]:
        return Counter(self.other_files).most_common(FEW)


def list_images(root: Path) -> Listing:
    """The image files under a folder, by their endings, in natural order.

    Of files without an ending only the first bytes are read: DICOM is often kept so.

    Raises:
        LayoutError: the folder does not exist, is a file, or may not be read.
    """
    if not root.exists():
        raise LayoutError(f"{root}: no such folder; check the path")
    if not root.is_dir():
        raise LayoutError(f"{root}: expected a folder of images or a manifest .csv, found a file")
    folders: dict[PurePosixPath, tuple[str, ...]] = {}
    annotations: dict[PurePosixPath, tuple[str, ...]] = {}
    others: Counter[str] = Counter()
    seen: set[str] = set()
    for place, below, names in os.walk(root, followlinks=True, onerror=_refuse):
        real = os.path.realpath(place)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted((b for b in below if not _is_ignored(b)), key=natural_key)
        kept = [n for n in names if not _is_ignored(n)]
        shown = {n for n in kept if is_image_name(os.path.join(place, n))}  # noqa: PTH118 - many names
        images = sorted(shown, key=natural_key)
        others.update(_ending(n) for n in kept if n not in shown)
        folder = PurePosixPath(Path(place).relative_to(root).as_posix())
        if images:
            folders[folder] = tuple(images)
        drawn = sorted((n for n in kept if _ending(n) in ANNOTATION_ENDINGS), key=natural_key)
        if drawn:
            annotations[folder] = tuple(drawn)
    return Listing(root, folders, others, annotations)


def _inside(
    base: PurePosixPath, folders: Mapping[PurePosixPath, tuple[str, ...]]
) -> dict[PurePosixPath, tuple[str, ...]]:
    return {f.relative_to(base): names for f, names in folders.items() if f.is_relative_to(base)}


def stem(name: str) -> str:
    """The name of a file without its ending; digits after the last point are no ending.

    Examples:
        >>> stem("1_1.tif"), stem("1.2.840.10008")
        ('1_1', '1.2.840.10008')
    """
    head, ending = os.path.splitext(name)  # noqa: PTH122 - on names by the hundred thousand
    return name if ending[1:].isdecimal() else head


def _ending(name: str) -> str:
    head, ending = os.path.splitext(name)  # noqa: PTH122 - on names by the hundred thousand
    is_packed = ending.lower() == ".gz"
    inner = os.path.splitext(head)[1] if is_packed else ""  # noqa: PTH122 - as above
    return (inner + ending).lower()


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def _refuse(problem: OSError) -> None:
    raise LayoutError(f"{problem.filename}: cannot be listed ({problem.strerror}); check access")
