"""State dicts in files of any origin, read so that nothing in them is run."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from delineate.core.errors import SettingsError, UnreadableFileError

_PICKLED = (".pt", ".pth", ".bin", ".tar")
_KERAS = (".h5", ".hdf5", ".keras")
_NESTED = ("state_dict", "model_state_dict", "model_state", "model", "network", "net")


def read_state(file: Path) -> dict[str, Tensor]:
    """Every tensor of a .safetensors or torch file by its name.

    torch files are read with `weights_only=True`: one that holds any other object than
    tensors and plain containers is refused. Where the tensors are nested, as below "state_dict",
    those are taken.

    Raises:
        SettingsError: no such file, or not of these kinds.
        UnreadableFileError: a damaged file, one with pickled objects, or one without tensors.
    """
    if not file.is_file():
        raise SettingsError(f"{file}: no such file; expected a .safetensors, .pt or .pth file")
    suffix = file.suffix.lower()
    if suffix == ".safetensors":
        return _read_safetensors(file)
    if suffix in _PICKLED:
        return _tensors(_read_torch(file), file)
    if suffix in _KERAS:
        raise SettingsError(
            f"{file}: weights of Keras; convert them first with `delineate weights import`"
        )
    raise SettingsError(f"{file}: expected a .safetensors, .pt or .pth file, but got '{suffix}'")


def read_metadata(file: Path, key: str) -> Any:
    """What a .safetensors file says under a key, as JSON; None where it says nothing.

    Raises:
        UnreadableFileError: a damaged file, or an entry that is not JSON.
    """
    if file.suffix.lower() != ".safetensors":
        return None
    try:
        with safe_open(file, framework="numpy") as opened:
            entry = (opened.metadata() or {}).get(key)
        return None if entry is None else json.loads(entry)
    except (SafetensorError, OSError) as error:
        raise _damaged(file, error) from error
    except json.JSONDecodeError as error:
        raise UnreadableFileError(
            f"{file}: its entry '{key}' is not JSON ({error}); convert the weights again"
        ) from error


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise _damaged(file, error) from error


def _read_torch(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols; the answer is an error or none
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnreadableFileError(
            f"{file}: holds objects beside tensors, or is no torch file. Such objects can run code "
            "and are not opened; save the network's state_dict() alone, best as .safetensors"
        ) from error
    except Exception as error:  # wherever a damaged file leads the reader of pickles
        raise _damaged(file, error) from error


def _tensors(content: Any, file: Path) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
        content = next((content[name] for name in _NESTED if name in content), None)
    raise UnreadableFileError(
        f"{file}: expected tensors by name, alone or below one of {', '.join(_NESTED)}; "
        "save the network's state_dict()"
    )


def _damaged(file: Path, error: Exception) -> UnreadableFileError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UnreadableFileError(f"{file}: cannot be read ({reason}); copy or download it again")
