"""A first reading in a process of its own: a damaged file can end the one that reads it.

The library of HDF5 trusts some of what a file says of itself, and there is no catching of what it
then does to the memory of its process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from delineate.core.errors import UnreadableFileError

_PATIENCE_S = 300.0


def require_survival(hdf5: Path, *, source: Path) -> None:
    """Refuse HDF5 whose reader does not live to tell what it read.

    Errors that the reader can tell of are not told here: the reading proper tells them.

    Raises:
        UnreadableFileError: naming the source, which holds the HDF5 or is it.
    """
    command = [sys.executable, "-P", "-m", __name__, str(hdf5), str(source)]
    where = {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    silent = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command,
            env=os.environ | where,
            stdin=silent,
            stdout=silent,
            stderr=silent,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(source, f"its reader was not done after {_PATIENCE_S:g} s") from error
    if done.returncode != 0:
        raise _damaged(source, f"its reader broke down with code {done.returncode}")


def _damaged(source: Path, reason: str) -> UnreadableFileError:
    return UnreadableFileError(f"{source}: damaged ({reason}); copy it again, or save it again")


def _read_everything(hdf5: Path, source: Path) -> None:
    from delineate.models.keras.hdf5 import read_layers
    from delineate.models.keras.opening import opened_hdf5

    with opened_hdf5(hdf5, source=source) as contents:
        for layer in read_layers(contents).layers:
            for array in layer.arrays.values():
                array[()]


if __name__ == "__main__":
    with suppress(Exception):
        _read_everything(Path(sys.argv[1]), Path(sys.argv[2]))
