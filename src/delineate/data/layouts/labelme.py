"""labelme: a JSON an image, with shapes that somebody drew and named.

`X.json` beside `X.jpg`, or in a folder of its own. A list of classes (`labels.txt`, as labelme
takes it) numbers them; without one they are numbered in the order of their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from delineate.core.errors import DelineateError, LayoutError
from delineate.data.layouts.class_names import listed_classes, named_classes
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import place_of
from delineate.data.listing import Listing, counted, natural_key, some, stem
from delineate.data.sample import Sample
from delineate.files.json_values import read_json_object
from delineate.files.mask_encoding import MaskEncoding

KEYS = ("shapes", "imagePath")
MOST_TRIED = 5  # JSON files that are opened to see whether they are labelme's


@dataclass(frozen=True)
class _Drawing:
    """A JSON file, relative to the data set, and the image it says it belongs to."""

    folder: PurePosixPath
    name: str
    image: str
    labels: tuple[str, ...]


def recognise(listing: Listing) -> str | None:
    """Why this is labelme's, else None: some JSON is, and belongs to an image by its name."""
    stems = {stem(name) for names in listing.folders.values() for name in names}
    files = [(folder, name) for folder, name in _json_files(listing) if stem(name) in stems]
    for folder, name in files[:MOST_TRIED]:
        try:
            document = read_json_object(listing.path(folder, name))
        except DelineateError:
            continue
        if all(key in document for key in KEYS):
            return f"a JSON of shapes for each image, such as {folder / name}, as labelme writes it"
    return None


def read(listing: Listing) -> Found:
    """Its samples; each shape is an object, and later ones lie above.

    Raises:
        LayoutError: two JSON files for one image, or a list of classes that lacks some.
    """
    drawings, strange = _drawings(listing)
    images = _Images(listing)
    files: dict[Path, list[Path]] = defaultdict(list)
    lost: list[str] = []
    for each in drawings:
        image = images.of(each)
        if image is None:
            lost.append(each.name)
        else:
            files[image].append(listing.path(each.folder, each.name))
    for image, several in files.items():
        if len(several) > 1:
            raise LayoutError(
                f"{image}: expected one JSON, found {some(map(str, several))}; remove all but "
                "one, or say which counts in a manifest CSV"
            )
    if not files:
        raise LayoutError(
            f"{listing.root}: expected images named like the JSON files of shapes "
            f"({some(lost)}), found {listing.describe()}"
        )
    notes = [f"no image for {counted(len(lost), 'JSON file')}: {some(lost)}"] if lost else []
    if strange:
        notes.append(f"left out, for {'they hold' if len(strange) > 1 else 'it holds'} no shapes: "
                     f"{some(strange)}")  # fmt: skip
    samples = [
        Sample(
            stem(image.name),
            image,
            masks={REFERENCE: tuple(files[image])} if image in files else {},
            split=place_of(PurePosixPath(image.parent.relative_to(listing.root).as_posix())).split,
        )
        for image in images.beside(files)
    ]
    used = sorted({name for each in drawings for name in each.labels}, key=natural_key)
    folders = list(dict.fromkeys(each.folder for each in drawings))
    listed = listed_classes(listing, folders, used)
    if listed:
        notes.append(f"classes are those of {listed[1]}")
    return Found(
        in_order(with_places(samples, listing.root)),
        tuple(notes),
        encodings={REFERENCE: MaskEncoding("labelme")},
        classes=listed[0] if listed else named_classes(used, listing.root),
        has_instances=True,
    )


def _drawings(listing: Listing) -> tuple[list[_Drawing], list[str]]:
    """Every JSON of shapes, and the names of those that are something else."""
    drawings, strange = [], []
    for folder, name in _json_files(listing):
        try:
            document = read_json_object(listing.path(folder, name))
        except DelineateError:  # told where its image is read, so that the others can be looked at
            drawings.append(_Drawing(folder, name, "", ()))
            continue
        if "shapes" not in document:
            strange.append(name)
            continue
        path = document.get("imagePath")
        image = PureWindowsPath(path).as_posix() if isinstance(path, str) else ""
        drawings.append(_Drawing(folder, name, image, _labels(document["shapes"])))
    return drawings, strange


def _labels(shapes: Any) -> tuple[str, ...]:
    """The names of the shapes; whatever is wrong with one is told where it is drawn."""
    found = [each.get("label") for each in shapes if isinstance(each, Mapping)] if isinstance(
        shapes, list
    ) else []  # fmt: skip
    return tuple(dict.fromkeys(label for label in found if isinstance(label, str)))


class _Images:
    """Finds the image that a JSON belongs to."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._by_place: dict[tuple[str, str], Path] = {}
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        self._by_path: dict[str, Path] = {}
        for folder, names in listing.folders.items():
            for name in names:
                path = listing.path(folder, name)
                self._by_place.setdefault((str(folder), stem(name)), path)
                self._by_stem[stem(name)].append(path)
                self._by_path[(folder / name).as_posix()] = path

    def of(self, drawing: _Drawing) -> Path | None:
        """By the path that the JSON names, else of its own name beside it, else anywhere."""
        named = PurePosixPath(drawing.image)
        inside = _normal(drawing.folder / named)
        if drawing.image and inside in self._by_path:
            return self._by_path[inside]
        beside = self._by_place.get((str(drawing.folder), stem(drawing.name)))
        if beside is not None:
            return beside
        split = place_of(drawing.folder).split
        for key in (stem(drawing.name), stem(named.name)):
            found = self._by_stem.get(key, [])
            own = [p for p in found if self._split(p) == split] if len(found) > 1 else found
            if len(own) == 1:
                return own[0]
        return None

    def beside(self, drawn: Iterable[Path]) -> list[Path]:
        """Every image in a folder that holds one with a JSON."""
        folders = {path.parent for path in drawn}
        return [
            self._listing.path(folder, name)
            for folder, names in self._listing.folders.items()
            if self._listing.root / folder in folders
            for name in names
        ]

    def _split(self, path: Path) -> str | None:
        folder = path.parent.relative_to(self._listing.root).as_posix()
        return place_of(PurePosixPath(folder)).split


def _normal(path: PurePosixPath) -> str:
    """A relative path without `..`, as far as it stays inside."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _json_files(listing: Listing) -> list[tuple[PurePosixPath, str]]:
    return [
        (folder, name)
        for folder, names in listing.annotations.items()
        for name in names
        if name.lower().endswith(".json")
    ]
