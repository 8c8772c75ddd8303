"""A data set as one CSV: the way in for anything that no layout knows.

Columns: `id`, `subject`, `split`, `image`, `mask` or `mask@OBSERVER`, `region`, `encoding` or
`encoding@OBSERVER`, `entry`, `instances`, `overlapping`. Only `id` and `image` must be there. Paths
are relative to the folder of the manifest; several masks of one observer are joined by `|` and
united. An `encoding` with `|` is one for each mask in turn. `entry` is what files that hold the
masks of many images call this one. `instances` is yes in every row where each mask file is an
object of its own, `overlapping` where a pixel may belong to several classes. The names and colours
of the classes stand beside the manifest in `classes.csv`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.types import LabelClass
from delineate.data.layouts.found import REFERENCE
from delineate.data.sample import SPLITS, Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.class_tables import PACKAGED, read_class_table, write_class_table
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.writing import write_csv

PLAIN = ("id", "subject", "split", "image", "region", "entry", "instances", "overlapping")
JOINT = "|"
CLASSES = "classes.csv"
YES = "yes"


def write_manifest(dataset: Dataset, path: Path) -> None:
    """Write every sample as a row, with the encodings that are settled or confirmed.

    The classes, where they are known, are written beside it.

    Raises:
        LayoutError: a path that holds `|`, an observer that cannot be a column's name, or another
            table of classes in the place of ours.
    """
    base = path.resolve().parent
    observers = dataset.observers
    columns: dict[str, Callable[[Sample], str]] = {
        "id": lambda s: s.id,
        "subject": lambda s: s.subject or "",
        "split": lambda s: s.split or "",
        "image": lambda s: _relative(s.image, base),
    }
    for name in observers:
        columns[_column("mask", name)] = partial(_mask_cell, name, base)
    columns["region"] = lambda s: _relative(s.region, base) if s.region else ""
    for name in observers:
        columns[_column("encoding", name)] = partial(_encoding_cell, dataset, name, base)
    if any(sample.entry is not None for sample in dataset.samples):
        columns["entry"] = lambda s: s.entry or ""
    for column, is_so in _flags(dataset).items():
        if is_so:
            columns[column] = lambda _: YES
    rows = [[cell(sample) for cell in columns.values()] for sample in dataset.samples]
    if dataset.classes:
        _write_classes(dataset.classes, base / CLASSES)
    write_csv(path, list(columns), rows)


def _flags(dataset: Dataset) -> dict[str, bool]:
    return {"instances": dataset.has_instances, "overlapping": dataset.is_overlapping}


def _mask_cell(observer: str, base: Path, sample: Sample) -> str:
    return JOINT.join(_relative(file, base) for file in sample.masks.get(observer, ()))


def _encoding_cell(dataset: Dataset, observer: str, base: Path, sample: Sample) -> str:
    """The observer's encoding, or one for each file where any has its own."""
    files = sample.masks.get(observer, ())
    if any(file in dataset.file_encodings for file in files):
        own = [_portable(dataset.encoding_of(file, observer), base) for file in files]
        return JOINT.join(own) + JOINT
    return _portable(dataset.encodings.get(observer), base) if files else ""


def _write_classes(classes: tuple[LabelClass, ...], file: Path) -> None:
    if file.exists() and read_class_table(file).classes != classes:
        raise LayoutError(
            f"{file}: expected no other table of classes beside a new manifest, found one; "
            "write the manifest into a folder of its own"
        )
    write_class_table(file, classes)


def read_manifest(path: Path) -> Dataset:
    """The data set of a manifest.

    Raises:
        LayoutError: unknown or missing columns, a file that does not exist, an id or image
            twice, two encodings of one observer; each with its row.
    """
    base = path.resolve().parent
    samples: dict[str, Sample] = {}
    encodings: dict[str, MaskEncoding] = {}
    own: dict[Path, MaskEncoding] = {}
    flags: dict[str, set[bool]] = {"instances": set(), "overlapping": set()}
    for number, row in read_table(path, required=("id", "image")):
        where = f"{path}, row {number}"
        observers = _observers(row, where)
        sample = _sample(row, observers, base, where)
        if sample.id in samples:
            raise LayoutError(f"{where}: id {sample.id} stands there twice; rename or remove one")
        samples[sample.id] = sample
        for name in sample.masks:
            text = row.get(_column("encoding", name), "")
            if JOINT in text:
                own |= _own_encodings(text, sample.masks[name], base, where)
            else:
                _take_encoding(encodings, name, text, base, where)
        for column, found in flags.items():
            found.add(_is_yes(row.get(column, ""), column, where))
    if not samples:
        raise LayoutError(f"{path}: expected a row for each image, found the header alone")
    for column, found in flags.items():
        if len(found) > 1:
            raise LayoutError(f"{path}: expected {YES} in every row of '{column}' or in none")
    table = base / CLASSES
    return Dataset(
        base,
        "manifest",
        f"a manifest of {len(samples)} rows",
        tuple(samples.values()),
        encodings,
        classes=read_class_table(table).classes if table.is_file() else (),
        file_encodings=own,
        has_instances=flags["instances"] == {True},
        is_overlapping=flags["overlapping"] == {True},
    )


