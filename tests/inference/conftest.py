"""A classifier small enough to be followed by hand, in model folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.checks import sha256_of_file
from delineate.files.writing import write_json
from delineate.inference.model_card import ModelCard, NamedClass, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.weights import save_network
from delineate.models.catalogue import CLASSIFIERS


class TinyClassifier(nn.Module):
    """Means of 2x2 pixels mixed into a few maps, whose means are judged by two dense layers."""

    stride = 2

    def __init__(self, *, channels: int, classes: int, maps: int = 4) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, maps, kernel_size=3, padding=1)
        self.hidden = nn.Linear(maps, 5)
        self.last = nn.Linear(5, classes)

    def feature_maps(self, image: Tensor) -> Tensor:
        """(N, maps, H/2, W/2)."""
        return torch.tanh(self.mix(F.avg_pool2d(image, 2)))

    def verdict(self, features: Tensor) -> Tensor:
        """(N, classes) logits."""
        return self.last(torch.tanh(self.hidden(features.square().mean(dim=(2, 3)))))

    def forward(self, image: Tensor) -> Tensor:
        """(N, classes) logits."""
        return self.verdict(self.feature_maps(image))


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CLASSIFIERS, "tiny", TinyClassifier)


def write_classifier(folder: Path, **changes: object) -> tuple[nn.Module, ModelCard]:
    """A model folder of a small random classifier, and the classifier."""
    folder.mkdir(parents=True)
    torch.manual_seed(3)
    network = TinyClassifier(channels=1, classes=2)
    save_network(folder / "model.safetensors", network)
    card = ModelCard(
        name="test",
        task="classify",
        architecture="tiny",
        arguments={},
        parameters=sum(each.numel() for each in network.parameters()),
        stride_px=network.stride,
        context_px=None,
        classes=tuple(
            NamedClass(index=index, name=name, colour=(index, 0, 0))
            for index, name in enumerate(("absent", "present"))
        ),
        preparation=Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        predict=PredictSettings(),
        precision="float32",
        threshold=Threshold(value=0.5, chosen_on="nothing", rule="none", score=None),
        training={},
        validation={},
        weights_sha256=sha256_of_file(folder / "model.safetensors"),
    ).model_copy(update=changes)
    write_json(folder / "model.json", card.model_dump(mode="json"), schema="model")
    return network, card


@pytest.fixture(name="TinyClassifier")
def _tiny_classifier() -> type[nn.Module]:
    """The class of a classifier of a few hundred weights."""
    return TinyClassifier


@pytest.fixture(name="write_classifier")
def _write_classifier() -> Callable[..., tuple[nn.Module, ModelCard]]:
    """The function that writes a model folder of a classifier."""
    return write_classifier
