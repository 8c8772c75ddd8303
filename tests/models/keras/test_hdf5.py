"""Layers in either layout of Keras, in small files."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.hdf5 import read_layers
from delineate.models.keras.layers import Kind
from delineate.models.keras.opening import open_keras


def layers_of(path):
    """Each layer's name with the shapes of its arrays, in the order of the file."""
    with open_keras(path) as contents:
        file = read_layers(contents)
    return [(layer.name, list(layer.arrays)) for layer in file.layers]


def read(path):
    """Format, version and what is set aside."""
    with open_keras(path) as contents:
        file = read_layers(contents)
        kinds = [layer.kind for layer in file.layers]
    return file.format, file.keras_version, dict(file.set_aside), kinds


KERNEL, BIAS = np.ones((3, 3, 2, 4), np.float32), np.zeros(4, np.float32)
BN = ("gamma", "beta", "moving_mean", "moving_variance")


@pytest.fixture
def numbered(tmp_path):
    """Writes arrays of layers as Keras 3 does, under numbers."""

    def write(layers, *, separator="/", names=None):
        path = tmp_path / "model.weights.h5"
        with h5py.File(path, "w") as file:
            for layer, arrays in layers.items():
                group = file.create_group(separator.join([*layer.split("/"), "vars"]))
                if names:
                    group.attrs["name"] = names[layer]
                for number, array in enumerate(arrays):
                    group[str(number)] = array
        return path

    return write


def test_keras_2_weights(write_keras2, tmp_path):
    """Layers come in the listed order, arrays by their part, layers without any are left out."""
    layers = {
        "input_1": {},
        "conv1/conv": {"kernel": KERNEL, "bias": BIAS},
        "conv1/bn": dict.fromkeys(BN, BIAS),
    }
    path = write_keras2(tmp_path / "a.h5", layers)
    assert layers_of(path) == [("conv1/conv", ["kernel", "bias"]), ("conv1/bn", list(BN))]
    kinds = [Kind.CONVOLUTION, Kind.NORMALISATION]
    assert read(path) == ("legacy HDF5, weights alone", "2.1.6", {}, kinds)
    whole = write_keras2(tmp_path / "b.h5", layers, config="{}")
    aside = {"state of the optimiser": 1}
    assert read(whole) == ("legacy HDF5, whole model", "2.1.6", aside, kinds)


def test_keras_1_names(tmp_path):
    """The oldest files call kernel and bias W and b, with numbers behind."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = [b"block1_conv1"]
        group = file.create_group("block1_conv1")
        group.attrs["weight_names"] = [b"block1_conv1_W_1:0", b"block1_conv1_b_1:0"]
        group["block1_conv1_W_1:0"], group["block1_conv1_b_1:0"] = KERNEL, BIAS
    assert layers_of(tmp_path / "a.h5") == [("block1_conv1", ["kernel", "bias"])]


def test_long_lists_of_names_in_parts(tmp_path):
    """A list that HDF5 holds in several attributes is read whole and in order."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"one", b"two"], [b"three"]
        for name in ("one", "two", "three"):
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode()]
            group[f"{name}/kernel:0"] = KERNEL
    assert [name for name, _ in layers_of(tmp_path / "a.h5")] == ["one", "two", "three"]


def test_a_network_within_a_network(tmp_path):
    """A layer that is a network gives its own layers, though their arrays stand apart."""
    # Keras 2 lists what is trained of all layers before what is not.
    trained = [f"conv{at}/bn/{part}:0" for at in (1, 2) for part in BN[:2]]
    fixed = [f"conv{at}/bn/{part}:0" for at in (1, 2) for part in BN[2:]]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = [b"densenet121"]
        group = file.create_group("densenet121")
        group.attrs["weight_names"] = [name.encode() for name in trained + fixed]
        for name in trained + fixed:
            group[name] = BIAS
    assert layers_of(tmp_path / "a.h5") == [("conv1/bn", list(BN)), ("conv2/bn", list(BN))]


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_keras_3_weights(numbered, separator):
    """Layers of a class come by number, not by letter, on Windows' separators too."""
    count = 12
    layers = {f"layers/conv2d{f'_{at}' if at else ''}": [KERNEL, BIAS] for at in range(count)}
    path = numbered({**layers, "layers/batch_normalization": [BIAS] * 4}, separator=separator)
    found = layers_of(path)
    assert found[0] == ("layers/batch_normalization", list(BN))
    assert [name for name, _ in found[1:]] == list(layers)
    assert found[1][1] == ["kernel", "bias"]
    assert read(path)[0] == ".weights.h5"


def test_keras_3_names(numbered):
    """Where the file tells the names of layers, they are used."""
    names = {"layers/conv2d": "conv1_conv", "layers/conv2d_1": "conv2_block1_1_conv"}
    path = numbered({name: [KERNEL] for name in names}, names=names)
    assert [name for name, _ in layers_of(path)] == list(names.values())


def test_what_belongs_to_no_layer_is_set_aside(numbered):
    """Optimiser, metrics and random generators are counted and left."""
    path = numbered(
        {
            "layers/dense": [np.ones((2, 3)), np.ones(3)],
            "layers/dropout/seed_generator": [np.zeros(2, np.uint32)],
            "optimizer": [np.zeros(3), np.zeros(3)],
            "metrics/mean": [np.zeros(())],
        }
    )
    assert layers_of(path) == [("layers/dense", ["kernel", "bias"])]
    assert read(path)[2] == {
        "state of the optimiser": 2, "state of random numbers": 1, "state of metrics": 1,
    }  # fmt: skip


def test_arrays_that_no_layer_lists_are_not_lost(write_keras2, tmp_path):
    """An array beside the listed ones comes as a layer of its own, of no known kind."""
    path = write_keras2(tmp_path / "a.h5", {"top": {"kernel": KERNEL}})
    with h5py.File(path, "a") as file:
        file["extra/thing"] = BIAS
    assert layers_of(path) == [("top", ["kernel"]), ("extra/thing", [""])]
    assert read(path)[3] == [Kind.CONVOLUTION, None]


def test_arrays_of_one_name_are_not_lost(tmp_path):
    """Two arrays that would have one name both stay."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = [b"twice"]
        group = file.create_group("twice")
        group.attrs["weight_names"] = [b"kernel:0", b"kernel_1:0"]
        group["kernel:0"], group["kernel_1:0"] = KERNEL, KERNEL
    assert layers_of(tmp_path / "a.h5") == [("twice", ["kernel", "kernel_1:0"])]


def test_a_listed_array_that_is_missing(write_keras2, tmp_path):
    """A file that promises an array and has none is refused by its name."""
    path = write_keras2(tmp_path / "a.h5", {"top": {"kernel": KERNEL, "bias": BIAS}})
    with h5py.File(path, "a") as file:
        del file["top/top/bias:0"]
    with pytest.raises(UnreadableFileError, match="lists top/bias:0 of the layer top, but does"):
        layers_of(path)


def test_hdf5_of_something_else(tmp_path):
    """A file that other programs wrote is refused."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/voxels"] = np.zeros((3, 3))
    with pytest.raises(UnreadableFileError, match=r"HDF5 of another kind \(1 arrays, none of"):
        layers_of(tmp_path / "a.h5")
