"""Files are written whole or not at all."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from delineate.core.errors import CannotWriteError, OutputExistsError, UnreadableFileError

SCHEMA_PREFIX = "delineate/"
MARKER = ".delineate"
# Documents that are written into folders which Delineate did not make, as they stand in a file.
_GUESTS = frozenset({'"delineate/split/1",'})

REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would grow past the size limit of this process (ulimit -f)",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENOENT: "the folder does not exist; create it first",
    errno.EISDIR: "a folder of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def cannot_write(path: Path, error: OSError) -> CannotWriteError:
    """The one-line error for what the system said about a target."""
    reason = REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return CannotWriteError(f"{path}: cannot be written: {reason}")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A path beside the target to write to; it takes the target's name when all went well.

    Whatever interrupts the block, the earlier file stays as it was and nothing new is left
    behind. Bytes reach the disk before the name does.

    Raises:
        CannotWriteError: if the target is full, read-only, too long or not permitted.
    """
    target = Path(path)
    # The ending stays, because several libraries choose the format by it. The name is short,
    # so that every name that the file system allows for the target can be written.
    ending = target.suffix if len(target.suffix) <= 12 else ""
    draft = target.with_name(f".{uuid4().hex[:12]}.part{ending}")
    try:
        yield draft
        _flush_to_disk(draft)
        draft.replace(target)
    except OSError as error:
        # A file that the block failed to read is not a failure to write.
        if error.filename is not None and Path(os.fsdecode(error.filename)) not in (draft, target):
            raise
        raise cannot_write(target, error) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in place, whole.

    Raises:
        CannotWriteError: if the target cannot be written.
    """
    with atomic_write(path) as draft:
        draft.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Put a UTF-8 text in place, whole, with line ends as they are.

    File names that are no text have their odd bytes as `\\udcXX`, which JSON reads as they were.

    Raises:
        CannotWriteError: if the target cannot be written.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Put a comma-separated table in place, whole; None becomes an empty cell.

    Raises:
        ValueError: for a row of another length than the header.
        CannotWriteError: if the target cannot be written.
    """
    write_text(path, csv_text(header, rows))


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A comma-separated table, lines ended by line feeds; None becomes an empty cell.

    Raises:
        ValueError: for a row of another length than the header.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise ValueError(f"row {number}: expected {len(header)} cells, found {len(row)}")
        table.writerow(row)
    return text.getvalue()


def write_json(path: Path, document: Mapping[str, Any], *, schema: str) -> None:
    """Put a JSON document in place, whole, headed by its schema and our version.

    Args:
        path: The target.
        document: Plain JSON values. An undefined score is None, never NaN.
        schema: The name alone (`evaluation`) or in full (`delineate/evaluation/1`).

    Raises:
        ValueError: for NaN or an infinity anywhere in the document.
        CannotWriteError: if the target cannot be written.
    """
    head = {"schema": _full_schema(schema), "delineate_version": _version()}
    body = {key: value for key, value in document.items() if key not in head}
    write_text(path, json.dumps(head | body, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, *, schema: str) -> dict[str, Any]:
    """The document that `write_json` wrote, schema and version included.

    Raises:
        UnreadableFileError: if it is missing, not JSON, or of another schema or version.
    """
    wanted = _full_schema(schema)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            f"{path}: expected a {wanted} JSON document, found something else "
            f"({str(error).splitlines()[0]}); write it anew"
        ) from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != wanted:
        what = f"schema '{found}'" if found else "JSON without a schema"
        raise UnreadableFileError(
            f"{path}: expected schema '{wanted}', found {what}; "
            "name the right file or write it anew with this version of Delineate"
        )
    return dict(document)


def append_line(path: Path, text: str) -> None:
    """Add one line to a log. A write that fails half-way is taken back.

    A last line that an earlier crash cut short is ended first, so that it spoils only itself.

    Raises:
        CannotWriteError: if the target cannot be written.
    """
    line = text.replace("\n", " ").encode() + b"\n"
    try:
        with Path(path).open("a+b", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            if before and os.pread(file.fileno(), 1, before - 1) != b"\n":
                line = b"\n" + line
            try:
                _write_all(file, line)
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise cannot_write(Path(path), error) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a log, one a line, in order.

    A line that is no JSON object is left out: a crash or a full disk can cut a line short,
    `append_line` ends it and goes on below, and one torn line must not cost the others.

    Raises:
        UnreadableFileError: if the log is missing or cannot be read.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror}") from error
    found = []
    for line in lines:
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line.decode()))
    return [row for row in found if isinstance(row, dict)]


