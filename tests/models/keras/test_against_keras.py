"""Imported weights give what Keras 3 gives, from every format that Keras writes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import functional as F

from delineate.workflows.import_weights import import_weights

TOLERANCE = 1e-4

# Keras 3.15 reads torch's tensors in a way that numpy 2 wants otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def rgb():
    """Two random colour images of 0 to 255, (N, H, W, C)."""
    return np.random.default_rng(7).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def densenet(keras, shaken):
    """DenseNet-121 of random weights and statistics, with 14 sigmoid outputs."""
    return shaken(
        keras.applications.DenseNet121(
            weights=None, classes=14, classifier_activation="sigmoid", input_shape=(64, 64, 3)
        )
    )


@pytest.fixture(scope="module")
def vgg(keras, shaken):
    """VGG-16 of random weights, without a top."""
    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    return calmed(shaken(model))


@pytest.fixture(scope="module")
def densenet_gives(keras, densenet, rgb):
    """What Keras' DenseNet-121 makes of the images: the last feature map, and the outputs."""
    network = keras.Model(densenet.input, [densenet.get_layer("relu").output, densenet.output])
    features, outputs = network.predict(prepared(keras, rgb, "torch"), verbose=0)
    assert features.std() > 0.1
    assert outputs.std() > 0.02
    return features, outputs


@pytest.fixture(scope="module")
def vgg_gives(keras, vgg, rgb):
    """What Keras' VGG-16 makes of the images: the last feature map."""
    features = vgg.predict(prepared(keras, rgb, "caffe"), verbose=0)
    assert features.std() > 0.1
    return features


def calmed(vgg):
    """The network with its first kernel made for images of -124 to 151, so that features near 1
    can be compared to the fourth decimal.
    """
    kernel = vgg.get_layer("block1_conv1").kernel
    kernel.assign(kernel / 64)
    return vgg


def prepared(keras, rgb, mode):
    """The images as keras.applications wants them."""
    return keras.applications.imagenet_utils.preprocess_input(rgb.copy(), mode=mode)


def saved_by_keras(keras, model, path, kind):
    """The model in a file of one of Keras 3's formats."""
    if kind == "legacy":
        path = path / "model.h5"
        model.save(path)
    elif kind == "archive":
        path = path / "model.keras"
        model.save(path)
    else:
        path = path / "model.weights.h5"
        model.save_weights(path)
    return path


def as_keras2(model):
    """Layers and arrays of a model under the names of Keras 2."""
    names = {"conv1_conv": "conv1/conv", "conv1_bn": "conv1/bn"}
    return {
        names.get(layer.name, layer.name): {
            weight.path.rpartition("/")[2]: weight.numpy() for weight in layer.weights
        }
        for layer in model.layers
    }


def images_of(file, rgb):
    """The images as the imported file wants them, (N, C, H, W)."""
    with safe_open(file, framework="pt") as weights:
        colours = json.loads(weights.metadata()["preprocessing"])
    image = (rgb / 255 - np.array(colours["mean"])) / np.array(colours["deviation"])
    return torch.from_numpy(image.astype(np.float32)).permute(0, 3, 1, 2)


def assert_close(ours, theirs):
    """Equal within the tolerance, (N, C, H, W) or (N, C) of torch to the same of Keras."""
    ours = ours.permute(0, 2, 3, 1) if ours.ndim == 4 else ours
    assert ours.shape == theirs.shape
    assert np.abs(ours.numpy() - theirs).max() < TOLERANCE


def assert_densenet_gives_the_same(timm, file, rgb, expected):
    """Features and sigmoid outputs of timm's network with the file are those of Keras."""
    network = timm.create_model("densenet121", num_classes=14).eval()
    network.load_state_dict(load_file(file), strict=True)
    image = images_of(file, rgb)
    with torch.no_grad():
        features, outputs = F.relu(network.forward_features(image)), network(image).sigmoid()
    assert_close(features, expected[0])
    assert_close(outputs, expected[1])


def assert_vgg_gives_the_same(timm, file, rgb, expected):
    """The last feature map of timm's network with the file is that of Keras."""
    network = timm.create_model("vgg16").features.eval()
    state = load_file(file)
    assert all(name.startswith("features.") for name in state)
    network.load_state_dict({name.removeprefix("features."): t for name, t in state.items()})
    with torch.no_grad():
        assert_close(network(images_of(file, rgb)), expected)


