"""A folder of masks without their images, as a data set of masks alone."""

from __future__ import annotations

import re
from pathlib import Path

from delineate.core.errors import LayoutError
from delineate.core.types import LabelClass
from delineate.data.listing import natural_key
from delineate.data.sample import Dataset, Sample
from delineate.files.class_masks import CLASSES, class_words
from delineate.files.class_tables import read_class_table
from delineate.files.image_files import IMAGE_ENDINGS
from delineate.files.mask_encoding import MaskEncoding

MASKS = "masks"
_MASK = re.compile(r"(?P<stem>.+)_mask(?:_(?P<word>.+))?", re.IGNORECASE)
_OTHERS = re.compile(r".+(_overlay|_prob(_\d+)?)", re.IGNORECASE)


def holds_masks_alone(path: Path) -> bool:
    """Whether a folder holds `STEM_mask.*`, and of none of them the image `STEM.*`."""
    if not path.is_dir():
        return False
    stems = {file.stem.lower() for file in _pictures(path)}
    found = [match["stem"] for stem in stems if (match := _MASK.fullmatch(stem))]
    return bool(found) and not any(stem in stems for stem in found)


def mask_folder(folder: Path) -> Dataset:
    """Every mask of a folder as a case of its own, known by its name before `_mask`.

    Where no file is named so, every picture but overlays and probability maps is a mask. With
    `classes.csv` beside them `STEM_mask_CLASS.*` are the classes of one case, which may overlap;
    that is how `predict` and `evaluate` write them.

    Raises:
        LayoutError: no such folder, or no mask in it.
        UnreadableFileError: a table of classes that cannot be read.
    """
    files = _pictures(folder) if folder.is_dir() else []
    named = [(file, match) for file in files if (match := _MASK.fullmatch(file.stem))]
    if not files:
        raise LayoutError(f"{folder}: expected a folder of masks, found no picture in it")
    table = folder / CLASSES
    classes = read_class_table(table).classes if table.is_file() else ()
    if classes and named and all(match["word"] for _, match in named):
        return _overlapping(folder, named, classes)
    chosen = [(file, match["stem"]) for file, match in named if not match["word"]]
    chosen = chosen or [(file, file.stem) for file in files]
    samples = tuple(Sample(stem, file, masks={MASKS: (file,)}) for file, stem in chosen)
    return Dataset(folder, MASKS, "masks without images", samples, classes=classes)


def _overlapping(
    folder: Path, named: list[tuple[Path, re.Match[str]]], classes: tuple[LabelClass, ...]
) -> Dataset:
    """Cases of one two-valued file a class, as `delineate.files.class_masks` writes them."""
    index_of = {word.lower(): index for index, word in class_words(classes).items()}
    encodings: dict[Path, MaskEncoding] = {}
    cases: dict[str, list[Path]] = {}
    for file, match in named:
        index = index_of.get(match["word"].lower())
        if index is None:
            raise LayoutError(
                f"{file}: expected the name of a class of {folder / CLASSES} after _mask_ "
                f"({', '.join(index_of)}), found '{match['word']}'; rename or remove the file"
            )
        encodings[file] = MaskEncoding("binary", label=index)
        cases.setdefault(match["stem"], []).append(file)
    samples = tuple(
        Sample(stem, files[0], masks={MASKS: tuple(files)}) for stem, files in cases.items()
    )
    return Dataset(
        folder,
        MASKS,
        "masks without images, one file a class",
        samples,
        encodings={MASKS: MaskEncoding("binary")},
        classes=classes,
        file_encodings=encodings,
        is_overlapping=True,
    )


def _pictures(folder: Path) -> list[Path]:
    files = [each for each in folder.iterdir() if each.is_file() and each.name[0] != "."]
    found = [each for each in files if each.suffix.lower() in IMAGE_ENDINGS]
    found = [each for each in found if not _OTHERS.fullmatch(each.stem)]
    return sorted(found, key=lambda each: natural_key(each.name))
