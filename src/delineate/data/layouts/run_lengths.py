"""Images and a table of run lengths, as Kaggle hands them out.

`ImageId,EncodedPixels` or `fname,mask` beside DICOM files named by their instance, as in SIIM-ACR;
`img,pixels` or `subject,img,pixels` as in the nerve set. Which way of counting a table uses is
seen in its numbers: absolute starts ascend, gaps do not.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.types import LabelClass, default_classes
from delineate.data.layouts.class_names import listed_classes, named_classes
from delineate.data.layouts.found import REFERENCE, Found, in_order, with_places
from delineate.data.layouts.names import place_of
from delineate.data.listing import Listing, counted, natural_key, some, stem
from delineate.data.sample import TRAIN, Sample
from delineate.files.formats import read_content
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.run_length_tables import RunTable, is_run_table, read_run_table
from delineate.files.run_lengths import SIIM_EMPTY, is_run_length_text

Form = Literal["rle-nerve", "rle-siim"]
# Rows of a table by which its form is told, those with runs; and bytes that hold its header.
MOST_ROWS, HEAD_BYTES = 2000, 4096
_FORM_WORDS: Mapping[Form, str] = {
    "rle-siim": "gaps and lengths, as in SIIM-ACR",
    "rle-nerve": "starts and lengths, as in Kaggle's nerve set",
}


@dataclass(frozen=True)
class _Table:
    """A table of run lengths, and whether its rows name subjects."""

    path: Path
    content: RunTable
    form: Form
    has_subjects: bool


def recognise_siim(listing: Listing) -> str | None:
    """Why there is a table of gaps and lengths for these images, else None."""
    return _reason(listing, "rle-siim")


def recognise_nerve(listing: Listing) -> str | None:
    """Why there is a table of starts and lengths for these images, else None."""
    return _reason(listing, "rle-nerve")


def read(listing: Listing) -> Found:
    """Its samples; an image without a row has no mask, one with an empty row an empty mask.

    Images without a row in a folder for training, where others have one, are left out.

    Raises:
        LayoutError: two tables that name one image, or tables of both forms.
    """
    tables = list(_tables(listing))
    forms = {table.form for table in tables}
    if len(forms) != 1:
        raise LayoutError(
            f"{listing.root}: expected tables of run lengths of one form, found "
            f"{some(f'{t.path.name} ({t.form})' for t in tables) or 'none'}; move all but one away"
        )
    images = _images_by_name(listing)
    entries: dict[Path, list[tuple[_Table, str]]] = defaultdict(list)
    lost: list[str] = []
    for table in tables:
        for name in table.content.rows:
            found = images.get(name) or images.get(stem(name)) or []
            if not found:
                lost.append(name)
            for image in found:
                entries[image].append((table, name))
    for image, several in entries.items():
        if len(several) > 1:
            said = some(f"{table.path.name} ({name})" for table, name in several)
            raise LayoutError(
                f"{image}: expected rows in one table, found {said}; move the others away"
            )
    if not entries:
        raise LayoutError(
            f"{listing.root}: expected images named as in {tables[0].path.name} ({some(lost)}), "
            f"found {listing.describe()}"
        )
    notes = [f"no image for {counted(len(lost), 'row')} by name: {some(lost)}"] if lost else []
    used = {table.path: table for own in entries.values() for table, _ in own}
    samples = [
        _sample(listing, folder, name, entries)
        for folder, names in listing.folders.items()
        for name in names
    ]
    samples = _with_rows(samples, notes)
    return Found(
        in_order(with_places(samples, listing.root)),
        tuple(notes),
        encodings={REFERENCE: MaskEncoding(next(iter(forms)))},
        classes=_classes(listing, used),
    )


def problem(listing: Listing) -> str | None:
    """Why no table here is read although one looks like run lengths, for errors; else None."""
    for path in _run_tables(listing):
        try:
            content = read_run_table(path)
        except DelineateError as damage:
            return str(damage)
        if form_of(content, _header(path)) is None:
            return f"{path.name} holds other cells than run lengths, numbers with spaces between"
        return f"{path.name} draws {some(content.rows)}, and no image here is called so"
    return None


def _reason(listing: Listing, form: Form) -> str | None:
    tables = [table for table in _tables(listing) if table.form == form]
    images = _images_by_name(listing) if tables else {}
    for table in tables:
        matched = sum(name in images or stem(name) in images for name in table.content.rows)
        if matched:
            return (
                f"{table.path.relative_to(listing.root)} draws {counted(matched, 'image')} by "
                f"{_FORM_WORDS[form]}"
            )
    return None


def _tables(listing: Listing) -> Iterator[_Table]:
    for path in _run_tables(listing):
        try:
            content = read_run_table(path)
        except DelineateError:
            continue
        header = _header(path)
        form = form_of(content, header)
        if form is not None:
            has_subjects = any("subject" in cell for cell in header)
            yield _Table(path, content, form, has_subjects)


def _run_tables(listing: Listing) -> Iterator[Path]:
    """The CSV files whose header is that of a table of run lengths."""
    for folder, names in listing.annotations.items():
        for name in names:
            # What is to be handed in lists every image with a mask that means nothing.
            if name.lower().endswith(".csv") and "sample_submission" not in name.lower():
                path = listing.path(folder, name)
                if is_run_table(_header(path)):
                    yield path


def _header(path: Path) -> list[str]:
    try:
        text = read_content(path, HEAD_BYTES).decode("utf-8-sig", errors="replace")
    except DelineateError:
        return []
    first = text.partition("\n")[0].strip("\r")
    return [cell.strip().lower() for cell in next(csv.reader([first]), [])]


def form_of(table: RunTable, header: list[str]) -> Form | None:
    """Which way of counting a table uses; None where its cells are no run lengths at all.

    Absolute starts ascend beyond the run before; gaps that all did so would soon leave any image.
    Where every mask is one run, both would read: then `-1` for an empty mask, or the column names
    of SIIM's sample, decide.
    """
    cells = [row.runs for rows in table.rows.values() for row in rows]
    drawn = [cell for cell in cells if cell not in ("", SIIM_EMPTY)][:MOST_ROWS]
    if not all(is_run_length_text(cell) for cell in drawn):
        return None
    several = [numbers for cell in drawn if len(numbers := cell.split()) > 3]
    if several:
        return "rle-nerve" if all(map(_ascends, several)) else "rle-siim"
    is_siim = SIIM_EMPTY in cells or "fname" in header
    return "rle-siim" if is_siim else "rle-nerve"


def _ascends(numbers: list[str]) -> bool:
    """Whether each run starts beyond the end of the one before, counted from 1."""
    values = [int(number) for number in numbers]
    starts, lengths = values[::2], values[1::2]
    pairs = zip(starts, lengths, starts[1:], strict=False)
    return starts[0] > 0 and all(after >= start + length for start, length, after in pairs)


def _images_by_name(listing: Listing) -> dict[str, list[Path]]:
    """Image files by their names, with and without an ending: identifiers hold dots."""
    images: dict[str, list[Path]] = defaultdict(list)
    for folder, names in listing.folders.items():
        for name in names:
            for key in dict.fromkeys((name, stem(name))):
                images[key].append(listing.path(folder, name))
    return images


def _sample(
    listing: Listing,
    folder: PurePosixPath,
    name: str,
    entries: Mapping[Path, list[tuple[_Table, str]]],
) -> Sample:
    image = listing.path(folder, name)
    split = place_of(folder).split
    if image not in entries:
        return Sample(stem(name), image, split=split)
    table, entry = entries[image][0]
    subject = entry.split("_")[0] if table.has_subjects else None
    masks = {REFERENCE: (table.path,)}
    return Sample(stem(name), image, subject, masks, split=split, entry=entry)


def _with_rows(samples: list[Sample], notes: list[str]) -> list[Sample]:
    """Without images for training that the table does not list, as SIIM-ACR has 37 of 10,712."""
    bare = [s for s in samples if s.split == TRAIN and not s.masks]
    if not any(s.split == TRAIN and s.masks for s in samples):
        return samples
    if bare:
        notes.append(
            "left out, for no row says whether there is anything in them: "
            f"{counted(len(bare), 'image')} of train, such as {bare[0].image.name}"
        )
    return [s for s in samples if s not in bare]


def _classes(listing: Listing, tables: Mapping[Path, _Table]) -> tuple[LabelClass, ...]:
    names = [name for table in tables.values() for name in table.content.class_names]
    if not names:
        return default_classes(2)
    folders = [_folder(listing, path) for path in tables]
    listed = listed_classes(listing, folders, [n for n in names if not n.isdecimal()])
    if listed is not None:
        return listed[0]
    return named_classes(sorted(set(names), key=natural_key), listing.root)


def _folder(listing: Listing, path: Path) -> PurePosixPath:
    return PurePosixPath(path.parent.relative_to(listing.root).as_posix())