@pytest.mark.parametrize("kind", ["archive", "weights", "legacy"])
def test_densenet_of_keras_3(keras, timm, densenet, densenet_gives, rgb, tmp_path, kind):
    """DenseNet-121 from each format of Keras 3 gives Keras' features and outputs."""
    source = saved_by_keras(keras, densenet, tmp_path, kind)
    out = tmp_path / "a.safetensors"
    result = import_weights(source, out, network="densenet121")
    assert result.document["outputs"] == 14
    assert_densenet_gives_the_same(timm, out, rgb, densenet_gives)


@pytest.mark.parametrize("is_whole", [True, False])
def test_densenet_of_keras_2(timm, densenet, densenet_gives, write_keras2, rgb, tmp_path, is_whole):
    """DenseNet-121 as Keras 2 names and nests its layers gives the same."""
    config = densenet.to_json() if is_whole else None
    source = write_keras2(tmp_path / "model.h5", as_keras2(densenet), config=config)
    out = tmp_path / "a.safetensors"
    result = import_weights(source, out, network="densenet121")
    assert result.document["keras_version"] == "2.1.6"
    assert_densenet_gives_the_same(timm, out, rgb, densenet_gives)


@pytest.mark.parametrize("kind", ["archive", "legacy"])
def test_densenet_within_another_network(
    keras, timm, densenet, densenet_gives, rgb, tmp_path, kind
):
    """An encoder that is one layer of a compiled model is found, and the optimiser set aside."""
    base = keras.Model(densenet.input, densenet.get_layer("relu").output)
    image = keras.Input((64, 64, 3))
    pooled = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(base(image)))
    top = keras.layers.Dense(14, activation="sigmoid", name="findings")
    model = keras.Model(image, top(pooled))
    top.set_weights(densenet.get_layer("predictions").get_weights())
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    source, out = saved_by_keras(keras, model, tmp_path, kind), tmp_path / "a.safetensors"
    result = import_weights(source, out, network="densenet121")
    assert result.document["set_aside"]["state of the optimiser"] > 700
    assert_densenet_gives_the_same(timm, out, rgb, densenet_gives)


@pytest.mark.parametrize("kind", ["archive", "legacy"])
def test_vgg_of_keras_3(keras, timm, vgg, vgg_gives, rgb, tmp_path, kind):
    """VGG-16 gives Keras' features, its colours turned to RGB."""
    source = saved_by_keras(keras, vgg, tmp_path, kind)
    out = tmp_path / "a.safetensors"
    result = import_weights(source, out, network="vgg16")
    assert result.document["outputs"] is None
    assert_vgg_gives_the_same(timm, out, rgb, vgg_gives)


def test_vgg_of_keras_2(timm, vgg, vgg_gives, write_keras2, rgb, tmp_path):
    """VGG-16 as Keras 2 writes it gives the same."""
    source = write_keras2(tmp_path / "model.h5", as_keras2(vgg))
    out = tmp_path / "a.safetensors"
    import_weights(source, out, network="vgg16")
    assert_vgg_gives_the_same(timm, out, rgb, vgg_gives)


def test_vgg_that_was_fed_mere_fractions(keras, timm, vgg, rgb, tmp_path):
    """With the preprocessing `unit`, images from 0 to 1 give what Keras gives for them."""
    source, out = saved_by_keras(keras, vgg, tmp_path, "weights"), tmp_path / "a.safetensors"
    import_weights(source, out, network="vgg16", preprocessing="unit")
    expected, turned = (vgg.predict(each / 255, verbose=0) for each in (rgb, rgb[..., ::-1]))
    assert np.abs(expected - turned).max() > 10 * TOLERANCE  # the order of colours is seen
    assert_vgg_gives_the_same(timm, out, rgb, expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["archive", "legacy"])
def test_vgg_with_its_top(keras, timm, shaken, tmp_path, kind):
    """The three dense layers over the flattened map of 224x224 give Keras' logits."""
    model = keras.applications.VGG16(weights=None, classes=5, classifier_activation=None)
    calmed(shaken(model))
    rgb = np.random.default_rng(7).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    expected = model.predict(prepared(keras, rgb, "caffe"), verbose=0)
    assert expected.std() > 0.1
    source, out = saved_by_keras(keras, model, tmp_path, kind), tmp_path / "a.safetensors"
    import_weights(source, out, network="vgg16")
    network = timm.create_model("vgg16", num_classes=5).eval()
    network.load_state_dict(load_file(out), strict=True)
    with torch.no_grad():
        assert_close(network(images_of(out, rgb)), expected)
