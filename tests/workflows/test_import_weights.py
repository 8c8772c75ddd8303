"""Keras weights taken over into a file of ours."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from delineate.core.checks import sha256_of_file
from delineate.core.errors import OutputExistsError, SettingsError, UnreadableFileError
from delineate.models.catalogue import build_model
from delineate.models.encoder_weights import encoder_normalisation, start_encoder
from delineate.workflows.import_weights import import_weights, table


@pytest.fixture(scope="module")
def chexnet(chexnet_layers, write_keras2, tmp_path_factory):
    """A file as Keras 2 leaves it, with 14 outputs."""
    return write_keras2(tmp_path_factory.mktemp("keras") / "chexnet.h5", chexnet_layers)


@pytest.fixture
def out(tmp_path):
    """The file to write."""
    return tmp_path / "encoder.safetensors"


def metadata_of(file):
    """What the file says of itself."""
    with safe_open(file, framework="np") as weights:
        return weights.metadata()


def test_every_array_goes_over_once(chexnet, chexnet_layers, out):
    """Each number of the Keras file stands in ours, at its module, and nothing else does."""
    document = import_weights(chexnet, out, network="densenet121").document
    tensors = load_file(out)
    stored = {name: array for name, array in tensors.items() if "num_batches" not in name}
    arrays = [array for layer in chexnet_layers.values() for array in layer.values()]
    assert len(stored) == len(arrays)
    sums = sorted(float(array.sum(dtype=float)) for array in arrays)
    np.testing.assert_allclose(
        sorted(float(array.sum(dtype=float)) for array in stored.values()), sums, atol=1e-4
    )
    kernel = chexnet_layers["conv4_block7_2_conv"]["kernel"]
    found = tensors["features.denseblock3.denselayer7.conv2.weight"]
    np.testing.assert_array_equal(found, kernel.transpose(3, 2, 0, 1))
    assert document["tensors"] == len(tensors)
    assert document["outputs"] == 14
    assert document["layers"][0] == {
        "layer": "conv1/conv", "kind": "convolution", "module": "features.conv0",
    }  # fmt: skip


def test_the_file_says_where_it_is_from_and_what_it_expects(chexnet, out):
    """Source, digest, format and preprocessing travel in the file."""
    import_weights(str(chexnet), str(out), network="densenet121")
    said = metadata_of(out)
    assert said["source"] == "chexnet.h5"
    assert said["source_sha256"] == sha256_of_file(chexnet)
    assert said["source_format"] == "legacy HDF5, weights alone"
    assert said["keras_version"] == "2.1.6"
    assert (said["network"], said["outputs"]) == ("densenet121", "14")
    assert "running_var" in said["batch_normalisation"]
    assert json.loads(said["preprocessing"]) == {
        "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225],
    }  # fmt: skip


def test_the_epsilon_of_a_whole_model_is_taken(chexnet_layers, write_keras2, tmp_path, out):
    """What the stored configuration says of epsilon ends in the running variances."""
    names = [name for name, arrays in chexnet_layers.items() if "gamma" in arrays]
    layers = [
        {"class_name": "BatchNormalization", "config": {"name": name, "epsilon": 0.001}}
        for name in names
    ]
    config = json.dumps({"class_name": "Functional", "config": {"layers": layers}})
    source = write_keras2(tmp_path / "model.h5", chexnet_layers, config=config)
    document = import_weights(source, out, network="densenet121").document
    assert document["batch_normalisation"].startswith("epsilon 0.001 in Keras, 1e-05 in torch")
    assert document["set_aside"] == {"state of the optimiser": 1}
    variance = chexnet_layers["bn"]["moving_variance"]
    found = load_file(out)["features.norm5.running_var"]
    np.testing.assert_allclose(found, variance + 0.00099, rtol=1e-6)


def test_an_encoder_starts_from_the_file(chexnet, chexnet_layers, out):
    """A network with that encoder takes the weights and normalises as the file says."""
    import_weights(chexnet, out, network="densenet121", preprocessing="caffe")
    arguments = {"encoder": "densenet121", "decoder": "unet"}
    network = build_model("encoder_decoder", channels=3, classes=1, arguments=arguments)
    assert "encoder.safetensors" in start_encoder(network, str(out))
    first = dict(network.named_parameters())["encoder.features.conv0.weight"]
    kernel = chexnet_layers["conv1/conv"]["kernel"][:, :, ::-1]  # caffe has blue first
    np.testing.assert_array_equal(first.detach(), kernel.transpose(3, 2, 0, 1))
    mean, deviation = encoder_normalisation("densenet121", str(out))
    assert mean == pytest.approx((123.68 / 255, 116.779 / 255, 103.939 / 255))
    assert deviation == pytest.approx((1 / 255,) * 3)


def test_top_less_file(chexnet_layers, write_keras2, tmp_path, out):
    """Without a dense layer the features come over alone."""
    body = {name: arrays for name, arrays in chexnet_layers.items() if name != "predictions"}
    source = write_keras2(tmp_path / "model.h5", body)
    document = import_weights(source, out, network="densenet121").document
    assert document["outputs"] is None
    assert "outputs" not in metadata_of(out)
    assert not [name for name in load_file(out) if name.startswith("classifier")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda layers: layers.pop("pool3_conv"), "missing: pool3_conv"),
        (
            lambda layers: layers.update(dense_2={"kernel": np.ones((14, 2), np.float32)}),
            "not part of it: dense_2",
        ),
        (
            lambda layers: layers.update(bn=layers["conv1/bn"]),
            r"bn gamma \(64,\) for \(1024\)",
        ),
    ],
)
def test_a_file_that_does_not_fit_leaves_nothing(
    chexnet_layers, write_keras2, tmp_path, out, change, said
):
    """A layer too few, too many, or of another shape is named, and nothing is written."""
    layers = dict(chexnet_layers)
    change(layers)
    source = write_keras2(tmp_path / "model.h5", layers)
    with pytest.raises(UnreadableFileError, match=said):
        import_weights(source, out, network="densenet121")
    assert not out.exists()


def test_another_architecture(write_keras2, tmp_path, out):
    """A ResNet is not taken for a DenseNet, though both begin with a layer of one name."""
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    normalisation = dict.fromkeys(parts, np.ones(64, np.float32))
    layers = {
        "conv1_conv": {"kernel": np.ones((7, 7, 3, 64), np.float32), "bias": np.ones(64)},
        "conv1_bn": normalisation,
        "conv2_block1_0_conv": {"kernel": np.ones((1, 1, 64, 256), np.float32)},
        "conv2_block1_0_bn": normalisation,
    }
    source = write_keras2(tmp_path / "resnet.h5", layers)
    with pytest.raises(UnreadableFileError, match="not the layers of densenet121") as refused:
        import_weights(source, out, network="densenet121")
    assert "and 234 more; not part of it: conv2_block1_0_conv;" in str(refused.value)
    assert "conv1_conv with bias besides" in str(refused.value)


def test_numbers_that_cannot_be_read(chexnet_layers, write_keras2, tmp_path, out):
    """A compressed array whose bytes are spoilt is named."""
    source = write_keras2(tmp_path / "model.h5", chexnet_layers)
    with h5py.File(source, "a") as file:
        kernel = file["bn/bn/gamma:0"][()]
        del file["bn/bn/gamma:0"]
        array = file.create_dataset("bn/bn/gamma:0", data=kernel, compression="gzip")
        place = array.id.get_chunk_info(0).byte_offset
    content = bytearray(source.read_bytes())
    content[place : place + 8] = b"\xff" * 8
    source.write_bytes(bytes(content))
    with pytest.raises(UnreadableFileError, match="bn gamma: cannot be read"):
        import_weights(source, out, network="densenet121")


def test_an_output_that_exists_is_kept(chexnet, out):
    """What is there stays; --overwrite replaces what was imported, and nothing else."""
    save_file({"mine": np.zeros(3)}, out)
    before = out.read_bytes()
    for overwrite, said in ((False, "or replace it with --overwrite"), (True, "something else")):
        with pytest.raises(OutputExistsError, match=said):
            import_weights(chexnet, out, network="densenet121", overwrite=overwrite)
    assert out.read_bytes() == before
    out.unlink()
    import_weights(chexnet, out, network="densenet121")
    with pytest.raises(OutputExistsError, match="exists"):
        import_weights(chexnet, out, network="densenet121")
    import_weights(chexnet, out, network="densenet121", preprocessing="unit", overwrite=True)
    assert json.loads(metadata_of(out)["preprocessing"])["mean"] == [0, 0, 0]


def test_names_that_do_not_exist(chexnet, out, tmp_path):
    """Network, preprocessing and the ending of the file are checked before any work."""
    with pytest.raises(SettingsError, match="unknown network 'densnet121'; did you mean"):
        import_weights(chexnet, out, network="densnet121")
    with pytest.raises(SettingsError, match="unknown preprocessing 'cafe'; did you mean 'caffe'"):
        import_weights(chexnet, out, network="vgg16", preprocessing="cafe")
    with pytest.raises(SettingsError, match=r"a name that ends in \.safetensors"):
        import_weights(chexnet, tmp_path / "encoder.pt", network="vgg16")


def test_a_folder_is_called_a_folder(tmp_path, out):
    """What Keras once saved as a folder is not said to be missing."""
    with pytest.raises(UnreadableFileError, match="expected one file, found a folder; save the"):
        import_weights(tmp_path, out, network="densenet121")


@pytest.mark.parametrize(("count", "words"), [(1, "1 array"), (1200, "1,200 arrays")])
def test_one_array_is_not_several(chexnet, out, count, words):
    """Numbers have the word that fits them."""
    document = import_weights(chexnet, out, network="densenet121").document
    rows = dict(table(document | {"set_aside": {"optimiser": count}}))
    assert rows["set aside"] == f"optimiser, {words}"
