"""The tables of a review log in SQLite, and its errors as a user can mend them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from delineate.core.errors import CannotWriteError, DelineateError, UnreadableFileError

APPLICATION_ID = 0x44454C49  # "DELI", in the header of the file
VERSION = 1
WAIT_S = 20.0

_metadata = MetaData()
META = Table(
    "meta",
    _metadata,
    Column("key", String, primary_key=True),
    Column("value", JSON, nullable=False),
)
FINDING = Table(
    "finding",
    _metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("about", String, nullable=False),
    Column("samples", JSON, nullable=False),
    Column("text", String, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("badness", Float, nullable=False),
    Column("suggestion", String, nullable=False),
    Column("is_current", Boolean, nullable=False),  # whether it was found the last time
)
SAMPLE = Table(
    "sample",
    _metadata,
    Column("id", String, primary_key=True),
    Column("height_px", Integer, nullable=False),
    Column("width_px", Integer, nullable=False),
)
MASK = Table(
    "mask",
    _metadata,
    Column("sha256", String, primary_key=True),
    Column("height_px", Integer, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("png", LargeBinary, nullable=False),  # as `ReplacingMask` has it
)
DECISION = Table(
    "decision",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("finding", String, ForeignKey("finding.id"), nullable=False),
    Column("action", String, nullable=False),
    Column("samples", JSON, nullable=False),
    Column("argument", String, nullable=False),
    Column("mask", String, ForeignKey("mask.sha256")),
    Column("undoes", Integer, ForeignKey("decision.number")),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False),
    Column("at", String, nullable=False),
    sqlite_autoincrement=True,
)
# INSERT OR REPLACE would take a line away without any trigger on DELETE: the third one stops it.
_APPEND_ONLY = tuple(
    f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when} "
    f"BEGIN SELECT RAISE(ABORT, 'the log of decisions is append-only'); END"
    for table, key in (("decision", "number"), ("mask", "sha256"))
    for name, event, when in (
        ("unchanged", "UPDATE", ""),
        ("kept", "DELETE", ""),
        (
            "once",
            "INSERT",
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})",
        ),
    )
)


def engine_of(path: Path) -> Engine:
    """Connections to the file, which must be there; each is closed after its use."""
    address = f"{path.resolve().as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        # Transactions are begun by hand, so that a writer takes its lock before it reads.
        connection = sqlite3.connect(address, uri=True, timeout=WAIT_S, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def create_tables(path: Path) -> None:
    """An empty log in a file that is not there yet."""
    path.touch()
    engine = engine_of(path)
    with engine.connect() as connection:
        _metadata.create_all(connection)
        for statement in _APPEND_ONLY:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
        connection.commit()


def require_review_log(path: Path) -> None:
    """Nothing, where the file is a whole review log of this version.

    Raises:
        UnreadableFileError: no such file, no database, another one, damaged, or of another
            version.
    """
    if not path.is_file():
        what = "found a folder" if path.is_dir() else "no such file"
        raise UnreadableFileError(
            f"{path}: expected the review log of an audit, {what}; run `delineate audit` first"
        )
    with reading(path, engine_of(path)) as connection:
        found = connection.exec_driver_sql("PRAGMA application_id").scalar()
        if found != APPLICATION_ID:
            raise UnreadableFileError(
                f"{path}: expected a review log, found another database; "
                "name the folder of an audit or its review.sqlite"
            )
        version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        if version != VERSION:
            raise UnreadableFileError(
                f"{path}: expected a review log of version {VERSION}, found version {version}; "
                "use the Delineate that wrote it, or audit anew into another folder"
            )
        state = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if state != "ok":
            raise _damaged(path)


@contextmanager
def reading(path: Path, engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the log."""
    with _mendable(path, "read"), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def writing(path: Path, engine: Engine) -> Iterator[Connection]:
    """A connection that alone may write; all is kept when the block ends well, else nothing."""
    with _mendable(path, "written"), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


@contextmanager
def _mendable(path: Path, what: str) -> Iterator[None]:
    """Turn what SQLite says into an error of one line; `what` cannot be done to the file."""
    try:
        yield
    except DBAPIError as problem:
        raise _explained(path, what, str(problem.orig)) from problem


def _explained(path: Path, what: str, message: str) -> DelineateError:
    text = message.lower()
    if "not a database" in text:
        return UnreadableFileError(
            f"{path}: expected a review log, found a file that is no database; "
            "name the folder of an audit or its review.sqlite"
        )
    if "malformed" in text:
        return _damaged(path)
    if "locked" in text:
        return CannotWriteError(
            f"{path}: another program has kept it to itself for {WAIT_S:.0f} s; try again later"
        )
    if what == "read":
        return UnreadableFileError(f"{path}: the review log cannot be read: {message}")
    if "readonly" in text or "unable to open" in text:
        message = "it or its folder is read-only; copy it to a folder that you may write to"
    return CannotWriteError(f"{path}: the review log cannot be written: {message}")


def _damaged(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path}: the review log is damaged or cut short; copy it anew from where it came, "
        "or move it away and audit again"
    )
