"""Arrays of Keras, turned into torch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.conversion import converted, epsilon_of, stated_epsilons
from delineate.models.keras.layers import Layer, convolution, dense, normalisation

SOURCE = Path("net.h5")


def tensors(layer, place, **options):
    """What a layer becomes."""
    return dict(converted(layer, place, source=SOURCE, **{"epsilon": 1.001e-5} | options))


def test_the_epsilon_of_keras_is_made_up_for():
    """Even for tiny variances torch's smaller epsilon gives what Keras divides by."""
    rng = np.random.default_rng(1)
    variance = np.array([0.0, 1e-8, 1e-6, 1e-3, 1.0], np.float32)
    others = {part: rng.normal(size=5).astype(np.float32) for part in ("gamma", "beta")}
    mean, image = rng.normal(size=5).astype(np.float32), rng.normal(size=5)
    layer = Layer("bn", {**others, "moving_mean": mean, "moving_variance": variance})
    ours = tensors(layer, normalisation("bn", "norm", 5))
    scale = others["gamma"] / np.sqrt(variance.astype(float) + 1.001e-5)
    expected = (image - mean) * scale + others["beta"]
    torchs = ours["norm.weight"] / np.sqrt(ours["norm.running_var"].astype(float) + 1e-5)
    found = (image - ours["norm.running_mean"]) * torchs + ours["norm.bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    plain = others["gamma"] / np.sqrt(variance.astype(float) + 1e-5)
    assert np.abs(plain / scale - 1).max() > 1e-4  # without it the fourth digit is another
    assert ours["norm.num_batches_tracked"] == 0


def test_colours_are_turned_where_keras_has_blue_first():
    """The first and third input channels change places, and nothing else."""
    kernel = np.arange(2 * 2 * 3 * 4, dtype=np.float32).reshape(2, 2, 3, 4)
    place = convolution("conv", "conv", (2, 2, 3, 4), has_bias=False)
    plain = tensors(Layer("conv", {"kernel": kernel}), place)["conv.weight"]
    turned = tensors(Layer("conv", {"kernel": kernel}), place, has_bgr_input=True)["conv.weight"]
    assert plain.shape == (4, 3, 2, 2)
    assert plain[3, 2, 1, 0] == kernel[1, 0, 2, 3]
    np.testing.assert_array_equal(turned, plain[:, ::-1])


def test_double_precision_is_rounded():
    """Kernels of float64 or float16 come out in float32."""
    place = dense("top", "head", (2, 3))
    for kind in (np.float16, np.float64):
        layer = Layer("top", {"kernel": np.ones((2, 3), kind), "bias": np.zeros(3, kind)})
        assert {each.dtype.name for each in tensors(layer, place).values()} == {"float32"}


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        (np.full((2, 3), np.nan, np.float32), "top kernel: holds NaN or infinity"),
        (np.ones((2, 3), np.int8), "top kernel: expected floating-point numbers, found int8"),
    ],
)
def test_numbers_that_are_no_weights_are_refused(kernel, said):
    """Neither NaN nor quantised integers are taken over."""
    layer = Layer("top", {"kernel": kernel, "bias": np.zeros(3, np.float32)})
    with pytest.raises(UnreadableFileError, match=said):
        tensors(layer, dense("top", "head", (2, 3)))


def nested_config(*epsilons):
    """A model within a model, with a normalisation for each epsilon."""
    layers = [
        {"class_name": "BatchNormalization", "config": {"name": f"bn_{at}", "epsilon": epsilon}}
        for at, epsilon in enumerate(epsilons)
    ]
    inner = {"class_name": "Functional", "config": {"name": "base", "layers": layers}}
    return {"class_name": "Sequential", "config": {"layers": [inner, {"class_name": "Dense"}]}}


def test_epsilon_is_what_the_model_says():
    """A stated epsilon counts by its layer's name, or for all where all have the same."""
    stated = stated_epsilons(nested_config(1e-3, 1e-4))
    assert stated == {"bn_0": 1e-3, "bn_1": 1e-4}
    assert epsilon_of(Layer("bn_1", {}), stated, source=SOURCE) == 1e-4
    alike = stated_epsilons(nested_config(1e-3, 1e-3))
    assert epsilon_of(Layer("layers/batch_normalization", {}), alike, source=SOURCE) == 1e-3
    assert epsilon_of(Layer("bn", {}), stated_epsilons(None), source=SOURCE) == 1.001e-5


def test_epsilons_that_cannot_be_told_apart_are_refused():
    """Several values and no names are no ground for a guess."""
    stated = stated_epsilons(nested_config(1e-3, 1e-4))
    with pytest.raises(UnreadableFileError, match="different epsilon, and no names"):
        epsilon_of(Layer("layers/batch_normalization", {}), stated, source=SOURCE)
