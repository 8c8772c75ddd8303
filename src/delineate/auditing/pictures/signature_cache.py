"""What was seen of pictures, kept on disk by the digest of their files.

One SQLite file holds it, so that several audits may share it, and one that is killed leaves
nothing half written.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.pictures.signature import FACTS, SIDE, THUMB_SIDE_PX, Look

VERSION = 2  # of what is kept: raise it with every change to `signature.look`
FILE = f"looks-{VERSION}.sqlite"

_WAIT_S = 30.0
_AT_ONCE = 500  # digests a question; SQLite allows 999 in the oldest builds
_SUMS_BYTES = 4 * SIDE**2

_TABLES = """
create table if not exists look (digest blob primary key, facts blob not null) without rowid;
create table if not exists thumb (digest blob primary key, pixels blob not null);
"""


@dataclass(frozen=True)
class Known:
    """A look without its thumbnail, as the cache hands it out."""

    facts: NDArray[np.void]
    sums: NDArray[np.float32]
    shape: NDArray[np.float16]


def default_cache() -> Path:
    """The user's folder for what can be made anew: $XDG_CACHE_HOME/delineate or ~/.cache."""
    stated = os.environ.get("XDG_CACHE_HOME")
    return (Path(stated) if stated else Path.home() / ".cache") / "delineate"


class SignatureCache:
    """Looks by digest, for several threads and processes at a time.

    Nothing here ever stops an audit: where the disk is full, read-only or the file damaged,
    `say` is told once, and the cache forgets from then on.
    """

    def __init__(self, folder: Path | None, say: Callable[[str], None]) -> None:
        """Open the cache in a folder, or in a temporary one that goes with this object."""
        self._say = say
        self._lock = Lock()
        self._is_temporary = folder is None
        self._database: sqlite3.Connection | None = None
        try:
            if folder is None:
                folder = Path(tempfile.mkdtemp(prefix="delineate-"))
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            self._database = self._opened(folder / FILE)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, Known]:
        """The looks that are kept, out of those asked for."""
        rows = self._rows("select digest, facts from look", digests)
        return {digest: _unpacked(content) for digest, content in rows}

    def thumbs(self, digests: Sequence[bytes]) -> Mapping[bytes, NDArray[np.uint8]]:
        """(64, 64) uint8 thumbnails, of those asked for that are kept."""
        rows = self._rows("select digest, pixels from thumb", digests)
        side = THUMB_SIDE_PX
        return {
            digest: np.frombuffer(pixels, np.uint8).reshape(side, side) for digest, pixels in rows
        }

    def keep(self, looks: Mapping[bytes, Look]) -> None:
        """Keep these; all of them or none."""
        facts = [(digest, _packed(look)) for digest, look in looks.items()]
        thumbs = [(digest, look.thumb.tobytes()) for digest, look in looks.items()]
        with self._lock:
            if self._database is None:
                return
            try:
                with self._database:
                    self._database.execute("begin immediate")
                    self._database.executemany("insert or ignore into look values (?, ?)", facts)
                    self._database.executemany("insert or ignore into thumb values (?, ?)", thumbs)
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, suppress(sqlite3.Error):
            if self._database is not None:
                self._database.close()
            self._database = None

    def __del__(self) -> None:
        """Close with the last use: sqlite3 would warn."""
        self.close()

    def _opened(self, path: Path) -> sqlite3.Connection:
        # Threads take turns by our lock. No write-ahead log: it fails on network file systems.
        database = sqlite3.connect(
            path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        try:
            safety = "off" if self._is_temporary else "normal"
            database.execute("pragma page_size = 8192")  # a thumbnail fits into one
            database.execute(f"pragma synchronous = {safety}")
            if not database.execute("select 1 from sqlite_master where name = 'thumb'").fetchone():
                database.executescript(f"begin immediate; {_TABLES} commit;")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _rows(self, question: str, digests: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        rows: list[tuple[bytes, bytes]] = []
        with self._lock:
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                places = ",".join("?" * len(some))
                if self._database is None:
                    break
                try:
                    rows += self._database.execute(f"{question} where digest in ({places})", some)
                except sqlite3.Error as error:
                    self._give_up(error)
        return rows

    def _give_up(self, error: Exception) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
        self._database = None
        self._say(f"going on without the cache of signatures: {error}")


def _packed(look: Look) -> bytes:
    return look.facts.tobytes() + look.sums.tobytes() + look.shape.tobytes()


def _unpacked(content: bytes) -> Known:
    facts = np.frombuffer(content, FACTS, 1)[0]
    sums = np.frombuffer(content, np.float32, SIDE**2, FACTS.itemsize)
    shape = np.frombuffer(content, np.float16, SIDE**2, FACTS.itemsize + _SUMS_BYTES)
    return Known(facts, sums, shape)
