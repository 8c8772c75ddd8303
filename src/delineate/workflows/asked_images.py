"""The images that a person names to be predicted, and a name for the results of each."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from delineate.core.errors import DelineateError, LayoutError
from delineate.data.listing import natural_key, stem
from delineate.files.image_files import is_image_name


def listed_images(images: Sequence[Path | str]) -> list[Path]:
    """Every image file that files, folders and patterns name, in natural order, each once.

    Raises:
        LayoutError: a path that is not there, or nothing found at all.
    """
    found: list[Path] = []
    for each in images:
        path = Path(each)
        if path.is_dir():
            inside = [p for p in path.iterdir() if is_image_name(p)]
            found += [p for p in inside if not p.name.startswith(".")]
        elif path.exists():
            found.append(path)
        elif has_magic(str(each)):
            matches = glob(str(each), recursive=True)  # noqa: PTH207 - absolute patterns too
            found += [Path(p) for p in matches if Path(p).is_file()]
        else:
            raise LayoutError(f"{each}: no such file or folder; give images, folders or patterns")
    if not found:
        shown = ", ".join(map(str, images))
        raise LayoutError(f"{shown}: expected images, found none; {_remedy(images)}")
    # By the folder's own path, whatever words lead there; a link in it is an image of its own.
    each_once = {path.parent.resolve() / path.name: path for path in reversed(found)}
    return sorted(each_once.values(), key=lambda path: natural_key(str(path)))


def _remedy(images: Sequence[Path | str]) -> str:
    """How images are given, where folders hold them deeper than is searched."""
    for folder in (Path(each) for each in images):
        if folder.is_dir() and any(inside.is_dir() for inside in folder.iterdir()):
            return (
                "folders in a folder are not searched; give a pattern in quotes, such as "
                f"'{folder}/**/*.png' or '{folder}/**/*.dcm'"
            )
    return "see `delineate predict --help`"


def failure_of(file: Path, problem: DelineateError) -> str:
    """What went wrong with a file, which is named where the words do not name it."""
    words = str(problem)
    return words if str(file) in words else f"{file}: {words}"


def stems(files: Sequence[Path]) -> list[str]:
    """A name for each file that no other has: its stem where that is the only one.

    Stems that repeat take as many folders as tell them apart, or their ending where they lie
    in one folder.
    """
    names = [stem(file.name) for file in files]
    for name in {each for each in names if names.count(each) > 1}:
        alike = [at for at, each in enumerate(names) if each == name]
        for at, longer in zip(alike, _told_apart([files[at] for at in alike]), strict=True):
            names[at] = longer
    if len(set(names)) < len(names):  # a longer name happens to be another file's own
        names = [f"{number}_{name}" for number, name in enumerate(names, start=1)]
    return names


def _told_apart(files: Sequence[Path]) -> list[str]:
    whole = [file.parent.resolve() for file in files]
    if len(set(whole)) < len(files):
        return [
            f"{folder.name}_{file.name.replace('.', '_')}"
            for folder, file in zip(whole, files, strict=True)
        ]
    folders = [folder.parts for folder in whole]
    depth = next(n for n in range(1, 1000) if len({each[-n:] for each in folders}) == len(files))
    return [
        "_".join((*each[-depth:], stem(file.name)))
        for each, file in zip(folders, files, strict=True)
    ]
