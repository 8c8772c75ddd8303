"""Files that end the process that reads them."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.models.keras import trial
from delineate.models.keras.opening import open_keras
from delineate.models.keras.trial import require_survival


@pytest.fixture
def weights(tmp_path):
    """A small file as Keras 2 writes it."""
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"conv", b"fc"]
        for layer, shape in [("conv", (3, 3, 3, 4)), ("fc", (4, 4))]:
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/kernel:0".encode()]
            group[f"{layer}/kernel:0"] = np.zeros(shape, np.float32)
    return path


def test_a_whole_file_is_read_in_peace(weights):
    """What can be read passes, and its reader writes nothing."""
    require_survival(weights, source=weights)
    with open_keras(weights) as contents:
        assert len(contents.arrays) == 2


def test_a_file_that_would_end_its_reader_is_refused(weights):
    """One byte in the type of an attribute, on which the library of HDF5 breaks down."""
    content = bytearray(weights.read_bytes())
    content[content.index(b"layer_names\0") + 17] = 93
    weights.write_bytes(bytes(content))
    program = """
import sys
from pathlib import Path
from delineate.core.errors import UnreadableFileError
from delineate.models.keras.opening import open_keras
try:
    with open_keras(Path(sys.argv[1])):
        pass
except UnreadableFileError as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(weights)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{weights}: damaged")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("how", ["kill -SEGV $$", "kill -ABRT $$", "exit 3"])
def test_a_reader_that_broke_down_is_told(weights, tmp_path, monkeypatch, how):
    """However the trial ends but in peace, the source is named."""
    reader = tmp_path / "reader"
    reader.write_text(f"#!/bin/sh\n{how}\n")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    with pytest.raises(
        UnreadableFileError, match=r"^source\.keras: damaged .*broke down with code"
    ):
        require_survival(weights, source=weights.with_name("source.keras").relative_to(tmp_path))


def test_a_reader_that_never_ends_is_told(weights, monkeypatch):
    """A trial is not waited for without end."""
    monkeypatch.setattr(trial, "_PATIENCE_S", 0.01)
    with pytest.raises(UnreadableFileError, match="not done after"):
        require_survival(weights, source=weights)


def test_the_trial_runs_the_code_at_hand(weights, tmp_path, monkeypatch):
    """No module of the working directory takes the place of one that the reader needs."""
    (tmp_path / "h5py.py").write_text("import os; os.abort()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    require_survival(weights, source=weights)


def test_only_what_is_asked_for_is_read(weights):
    """Attributes that no reader of weights needs stay unread, those of arrays among them."""
    with h5py.File(weights, "a") as file:
        file.attrs["training_config"] = file["conv"].attrs["note"] = "x" * 1000
        file["conv/conv/kernel:0"].attrs["name"] = "kernel"
    with open_keras(weights) as contents:
        assert set(contents.attributes[""]) == {"layer_names"}
        assert set(contents.attributes["conv"]) == {"weight_names"}
        assert not any(path.endswith("kernel:0") for path in contents.attributes)
