"""COCO: JSON files that name images, categories and the objects in each image.

`annotations/instances_train2017.json` with `train2017/*.jpg`, `_annotations.coco.json` beside its
images, `result.json` beside `images/`: files are told by what they hold, and images found by their
`file_name`. The split is that in the JSON's name or folder. Panoptic files, whose pixels are in
PNGs, are a layout of their own; where there are both, instances are read unless
`--layout coco-panoptic` asks otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

from delineate.core.class_colours import Colour
from delineate.core.errors import DelineateError, LayoutError
from delineate.data.layouts.class_names import named_classes
from delineate.data.layouts.found import REFERENCE, SPLIT_WORDS, Found, in_order, with_places
from delineate.data.layouts.names import place_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample
from delineate.files.coco import CocoFile, read_coco
from delineate.files.formats import read_content
from delineate.files.json_values import read_json_object
from delineate.files.mask_encoding import MaskEncoding

Kind = Literal["coco", "coco-panoptic"]
HEAD_BYTES = 4096
_KEYS = re.compile(rb'"(?:images|annotations|categories|info|licenses)"\s*:')
# What the official files are called; others beside them hold points, captions or nothing.
_OFFICIAL: Mapping[Kind, str] = {"coco": "instances", "coco-panoptic": "panoptic"}
_POINTS = "person_keypoints"
_OTHER: Mapping[Kind, Kind] = {"coco": "coco-panoptic", "coco-panoptic": "coco"}
_WORDS: Mapping[Kind, str] = {"coco": "objects", "coco-panoptic": "panoptic segments"}


@dataclass(frozen=True)
class _File:
    """A JSON file, its folder relative to the data set, and what it holds."""

    path: Path
    folder: PurePosixPath
    content: CocoFile

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.name

    @cached_property
    def split(self) -> str | None:
        """The split that its name says, else its folder."""
        words = re.split(r"[^a-z]+", stem(self.name).lower())
        named = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
        return named[0] if named else place_of(self.folder).split


def recognise_instances(listing: Listing) -> str | None:
    """Why this is COCO's, else None: a JSON whose objects have masks, for images that are here."""
    return _reason(listing, "coco")


def recognise_panoptic(listing: Listing) -> str | None:
    """Why this is COCO's panoptic form, else None."""
    return _reason(listing, "coco-panoptic")


def read_instances(listing: Listing) -> Found:
    """Its samples, from the files of objects."""
    return _read(listing, "coco")


def read_panoptic(listing: Listing) -> Found:
    """Its samples, from the panoptic files."""
    return _read(listing, "coco-panoptic")


def problem(listing: Listing) -> str | None:
    """Why nothing here is COCO's although a file looks like it, for errors; else None."""
    for folder, name in _candidates(listing):
        try:
            content = read_coco(listing.path(folder, name))
        except DelineateError as damage:
            return str(damage)
        if _kind_of(content):
            images = (str(row.get("file_name")) for row in content.images.values())
            return f"{folder / name} draws {some(images)}, and no image here is called so"
    return None


def _reason(listing: Listing, kind: Kind) -> str | None:
    images = _Images(listing)
    for file in _files(listing, kind):
        found = sum(images.of(file, row) is not None for row in file.content.images.values())
        if found:
            return (
                f"{file.folder / file.name} holds {_WORDS[kind]} of {counted(found, 'image')} "
                f"in {_categories(len(file.content.categories))}, as in COCO"
            )
    return None


def _read(listing: Listing, kind: Kind) -> Found:
    """The samples of every file of this kind, and images beside them that no file names.

    Raises:
        LayoutError: no such file, none of its images, or two files that draw one image.
    """
    files = list(_files(listing, kind))
    images = _Images(listing)
    drawn: dict[Path, tuple[_File, int]] = {}
    lost: list[str] = []
    for file in files:
        for number, row in file.content.images.items():
            image = images.of(file, row)
            if image is None:
                lost.append(str(row.get("file_name", number)))
            elif image in drawn:
                raise LayoutError(
                    f"{image}: expected one JSON with its objects, found {drawn[image][0].name} "
                    f"and {file.name}; move one away, or say which counts in a manifest CSV"
                )
            else:
                drawn[image] = (file, number)
    if not drawn:
        raise LayoutError(
            f"{listing.root}: expected COCO JSON with masks and the images that it names "
            f"({some(lost) or 'no such JSON'}), found {listing.describe()}"
        )
    notes = [f"no image for {len(lost)} of those in the JSON: {some(lost)}"] if lost else []
    others = [file.name for file in _files(listing, _OTHER[kind])]
    if others:
        notes.append(f"also there, and read with --layout {_OTHER[kind]}: {some(others)}")
    names = _names(files)
    headings = {name for file in files for name in _headings(file)} - set(names)
    if headings:
        notes.append(
            f"no class, for it is the heading of all others and never drawn: {some(headings)}"
        )
    samples = [_sample(listing, image, *found) for image, found in drawn.items()]
    more = list(_unlabelled(listing, images, drawn))
    return Found(
        in_order(with_places([*samples, *more], listing.root)),
        tuple(notes),
        encodings={REFERENCE: MaskEncoding(kind)},
        classes=named_classes(names, listing.root, _colours(files)),
        has_instances=True,
    )


def _sample(listing: Listing, image: Path, file: _File, number: int) -> Sample:
    return Sample(
        stem(image.name),
        image,
        masks={REFERENCE: (file.path,)},
        split=file.split or _split_of(listing, image),
        entry=str(number),
    )


