"""A data set as one CSV: the way in for anything that no layout knows.

Columns: `id`, `subject`, `split`, `image`, `mask` or `mask@OBSERVER`, `region`, `encoding` or
`encoding@OBSERVER`. Only `id` and `image` must be there. Paths are relative to the folder of
the manifest; several masks of one observer are joined by `|` and united.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from delineate.core.errors import DelineateError, LayoutError
from delineate.data.layouts.found import REFERENCE
from delineate.data.sample import SPLITS, Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.writing import write_csv

PLAIN = ("id", "subject", "split", "image", "region")
JOINT = "|"


def write_manifest(dataset: Dataset, path: Path) -> None:
    """Write every sample as a row, with the encodings that are settled or confirmed.

    Raises:
        LayoutError: a path that holds `|`, or an observer that cannot be a column's name.
    """
    base = path.resolve().parent
    observers = dataset.observers
    header = [
        "id",
        "subject",
        "split",
        "image",
        *(_column("mask", name) for name in observers),
        "region",
        *(_column("encoding", name) for name in observers),
    ]
    encodings = [_portable(dataset.encodings.get(name), base) for name in observers]
    rows = [
        [
            sample.id,
            sample.subject or "",
            sample.split or "",
            _relative(sample.image, base),
            *(JOINT.join(_relative(m, base) for m in sample.masks.get(o, ())) for o in observers),
            _relative(sample.region, base) if sample.region else "",
            *(e if o in sample.masks else "" for o, e in zip(observers, encodings, strict=True)),
        ]
        for sample in dataset.samples
    ]
    write_csv(path, header, rows)


def read_manifest(path: Path) -> Dataset:
    """The data set of a manifest.

    Raises:
        LayoutError: unknown or missing columns, a file that does not exist, an id or image
            twice, two encodings of one observer; each with its row.
    """
    base = path.resolve().parent
    samples: dict[str, Sample] = {}
    encodings: dict[str, MaskEncoding] = {}
    for number, row in read_table(path, required=("id", "image")):
        where = f"{path}, row {number}"
        observers = _observers(row, where)
        sample = _sample(row, observers, base, where)
        if sample.id in samples:
            raise LayoutError(f"{where}: id {sample.id} stands there twice; rename or remove one")
        samples[sample.id] = sample
        for name in sample.masks:
            _take_encoding(encodings, name, row.get(_column("encoding", name), ""), base, where)
    if not samples:
        raise LayoutError(f"{path}: expected a row for each image, found the header alone")
    reason = f"a manifest of {len(samples)} rows"
    return Dataset(base, "manifest", reason, tuple(samples.values()), encodings)


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
    )


def _take_encoding(
    encodings: dict[str, MaskEncoding], observer: str, text: str, base: Path, where: str
) -> None:
    if not text:
        return
    try:
        encoding = MaskEncoding.parse(text)
    except DelineateError as problem:
        raise LayoutError(f"{where}: {problem}") from None
    if encoding.colours_file is not None:
        encoding = replace(
            encoding, colours_file=_existing(str(encoding.colours_file), base, where)
        )
    if str(encodings.setdefault(observer, encoding)) != str(encoding):
        raise LayoutError(
            f"{where}: expected one encoding for observer {observer}, found {encodings[observer]} "
            f"before and {encoding} here; make two observers of them or re-export the masks"
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
    """The encoding as text, with the file of its colours relative to the manifest."""
    if encoding is None:
        return ""
    if encoding.colours_file is not None:
        encoding = replace(encoding, colours_file=Path(_relative(encoding.colours_file, base)))
    return str(encoding)


def _column(kind: str, observer: str) -> str:
    return kind if observer == REFERENCE else f"{kind}@{observer}"


def _observer(column: str) -> str:
    return column.partition("@")[2] or REFERENCE