def new_folder(
    path: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    can_resume: bool = False,
    inputs: Iterable[Path | str] = (),
    keep: Collection[str] = (),
) -> Path:
    """An empty folder to write to, or with `resume` the one that is there.

    An empty folder counts as new. `overwrite` empties, and `resume` keeps, a folder that
    Delineate made, known by the file `.delineate` or by one of its JSON documents; any other
    is refused.

    Args:
        path: The folder.
        overwrite: Empty it.
        resume: Go on in it.
        can_resume: Whether the caller has a `--resume` that the error may propose.
        inputs: What the caller has still to read or must not lose. Those that are not there
            are passed over, so that a name which may be a file can be given as it came.
        keep: Names of files in the folder that `overwrite` leaves in place.

    Raises:
        OutputExistsError: if it is there and neither option, or not ours, allows its use, or
            if it is one of the inputs or holds one.
        CannotWriteError: if it cannot be made.
    """
    folder = Path(path)
    try:
        if folder.is_symlink() or folder.exists():
            if not resume:
                _require_apart(folder, inputs)
            _require_usable(folder, overwrite=overwrite, resume=resume, can_resume=can_resume)
            if overwrite and not resume:
                _empty(folder, keep)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).touch()
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def _require_apart(folder: Path, inputs: Iterable[Path | str]) -> None:
    target = folder.resolve()
    for each in inputs:
        given = Path(each)
        if not os.path.lexists(given):
            continue
        # A link is lost with the folder that it lies in, wherever it points to.
        places = {given.resolve(), given.parent.resolve() / given.name}
        if any(place.is_relative_to(target) for place in places):
            relation = "is" if target in places else "holds"
            raise OutputExistsError(
                f"{folder}: expected a folder apart from what is read, but this one {relation} "
                f"the input {given}; choose another for the output"
            )


def _require_usable(folder: Path, *, overwrite: bool, resume: bool, can_resume: bool) -> None:
    if not folder.is_dir():
        raise OutputExistsError(f"{folder}: expected a folder to write to, found a file")
    if {entry.name for entry in folder.iterdir()} <= {MARKER}:
        return
    if not overwrite and not resume:
        going_on = "go on in it with --resume, " if can_resume else ""
        raise OutputExistsError(
            f"{folder}: the folder exists and is not empty; "
            f"choose another, {going_on}or replace it with --overwrite"
        )
    if not is_ours(folder):
        what = "--resume goes on only in" if resume else "--overwrite replaces only"
        remedy = "choose another" if resume else "choose another, or delete it yourself"
        raise OutputExistsError(
            f"{folder}: {what} folders that Delineate made, and this one "
            f"holds none of its documents; {remedy}"
        )


def is_ours(folder: Path) -> bool:
    """Whether Delineate made this folder: its marker or one of its JSON documents is there.

    The document of a split says nothing of the folder, since a split is also written into
    folders of others.
    """
    if (folder / MARKER).is_file():
        return True
    return any(_is_our_document(file) for file in sorted(folder.glob("*.json")))


def _is_our_document(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            # `write_json` puts the schema first, so that a huge document need not be read.
            start = stream.read(200).decode("utf-8", "replace").split()
    except OSError:
        return False
    is_headed = len(start) > 2 and start[:2] == ["{", '"schema":']
    return is_headed and start[2].startswith(f'"{SCHEMA_PREFIX}') and start[2] not in _GUESTS


def _empty(folder: Path, keep: Collection[str]) -> None:
    # The marker goes last: an interrupted emptying still leaves a folder known as ours.
    (folder / MARKER).touch()
    for entry in list(folder.iterdir()):
        if entry.name == MARKER or entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _flush_to_disk(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def _write_all(file: io.FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _full_schema(name: str) -> str:
    return name if name.startswith(SCHEMA_PREFIX) else f"{SCHEMA_PREFIX}{name}/1"


def _version() -> str:
    try:
        return version("delineate")
    except PackageNotFoundError:
        return "unknown"