def _unlabelled(listing: Listing, images: _Images, drawn: Mapping[Path, Any]) -> Iterator[Sample]:
    """Images of the same folders that no file draws, and those that a mere list of images names."""
    folders = {image.parent: found[0].split for image, found in drawn.items()}
    named: dict[Path, str | None] = {}
    for file in _lists_of_images(listing):
        for row in file.content.images.values():
            image = images.of(file, row)
            if image is not None:
                named[image] = file.split or _split_of(listing, image)
    for folder, names in listing.folders.items():
        for name in names:
            image = listing.path(folder, name)
            if image not in drawn and (image in named or image.parent in folders):
                split = named.get(image) or folders.get(image.parent) or _split_of(listing, image)
                yield Sample(stem(name), image, split=split)


def _split_of(listing: Listing, image: Path) -> str | None:
    return place_of(PurePosixPath(image.parent.relative_to(listing.root).as_posix())).split


def _files(listing: Listing, kind: Kind) -> Iterator[_File]:
    """The JSON files of this kind; the official ones alone where there are any.

    COCO's points of persons come with outlines of some, which count for nothing beside others.
    """
    drawn = [(file, own) for file in _readable(listing) if (own := _kind_of(file.content))]
    others = [pair for pair in drawn if not pair[0].name.lower().startswith(_POINTS)]
    found = [file for file, own in others or drawn if own == kind]
    official = [file for file in found if file.name.lower().startswith(_OFFICIAL[kind])]
    yield from official or found


def _readable(listing: Listing) -> Iterator[_File]:
    for folder, name in _candidates(listing):
        path = listing.path(folder, name)
        try:
            yield _File(path, folder, read_coco(path))
        except DelineateError:
            continue


def _lists_of_images(listing: Listing) -> Iterator[_File]:
    """JSON files that name images and draw nothing, as COCO has them for its test images."""
    readable = list(_readable(listing))
    yield from (file for file in readable if not file.content.annotations)
    known = {file.path for file in readable}
    for folder, name in _candidates(listing):
        path = listing.path(folder, name)
        if path in known:
            continue
        try:
            document = read_json_object(path)
        except DelineateError:
            continue
        rows = document.get("images")
        if not document.get("annotations") and isinstance(rows, list):
            named = {n: row for n, row in enumerate(rows) if isinstance(row, dict)}
            yield _File(path, folder, CocoFile(named, {}, {}, {}))


def _candidates(listing: Listing) -> Iterator[tuple[PurePosixPath, str]]:
    """JSON files that begin as COCO's do."""
    for folder, names in listing.annotations.items():
        for name in names:
            if name.lower().endswith(".json"):
                try:
                    head = read_content(listing.path(folder, name), HEAD_BYTES)
                except DelineateError:
                    continue
                if _KEYS.search(head):
                    yield folder, name


def _kind_of(content: CocoFile) -> Kind | None:
    """By the first annotation that has a mask; None for boxes, points, captions or nothing."""
    for rows in content.annotations.values():
        for row in rows:
            if "segments_info" in row:
                return "coco-panoptic"
            if row.get("segmentation"):
                return "coco"
    return None


def _names(files: Iterable[_File]) -> list[str]:
    """The names of the categories, by their numbers, those of the first file first."""
    return [
        str(row.get("name", number))
        for file in files
        for number, row in sorted(file.content.categories.items())
        if number not in _headings(file).values()
    ]


def _headings(file: _File) -> dict[str, int]:
    """The category that all others lie under and nothing is of, by its name.

    Roboflow lists the project itself as category 0.
    """
    rows = file.content.categories
    above = {str(row.get("supercategory")) for row in rows.values()} - {"none", "", "None"}
    if len(above) != 1:
        return {}
    drawn = {
        row.get("category_id") for several in file.content.annotations.values() for row in several
    }
    return {
        str(row["name"]): number
        for number, row in rows.items()
        if row.get("name") in above
        and row.get("supercategory") not in above
        and number not in drawn
    }


def _categories(count: int) -> str:
    return "1 category" if count == 1 else f"{count} categories"


def _colours(files: Iterable[_File]) -> dict[str, Colour]:
    colours: dict[str, Colour] = {}
    for file in files:
        for row in file.content.categories.values():
            colour = row.get("color")
            if isinstance(colour, list) and len(colour) == 3 and all(map(_is_byte, colour)):
                colours.setdefault(str(row.get("name")), (colour[0], colour[1], colour[2]))
    return colours


def _is_byte(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


class _Images:
    """Finds the image that a row of a JSON names."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
        for folder, names in listing.folders.items():
            for name in names:
                self._by_name[name].append(folder / name)

    def of(self, file: _File, row: Mapping[str, Any]) -> Path | None:
        """By its whole path, else its name; of several the one of the split, or nearest the JSON.

        None where there is none, or no single one.
        """
        named = row.get("file_name")
        if not isinstance(named, str):
            return None
        wanted = PurePosixPath(PureWindowsPath(named).as_posix())
        found = self._by_name.get(wanted.name, [])
        for is_right in (
            lambda path: path.parts[-len(wanted.parts) :] == wanted.parts,
            lambda path: place_of(path.parent).split == file.split,
            lambda path: _base(path.parent.name) == file.split,
            lambda path: path.is_relative_to(file.folder),
            lambda path: path.parent == file.folder,
        ):
            if len(found) > 1:
                found = [path for path in found if is_right(path)] or found
        return self._listing.root / found[0] if len(found) == 1 else None


def _base(name: str) -> str | None:
    """The split that a folder such as `train2017` is of."""
    return SPLIT_WORDS.get(re.sub(r"\d+$", "", name.lower()))
