"""One two-valued mask a class: `masks/CLASS/X.png`, `masks/X_CLASS.png`, `X_mask_CLASS.png`.

Classes lie beside each other in a pixel's labels, and may overlap only where that is declared.
A class without a file for an image was not drawn there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.class_names import named_classes
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import Place, image_core, mask_name, place_of
from delineate.data.listing import Listing, counted, natural_key, some, stem
from delineate.data.sample import Sample
from delineate.files.mask_encoding import MaskEncoding

_MASK_WORD = re.compile(r"[_\-. ]+(?:mask|masks|seg|label|gt)$", re.IGNORECASE)


@dataclass(frozen=True)
class _ClassFile:
    """A mask of one class of one image, whose name without its ending is `core`."""

    path: Path
    core: str
    name: str
    split: str | None


def recognise(listing: Listing) -> str | None:
    """Why each mask here is of one class, else None: two classes at least, and names that fit."""
    files, _ = _class_files(listing)
    names = _names(files)
    if len(names) < 2:
        return None
    example = files[0]
    return (
        f"{counted(len(files), 'mask')} of one class each ({some(names)}), such as "
        f"{example.path.relative_to(listing.root)} for {example.core}"
    )


def read(listing: Listing) -> Found:
    """Its samples; the mask of an image is what all its classes' files hold together."""
    files, images = _class_files(listing)
    if not files:
        raise LayoutError(
            f"{listing.root}: expected masks of one class each, as masks/CLASS/X.png or "
            f"X_CLASS.png; found {listing.describe()}"
        )
    names = _names(files)
    numbers = {name: number for number, name in enumerate(names, start=1)}
    own: dict[tuple[str | None, str], list[_ClassFile]] = defaultdict(list)
    for file in sorted(files, key=lambda f: numbers[f.name]):
        own[file.split, file.core].append(file)
    samples = []
    for (split, core), paths in images.items():
        masks = tuple(file.path for file in own.pop((split, core), []))
        drawn = {REFERENCE: masks} if masks else {}
        samples += [Sample(stem(path.name), path, None, drawn, split=split) for path in paths]
    notes = []
    if own:
        lost = [file.path.name for several in own.values() for file in several]
        notes.append(f"no image for {counted(len(lost), 'mask')}: {some(lost)}")
    whole = sum(len(s.masks.get(REFERENCE, ())) == len(names) for s in samples)
    labelled = sum(bool(s.masks) for s in samples)
    if whole < labelled:
        notes.append(
            f"{labelled - whole} of {counted(labelled, 'image')} have no file for some of the "
            "classes, which count as not there"
        )
    return Found(
        in_order(with_places(samples, listing.root)),
        tuple(notes),
        file_encodings={f.path: MaskEncoding("binary", label=numbers[f.name]) for f in files},
        classes=named_classes(names, listing.root),
    )


Images = Mapping[tuple[str | None, str], list[Path]]  # split and name without ending -> image


def _class_files(listing: Listing) -> tuple[list[_ClassFile], Images]:
    """The masks of one class each, and the images; no masks where anything does not fit."""
    for find in (_by_folder, _by_suffix_apart, _by_suffix_beside):
        files, images = find(listing)
        if files:
            return files, images
    return [], {}


def _names(files: Sequence[_ClassFile]) -> list[str]:
    return sorted({file.name for file in files}, key=natural_key)


def _by_folder(listing: Listing) -> tuple[list[_ClassFile], Images]:
    """`masks/CLASS/X.png` with images in a folder of their own."""
    of_class = {
        folder: place_of(folder.parent)
        for folder in listing.folders
        if len(folder.parts) > 1
        and place_of(folder.parent).role == "mask"
        and _is_plain(folder.name)
    }
    images = _images(listing, [f for f in listing.folders if place_of(f).role != "mask"])
    stems = {core for _, core in images}
    files = []
    for folder, place in of_class.items():
        own = list(_of_folder(listing, folder, place, stems))
        # A folder named like an image holds its objects, one file each.
        if folder.name in stems or not any(file.core in stems for file in own):
            return [], {}
        files += own
    # Files that lie in the folder of masks itself are whole masks, not single classes.
    is_mixed = any(folder.parent in listing.folders for folder in of_class)
    return ([], {}) if is_mixed else (files, images)


