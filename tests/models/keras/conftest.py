"""Keras itself, on its torch back end: what imported weights are held against."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from delineate.models.keras import opening
from delineate.models.torchvision_import import import_timm


@pytest.fixture(scope="session")
def keras(tmp_path_factory):
    """Keras 3 on torch, with its settings in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras_home")))
        keras = importlib.import_module("keras")
    assert keras.backend.backend() == "torch"
    return keras


@pytest.fixture(autouse=True)
def _no_trial(request, monkeypatch):
    """Files of these tests are read at once, but where the trial is what is tested."""
    if request.path.name != "test_trial.py":
        monkeypatch.setattr(opening, "require_survival", lambda *_, **__: None)


@pytest.fixture(scope="session")
def timm():
    """The package whose networks take the imported weights."""
    return import_timm()


@pytest.fixture(scope="session")
def shaken():
    """Puts random numbers into a model of Keras, into its statistics and biases too."""

    def shake(model: Any, seed: int = 3) -> Any:
        rng = np.random.default_rng(seed)
        spans = {"gamma": (0.5, 1.5), "beta": (-0.3, 0.3), "bias": (-0.3, 0.3),
                 "moving_mean": (-0.3, 0.3), "moving_variance": (0.5, 2.0)}  # fmt: skip
        for weight in model.weights:
            part = weight.path.rpartition("/")[2]
            if part in spans:
                weight.assign(rng.uniform(*spans[part], weight.shape))
            elif part == "kernel":
                spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
                weight.assign(rng.normal(0, spread, weight.shape))
        return model

    return shake
