"""Folders of a data set that hold the same files as another of its folders."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from delineate.auditing.findings.finding import Finding
from delineate.core.errors import DelineateError, UnreadableFileError
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted, list_images
from delineate.data.parallel import in_threads
from delineate.data.sample import Dataset

FEWEST_FILES = 2
LEAST_SHARE = 0.5

Folders = tuple[PurePosixPath, PurePosixPath]


@dataclass(frozen=True)
class NestedCopy:
    """Two folders, relative to the root, and how many files they hold alike.

    `same_files` stand in both under one relative name, byte for byte; `files` and
    `copy_files` are all image files of each, but for those of the other where it lies inside.
    """

    folder: PurePosixPath
    copy: PurePosixPath
    same_files: int
    files: int
    copy_files: int

    @property
    def share(self) -> float:
        """Of the smaller folder, the share that the other one holds too."""
        return self.same_files / max(1, min(self.files, self.copy_files))


def nested_copies(
    root: Path, dataset: Dataset | None = None, *, progress: Progress = SILENT
) -> tuple[Finding, ...]:
    """A finding for each folder below `root` that is there twice, whatever its copy is called.

    A copy is told by relative names, sizes and content, at least `FEWEST_FILES` different
    files and `LEAST_SHARE` of the smaller folder. Only files of equal name and size are read.
    The findings name the samples of `dataset` in the copy.
    Where `root` is a manifest, its own files alone are looked at.

    Raises:
        LayoutError: the folder does not exist, or may not be listed.
    """
    base, files = _files(root, dataset)
    found = find_nested_copies(base, files, progress=progress)
    return tuple(_finding(each, base, dataset) for each in found)


def find_nested_copies(
    root: Path, files: Iterable[PurePosixPath], *, progress: Progress = SILENT
) -> tuple[NestedCopy, ...]:
    """Every two folders of which one copies the other; `files` are relative to `root`."""
    listed = list(files)
    matched: Counter[Folders] = Counter()
    contents: dict[Folders, set[bytes]] = defaultdict(set)
    for digest, same in _identical(root, listed, progress):
        for folders in _neighbours(same):
            matched[folders] += 1
            if len(contents[folders]) < FEWEST_FILES:
                contents[folders].add(digest)
    sizes = _counts_below(listed)
    copies = []
    for (folder, copy), same_files in matched.items():
        # One empty mask under one name in many folders is no copy of them.
        if len(contents[folder, copy]) >= FEWEST_FILES:
            own = sizes[folder] - (sizes[copy] if copy.is_relative_to(folder) else 0)
            other = sizes[copy] - (sizes[folder] if folder.is_relative_to(copy) else 0)
            copies.append(NestedCopy(folder, copy, same_files, own, other))
    return tuple(sorted((c for c in copies if c.share > LEAST_SHARE), key=lambda c: -c.same_files))


def _files(root: Path, dataset: Dataset | None) -> tuple[Path, list[PurePosixPath]]:
    """The root folder and the files to look at."""
    if not root.is_file():
        folders = list_images(root).folders
        return root, [folder / name for folder, names in folders.items() for name in names]
    named = set() if dataset is None else set(_named(dataset))
    base = root.parent
    inside = [path for path in named if path.is_relative_to(base)]
    return base, [PurePosixPath(path.relative_to(base).as_posix()) for path in inside]


def _named(dataset: Dataset) -> Iterator[Path]:
    for sample in dataset.samples:
        yield sample.image
        for own in sample.masks.values():
            yield from own


def _identical(
    root: Path, files: Iterable[PurePosixPath], progress: Progress
) -> Iterator[tuple[bytes, list[PurePosixPath]]]:
    """Digest and files of one name and content, where there are several."""
    alike = _of_equal_size(root, files)
    by_content: Mapping[tuple[str, bytes], list[PurePosixPath]] = defaultdict(list)
    for file, digest in in_threads(
        lambda file: _digest(root / file), alike, label="comparing files", progress=progress
    ):
        if not isinstance(digest, DelineateError):  # the image or mask is a finding already
            by_content[file.name, digest].append(file)
    for (_, digest), same in by_content.items():
        if len(same) > 1:
            yield digest, same


def _of_equal_size(root: Path, files: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
    for file in files:
        by_name[file.name].append(file)
    by_size: dict[tuple[str, int], list[PurePosixPath]] = defaultdict(list)
    for name, same in by_name.items():
        if len(same) > 1:
            for file in same:
                by_size[name, _size(root / file)].append(file)
    return [file for (_, size), same in by_size.items() if len(same) > 1 and size for file in same]


def _size(path: Path) -> int:
    """In bytes; 0 where the file is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as problem:
        raise UnreadableFileError(f"{path}: cannot be read ({problem.strerror})") from None


def _neighbours(same: list[PurePosixPath]) -> Iterator[Folders]:
    """For each file and the one whose path ends most alike: the folders where they part.

    Sorted from the end of their paths, those that end alike stand side by side.
    """
    ordered = sorted(same, key=lambda file: (file.parts[::-1], len(file.parts)))
    for first, second in pairwise(ordered):
        yield _parted(first, second)


def _parted(first: PurePosixPath, second: PurePosixPath) -> Folders:
    """Both paths without their common end, the shorter first.

    Examples:
        >>> list(map(str, _parted(PurePosixPath("a/1.png"), PurePosixPath("old/a/1.png"))))
        ['.', 'old']
    """
    one, other = first.parts, second.parts
    common = 0
    while common < min(len(one), len(other)) and one[-1 - common] == other[-1 - common]:
        common += 1
    ends = [PurePosixPath(*p[: len(p) - common]) for p in (one, other)]
    ends.sort(key=lambda folder: (len(folder.parts), folder))
    return ends[0], ends[1]


def _counts_below(files: Iterable[PurePosixPath]) -> Counter[PurePosixPath]:
    """How many of the files each folder holds, those in folders below it included."""
    direct = Counter(file.parent for file in files)
    below: Counter[PurePosixPath] = Counter()
    for folder, count in direct.items():
        for each in (folder, *folder.parents):
            below[each] += count
    return below


def _finding(found: NestedCopy, root: Path, dataset: Dataset | None) -> Finding:
    below = root / found.copy
    samples = () if dataset is None else dataset.samples
    folder = root / found.folder
    return Finding(
        kind="nested_copy",
        samples=tuple(s.id for s in samples if s.image.is_relative_to(below)),
        text=(
            f"{below} holds {counted(found.same_files, 'file')} of {folder} once more, byte for "
            f"byte and under the same names: {found.share:.0%} of the smaller of the two"
        ),
        evidence={
            "folder": str(folder),
            "copy": str(below),
            "same_files": found.same_files,
            "files": found.files,
            "copy_files": found.copy_files,
        },
        badness=float(found.same_files),
        about=f"{found.folder} and {found.copy}",
    )