def _observers(row: Mapping[str, str], where: str) -> tuple[str, ...]:
    masks = [_observer(column) for column in row if column.split("@")[0] == "mask"]
    known = {*PLAIN, *(_column(kind, name) for kind in ("mask", "encoding") for name in masks)}
    strange = [column for column in row if column not in known]
    if strange:
        raise LayoutError(
            f"{where}: column '{strange[0]}' is not known; expected {', '.join(PLAIN)}, mask or "
            "mask@OBSERVER, and encoding or encoding@OBSERVER of an observer with masks"
        )
    return tuple(masks)


def _sample(row: Mapping[str, str], observers: tuple[str, ...], base: Path, where: str) -> Sample:
    if not row["id"]:
        raise LayoutError(f"{where}: expected an id, found an empty cell; name the sample")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise LayoutError(
            f"{where}: expected the split train, validation, test or nothing, found '{split}'"
        )
    masks: dict[str, tuple[Path, ...]] = {}
    for name in observers:
        cell = row[_column("mask", name)]
        if cell:
            masks[name] = tuple(_existing(p, base, where) for p in cell.split(JOINT) if p.strip())
    return Sample(
        id=row["id"],
        image=_existing(row["image"], base, where),
        subject=row.get("subject") or None,
        masks=masks,
        region=_existing(row["region"], base, where) if row.get("region") else None,
        split=split,
        entry=row.get("entry") or None,
    )


def _is_yes(cell: str, column: str, where: str) -> bool:
    if cell.lower() not in ("", "no", YES):
        raise LayoutError(f"{where}: expected {YES}, no or nothing as {column}, found '{cell}'")
    return cell.lower() == YES


def _own_encodings(
    text: str, files: tuple[Path, ...], base: Path, where: str
) -> dict[Path, MaskEncoding]:
    words = text.removesuffix(JOINT).split(JOINT)
    if len(words) != len(files):
        raise LayoutError(
            f"{where}: expected an encoding for each of {len(files)} masks, found {len(words)}; "
            f"join as many with '{JOINT}', or give one for all"
        )
    return {f: _parsed(word, base, where) for f, word in zip(files, words, strict=True) if word}


def _take_encoding(
    encodings: dict[str, MaskEncoding], observer: str, text: str, base: Path, where: str
) -> None:
    if not text:
        return
    encoding = _parsed(text, base, where)
    if str(encodings.setdefault(observer, encoding)) != str(encoding):
        raise LayoutError(
            f"{where}: expected one encoding for observer {observer}, found {encodings[observer]} "
            f"before and {encoding} here; make two observers of them or re-export the masks"
        )


def _parsed(text: str, base: Path, where: str) -> MaskEncoding:
    """The encoding of a cell, with its files where they lie."""
    try:
        encoding = MaskEncoding.parse(text)
    except DelineateError as problem:
        raise LayoutError(f"{where}: {problem}") from None
    return _with_files(encoding, lambda file: _existing(str(file), base, where))


def _with_files(encoding: MaskEncoding, moved: Callable[[Path], Path]) -> MaskEncoding:
    """The encoding with its files moved; tables that come with the package stay."""
    table, colours, offsets = encoding.table, encoding.colours_file, encoding.offsets
    return replace(
        encoding,
        table=table if table is None or table in PACKAGED else str(moved(Path(table))),
        colours_file=colours if colours is None or str(colours) in PACKAGED else moved(colours),
        offsets=offsets if offsets is None else moved(offsets),
    )


def _existing(text: str, base: Path, where: str) -> Path:
    path = Path(os.path.normpath(base / text.strip()))
    if not text.strip() or not path.is_file():
        raise LayoutError(f"{where}: no such file {path}; correct the path (relative to {base})")
    return path


def _relative(path: Path, base: Path) -> str:
    text = Path(os.path.relpath(path.resolve(), base)).as_posix()
    if JOINT in text:
        raise LayoutError(f"{path}: expected no '{JOINT}' in a path, it parts masks; rename it")
    return text


def _portable(encoding: MaskEncoding | None, base: Path) -> str:
    """The encoding as text, with its files relative to the manifest."""
    if encoding is None:
        return ""
    return str(_with_files(encoding, lambda file: Path(_relative(file, base))))


def _column(kind: str, observer: str) -> str:
    return kind if observer == REFERENCE else f"{kind}@{observer}"


def _observer(column: str) -> str:
    return column.partition("@")[2] or REFERENCE
