"""Networks small enough to be followed by hand, in model folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.checks import sha256_of_file
from delineate.files.writing import write_json
from delineate.inference.composing import write_composed
from delineate.inference.model_card import Gate, ModelCard, NamedClass, OperatingPoint, Threshold
from delineate.inference.model_folder import read_card
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.weights import save_network
from delineate.models.catalogue import CLASSIFIERS, build_model


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


def write_classifier(
    folder: Path, *, seed: int = 3, **changes: object
) -> tuple[nn.Module, ModelCard]:
    """A model folder of a small random classifier, and the classifier."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
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


def write_segmenter(
    folder: Path, *, classes: int = 2, seed: int = 1, head: bool = False, **changes: object
) -> tuple[nn.Module, ModelCard]:
    """A model folder of a small random U-Net, and the network."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    arguments = {"width": 4, "depth": 1}
    channels = 1 if classes == 2 else classes - 1 if changes.get("is_overlapping") else classes
    network = build_model(
        "unet", channels=1, classes=channels, arguments=arguments, presence_head=head
    )
    save_network(folder / "model.safetensors", network)
    card = ModelCard(
        name="test",
        architecture="unet",
        arguments=arguments,
        parameters=1,
        stride_px=network.stride,
        context_px=network.context_px,
        classes=tuple(NamedClass(index=i, name=str(i), colour=(i, 0, 0)) for i in range(classes)),
        preparation=Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        predict=PredictSettings(),
        precision="float32",
        threshold=Threshold(value=0.5, chosen_on="nothing", rule="none", score=None),
        training={},
        validation={},
        has_presence_head=head,
        weights_sha256=sha256_of_file(folder / "model.safetensors"),
    ).model_copy(update=changes)
    write_json(folder / "model.json", card.model_dump(mode="json"), schema="model")
    return network, card


@pytest.fixture(name="write_segmenter", scope="session")
def _write_segmenter() -> Callable[..., tuple[nn.Module, ModelCard]]:
    """The function that writes a model folder of a segmenter."""
    return write_segmenter


@pytest.fixture(name="TinyClassifier")
def _tiny_classifier() -> type[nn.Module]:
    """The class of a classifier of a few hundred weights."""
    return TinyClassifier


@pytest.fixture(name="write_classifier")
def _write_classifier() -> Callable[..., tuple[nn.Module, ModelCard]]:
    """The function that writes a model folder of a classifier."""
    return write_classifier


def composed_card(first: ModelCard, **changes: object) -> ModelCard:
    """A card of a model without weights of its own, made from that of one of its parts."""
    document = first.model_dump() | {"weights_sha256": None, "has_presence_head": False} | changes
    return ModelCard.model_validate(document)


@pytest.fixture(name="composed_card")
def _composed_card() -> Callable[..., ModelCard]:
    """The function that makes the card of a composed model."""
    return composed_card


@pytest.fixture
def two_stages(tmp_path: Path) -> Path:
    """A classifier as gate at 0.5 before the mean of two segmenters with heads for presence.

    The gate is the mean of two classifiers itself. Thresholds and minimum areas were chosen for
    each gate and for none.
    """
    for seed in (1, 2):
        write_segmenter(tmp_path / f"s{seed}", seed=seed, head=True)
        write_classifier(tmp_path / f"c{seed}", seed=seed)
    gate = composed_card(read_card(tmp_path / "c1"), members=("m/1", "m/2"))
    members = {f"m/{seed}": tmp_path / f"c{seed}" for seed in (1, 2)}
    write_composed(tmp_path / "gate", gate, members=members, page="A gate.")
    point = {"objective": "a score of ten cases", "score": 0.5}
    card = composed_card(
        read_card(tmp_path / "s1"),
        members=("segmenter/1", "segmenter/2"),
        gate=Gate(kind="classifier", folder="gate", threshold=0.5, rule="by hand"),
        operating_points=(
            OperatingPoint(
                gate="classifier", gate_threshold=0.5, threshold=0.5, minimum_area_px=0, **point
            ),
            OperatingPoint(
                gate=None, gate_threshold=None, threshold=0.25, minimum_area_px=3, **point
            ),
            OperatingPoint(
                gate="head", gate_threshold=0.3, threshold=0.75, minimum_area_px=2, **point
            ),
        ),
    )
    members = {f"segmenter/{seed}": tmp_path / f"s{seed}" for seed in (1, 2)}
    write_composed(tmp_path / "both", card, members=members, gate=tmp_path / "gate", page="Both.")
    return tmp_path / "both"
