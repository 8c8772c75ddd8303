"""The folder of a phantom set: new, of a stated size, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.files.writing import cannot_write, new_folder

SMALLEST_PX, LARGEST_PX = 64, 4096


@contextmanager
def whole_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A new folder that is gone again if anything interrupts its filling."""
    root = new_folder(folder, overwrite=overwrite)
    try:
        yield root
    except BaseException as error:
        with suppress(OSError):
            shutil.rmtree(root)
        if isinstance(error, OSError):
            raise cannot_write(root, error) from error
        raise


def put(path: Path, content: bytes) -> None:
    """Without a flush to disk for each file: the set as a whole stands or is taken away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def require_at_least(name: str, value: int, least: int) -> None:
    """Refuse a number below the least that makes sense.

    Raises:
        SettingsError: naming both.
    """
    if value < least:
        raise SettingsError(f"{name}: expected {least} or more, found {value}")


def require_size(size_px: Size) -> None:
    """Refuse pictures too small to show anything, or too large to be drawn in memory.

    Raises:
        SettingsError: naming the bound.
    """
    if min(size_px) < SMALLEST_PX:
        raise SettingsError(
            f"size_px: expected at least {SMALLEST_PX} pixels a side, "
            f"found {size_px[0]}x{size_px[1]}"
        )
    if max(size_px) > LARGEST_PX:
        raise SettingsError(
            f"size_px: expected at most {LARGEST_PX} pixels a side, found {size_px[0]}x{size_px[1]}"
        )
