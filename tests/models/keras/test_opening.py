"""Files that cannot be read, and what is never read or run."""

from __future__ import annotations

import sys
import zipfile

import h5py
import numpy as np
import pytest

from delineate.core.errors import DelineateError, UnreadableFileError
from delineate.models.keras import opening
from delineate.models.keras.opening import open_keras


@pytest.fixture
def weights(tmp_path):
    """A small HDF5 file with an array."""
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.arange(6000.0).reshape(2, 3000)
    return path


@pytest.fixture
def archive(weights, tmp_path):
    """Writes a `.keras` archive, with other members in the place of the usual."""

    def write(members=None):
        usual = {
            "config.json": b'{"class_name": "Sequential"}',
            "metadata.json": b'{"keras_version": "3.5.0"}',
            "model.weights.h5": weights.read_bytes(),
        }
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in (usual if members is None else usual | members).items():
                if content is not None:
                    file.writestr(name, content)
        return path

    return write


def refusal(path):
    """What is said of a file that cannot be opened."""
    with pytest.raises(UnreadableFileError, match=r".") as refused, open_keras(path):
        pass
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_archive(archive):
    """The archive gives arrays, configuration and version."""
    with open_keras(archive()) as contents:
        assert contents.arrays["layers/dense/vars/0"].shape == (2, 3000)
        assert contents.model_config == {"class_name": "Sequential"}
        assert (contents.is_archive, contents.keras_version) == (True, "3.5.0")


def test_nothing_in_the_file_is_run(archive, tmp_path):
    """Code that Keras would load stays text."""
    evil = b'{"class_name": "Lambda", "config": {"function": "open(\'run\', \'w\')"}}'
    with open_keras(archive({"config.json": evil})) as contents:
        assert contents.model_config["class_name"] == "Lambda"
    assert "keras" not in opening.__dict__
    assert not (tmp_path / "run").exists()


def test_no_such_file(tmp_path):
    """A file that is not there is named."""
    assert "no such file" in refusal(tmp_path / "none.h5")


def test_neither_hdf5_nor_archive(tmp_path):
    """A text, an empty file and a torch pickle are neither."""
    for content in (b"", b"<!DOCTYPE html>", b"\x80\x02}q\x00."):
        path = tmp_path / "model.h5"
        path.write_bytes(content)
        assert "expected HDF5 (.h5, .weights.h5) or a .keras archive" in refusal(path)


@pytest.mark.parametrize("kept", [20, 300, 5000, -8])
def test_truncated_hdf5(weights, kept):
    """A file that ends too early is said to be cut short, wherever it ends."""
    weights.write_bytes(weights.read_bytes()[:kept])
    assert "damaged or cut short" in refusal(weights)


def test_damaged_directory(weights):
    """A file whose inner order is destroyed is refused, not followed."""
    content = bytearray(weights.read_bytes())
    content[96:900] = b"\xff" * 804
    weights.write_bytes(bytes(content))
    assert "damaged or cut short" in refusal(weights)


@pytest.mark.parametrize(("place", "value"), [(48, 131), (53, 17)])
def test_damaged_addresses(weights, place, value):
    """A file that says to lie beyond any address is refused."""
    content = bytearray(weights.read_bytes())
    content[place] = value
    weights.write_bytes(bytes(content))
    assert "damaged or cut short" in refusal(weights)


def test_truncated_archive(archive):
    """An archive without its end is no archive any more."""
    path = archive()
    path.write_bytes(path.read_bytes()[:-40])
    assert "expected HDF5" in refusal(path)


def test_damaged_archive(archive):
    """An archive whose weights do not match their checksum is refused."""
    path = archive()
    content = bytearray(path.read_bytes())
    content[3000:3100] = bytes(100)
    path.write_bytes(bytes(content))
    assert "damaged or cut short" in refusal(path)


def test_archive_of_something_else(archive):
    """An archive without weights is said to be another one."""
    assert "found another archive" in refusal(archive({"model.weights.h5": None}))


def test_configuration_that_is_no_json(archive):
    """A configuration that cannot be read makes the file a damaged one."""
    assert "damaged or cut short" in refusal(archive({"config.json": b"{"}))
    assert "damaged or cut short" in refusal(archive({"config.json": b"[" * 100_000}))


def test_archive_that_claims_too_much(archive, monkeypatch):
    """Weights beyond any known network are not unpacked."""
    monkeypatch.setattr(opening, "_LARGEST", 1000)
    assert "GiB of weights" in refusal(archive())


def test_arrays_outside_of_the_file_are_not_read(weights, tmp_path):
    """Neither external storage nor virtual arrays lead to other files."""
    (tmp_path / "secret").write_bytes(bytes(80))
    for name in ("external", "virtual"):
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            if name == "external":
                storage = [(str(tmp_path / "secret"), 0, 80)]
                file.create_dataset("layers/dense/vars/0", (10,), "f8", external=storage)
            else:
                layout = h5py.VirtualLayout((2, 3000), "f8")
                layout[:] = h5py.VirtualSource(weights, "layers/dense/vars/0", (2, 3000))
                file.create_virtual_dataset("layers/dense/vars/0", layout)
        assert "points to data outside of itself" in refusal(path)


def test_links_to_other_files_are_not_followed(weights, tmp_path):
    """An external link is no array of this file."""
    path = tmp_path / "link.h5"
    with h5py.File(path, "w") as file:
        file["layers"] = h5py.ExternalLink(str(weights), "layers")
    with open_keras(path) as contents:
        assert contents.arrays == {}


def test_without_h5py(weights, monkeypatch):
    """Where the package is missing its name and the remedy are told."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with (
        pytest.raises(DelineateError, match=r"needs the package h5py.*pip install h5py"),
        open_keras(weights),
    ):
        pass