def _is_plain(name: str) -> bool:
    """Whether a folder's own name says nothing of roles or splits, as that of a class."""
    place = place_of(PurePosixPath(name))
    return place.role is None and place.split is None


def _of_folder(
    listing: Listing, folder: PurePosixPath, place: Place, stems: set[str]
) -> Iterator[_ClassFile]:
    for name in listing.names(folder):
        own = mask_name(stem(name))
        core = stem(name) if stem(name) in stems or own is None else own.core
        yield _ClassFile(listing.path(folder, name), core, folder.name, place.split)


def _by_suffix_apart(listing: Listing) -> tuple[list[_ClassFile], Images]:
    """`masks/X_CLASS.png` with images in a folder of their own."""
    masks = [f for f in listing.folders if place_of(f).role == "mask"]
    images = _images(listing, [f for f in listing.folders if f not in masks])
    files: list[_ClassFile] = []
    for folder in masks:
        split = place_of(folder).split
        stems = {core for own, core in images if own == split}
        for name in listing.names(folder):
            core, suffix = _parted(stem(name), stems)
            if suffix is None:
                return [], {}
            files.append(_ClassFile(listing.path(folder, name), core, suffix, split))
    return (files, images) if _are_classes(files) else ([], {})


def _by_suffix_beside(listing: Listing) -> tuple[list[_ClassFile], Images]:
    """`X.png` beside `X_CLASS.png` or `X_mask_CLASS.png`, where every name is one or the other."""
    files: list[_ClassFile] = []
    images: dict[tuple[str | None, str], list[Path]] = defaultdict(list)
    for folder, names in listing.folders.items():
        split = place_of(folder).split
        stems = {stem(name) for name in names}
        for name in names:
            core, suffix = _parted(stem(name), stems)
            path = listing.path(folder, name)
            if suffix is None:
                images[split, core].append(path)
            else:
                files.append(_ClassFile(path, core, suffix, split))
    drawn = {(file.split, file.core) for file in files}
    # Images of one name each with others of longer names beside them are no masks as a rule:
    # most images must have a mask, and each class must be drawn in several.
    is_usual = 2 * len(drawn & images.keys()) >= len(images) and drawn <= images.keys()
    return (files, images) if is_usual and _are_classes(files) else ([], {})


def _parted(name: str, stems: set[str]) -> tuple[str, str | None]:
    """The image's name and the class of a mask `X_CLASS` or `X_mask_CLASS`; None for no class."""
    for cut in range(len(name) - 1, 0, -1):
        if name[cut] in "_- " and (core := _MASK_WORD.sub("", name[:cut])) in stems:
            suffix = _MASK_WORD.sub("", name[cut + 1 :])
            is_name = bool(suffix) and not suffix.isdecimal() and mask_name(f"x_{suffix}") is None
            return (core, suffix) if is_name else (name, None)
    return name, None


def _are_classes(files: Sequence[_ClassFile]) -> bool:
    """Whether suffixes are names of classes: each of them stands at several images."""
    cores: dict[str, set[tuple[str | None, str]]] = defaultdict(set)
    for file in files:
        cores[file.name].add((file.split, file.core))
    several = sum(len(own) > 1 for own in cores.values())
    return len(cores) > 1 and several == len(cores)


def _images(listing: Listing, folders: Sequence[PurePosixPath]) -> Images:
    """Every image of these folders; under the name without a word that says it is one too."""
    images: dict[tuple[str | None, str], list[Path]] = defaultdict(list)
    for folder in folders:
        for name in listing.names(folder):
            key = (place_of(folder).split, image_core(stem(name)))
            images[key].append(listing.path(folder, name))
    return images
