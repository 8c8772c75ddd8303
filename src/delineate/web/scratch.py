"""A folder for what a server holds for a while: nobody else may read it, and it does not stay."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX, _LOCK = "delineate-serve-", ".lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder of this process, removed when the block ends.

    What servers left behind that were killed is removed too: they may have held pictures of people.
    """
    home = Path(tempfile.gettempdir())
    _sweep(home)
    draft = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=home))
    folder = home / draft.name[1:]
    lock = os.open(draft / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft.rename(folder)  # locked before a sweep may see it
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep(home: Path) -> None:
    """Remove the folders whose lock nobody holds; one of another user cannot be opened."""
    for folder in home.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
