"""Files that Keras saved, opened without Keras: HDF5 itself, or HDF5 in a `.keras` archive."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError, UnreadableFileError
from delineate.models.keras.layers import StoredArray
from delineate.models.keras.trial import require_survival

_WEIGHTS, _CONFIG, _FACTS = "model.weights.h5", "config.json", "metadata.json"
# VGG-16 with the state of Adam has 1.7 GB. What claims more is broken or meant to fill the disk.
_LARGEST = 4 << 30
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ASKED = ("name", "keras_version", "model_config")
_LISTED = ("layer_names", "weight_names")
_FOREIGN = "the file points to data outside of itself, which is not read; save it again"


@dataclass(frozen=True)
class Contents:
    """What a file holds: arrays by path, attributes of groups, and what is known of the model."""

    source: Path
    arrays: Mapping[str, StoredArray]
    attributes: Mapping[str, Mapping[str, Any]]
    is_archive: bool
    model_config: Any = None
    keras_version: str | None = None


@contextmanager
def open_keras(source: Path) -> Iterator[Contents]:
    """The contents of a file that Keras saved; arrays can be read until the context ends.

    Nothing in the file is run: layers, Lambda functions and losses in it stay text.

    Raises:
        UnreadableFileError: no such file, or neither HDF5 nor a Keras archive, or damaged.
        DelineateError: h5py is missing.
    """
    if not source.is_file():
        raise UnreadableFileError(f"{source}: no such file; give what Keras saved")
    if zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / _WEIGHTS
            config, facts = _unpack(source, weights)
            require_survival(weights, source=source)
            with opened_hdf5(weights, source=source, config=config, facts=facts) as contents:
                yield contents
    else:
        require_survival(source, source=source)
        with opened_hdf5(source, source=source) as contents:
            yield contents


def _unpack(source: Path, target: Path) -> tuple[Any, Any]:
    """Puts the weights of an archive into the target; gives its two JSON documents."""
    try:
        with zipfile.ZipFile(source) as archive:
            if _WEIGHTS not in archive.namelist():
                raise UnreadableFileError(
                    f"{source}: expected a .keras archive with {_WEIGHTS} in it, found another "
                    "archive; unpack it, and give the file that Keras saved"
                )
            if archive.getinfo(_WEIGHTS).file_size > _LARGEST:
                raise UnreadableFileError(
                    f"{source}: claims more than {_LARGEST >> 30} GiB of weights; save it again"
                )
            with archive.open(_WEIGHTS) as packed, target.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            documents = [_document(archive, name) for name in (_CONFIG, _FACTS)]
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as error:
        raise _damaged(source, error) from error
    return documents[0], documents[1]


def _document(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name)) if name in archive.namelist() else None


@contextmanager
def opened_hdf5(
    hdf5: Path, *, source: Path, config: Any = None, facts: Any = None
) -> Iterator[Contents]:
    """The contents of HDF5 that is the source or was in it, read in this very process.

    `config` and `facts` are the documents beside it in an archive.

    Raises:
        UnreadableFileError: no HDF5, or damaged.
        DelineateError: h5py is missing.
    """
    h5py = _h5py(source)
    with hdf5.open("rb") as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            raise UnreadableFileError(
                f"{source}: expected HDF5 (.h5, .weights.h5) or a .keras archive, found neither; "
                "give the file that Keras saved, whole"
            )
        stream.seek(0)
        try:
            file = h5py.File(stream, "r")
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise _damaged(source, error) from error
        with file:
            yield _contents(source, file, config, facts)


def _h5py(source: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise DelineateError(
            f"{source}: reading what Keras saved needs the package h5py, which is missing; "
            "pip install h5py"
        ) from error
    return h5py


def _contents(source: Path, file: Any, config: Any = None, facts: Any = None) -> Contents:
    arrays: dict[str, Any] = {}
    attributes: dict[str, Mapping[str, Any]] = {}

    def visit(name: str, entry: Any) -> None:
        path = name.replace("\\", "/")  # Keras 2.12 on Windows joined with backslashes
        if hasattr(entry, "shape"):
            arrays[path] = entry
        else:
            attributes[path] = _attributes(entry)

    try:
        attributes[""] = _attributes(file)
        file.visititems(visit)  # follows no link to other files
        is_foreign = any(each.is_virtual or each.external for each in arrays.values())
        if config is None and "model_config" in attributes[""]:
            config = json.loads(text_of(attributes[""]["model_config"]))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(source, error) from error
    if is_foreign:
        raise UnreadableFileError(f"{source}: {_FOREIGN}")
    version = facts.get("keras_version") if isinstance(facts, dict) else None
    return Contents(source, arrays, attributes, facts is not None, config, version)


def _attributes(group: Any) -> dict[str, Any]:
    """Those attributes of a group that are asked for; a list may be parted: name0, name1, ..."""
    asked = [name for name in _ASKED if name in group.attrs]
    for name in _LISTED:
        is_whole = name in group.attrs
        parts = takewhile(group.attrs.__contains__, (f"{name}{n}" for n in count(int(is_whole))))
        asked += [*([name] if is_whole else []), *parts]
    return {name: group.attrs[name] for name in asked}


def text_of(value: Any) -> str:
    """A name as HDF5 gives it, in bytes or not, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _damaged(source: Path, error: Exception) -> UnreadableFileError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UnreadableFileError(f"{source}: damaged or cut short ({reason}); copy it again")
