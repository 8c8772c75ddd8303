"""The head that says whether there is anything to find."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.core.types import IGNORE
from delineate.inference.preparation import Preparation
from delineate.inference.presence import split_presence
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass
from delineate.losses.catalogue import weighted_sum
from delineate.models.catalogue import build_model

KINDS = {
    "unet": {"width": 4, "depth": 2},
    "encoder_decoder": {"encoder": "resnet18"},
    "uefficientnet": {"start_neurons": 1},
}
STILL = Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.2,))


@pytest.fixture(params=KINDS)
def networks(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, torch.nn.Module]:
    """A network, and the same with a head for presence."""
    arguments = KINDS[request.param]
    torch.manual_seed(1)
    plain = build_model(request.param, channels=1, classes=2, arguments=arguments)
    torch.manual_seed(1)
    headed = build_model(
        request.param, channels=1, classes=2, arguments=arguments, presence_head=True
    )
    return plain.eval(), headed.eval()


def test_head_changes_nothing_else(
    networks: tuple[torch.nn.Module, torch.nn.Module],
) -> None:
    """The logits of the classes are those of the network without a head."""
    plain, headed = networks
    images = torch.rand(2, 1, 70, 66)
    with torch.no_grad():
        before, found = plain(images), headed(images)
    assert found.shape == (2, 3, 70, 66)
    torch.testing.assert_close(found[:, :-1], before, rtol=0, atol=0)
    constant = found[:, -1]
    assert (constant == constant[:, :1, :1]).all()
    assert constant[0, 0, 0] != constant[1, 0, 0]
    assert headed.stride == plain.stride
    assert headed.context_px == plain.context_px


def test_head_learns_and_is_copied(networks: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    """Its loss has gradients down to the first convolution, and a copy says the same."""
    headed = networks[1].train()
    images = torch.rand(2, 1, 64, 64)
    F.binary_cross_entropy_with_logits(
        headed(images)[:, -1, 0, 0], torch.tensor([1.0, 0.0])
    ).backward()
    first = next(iter(headed.parameters()))
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
    copied = deepcopy(headed).eval()
    with torch.no_grad():
        torch.testing.assert_close(copied(images), headed.eval()(images))


def test_architectures_without_deepest_features_are_refused() -> None:
    """A network that cannot have a head says which can."""
    with pytest.raises(SettingsError, match=r"presence_head: architecture 'unetpp' cannot have"):
        build_model("unetpp", channels=1, classes=1, arguments={"width": 4}, presence_head=True)


def test_loss_adds_the_cross_entropy_of_presence() -> None:
    """Images with and without foreground count; one that is ignored altogether does not."""
    logits = torch.zeros(3, 2, 4, 4)
    logits[0, 1], logits[1, 1], logits[2, 1] = 2.0, -1.0, 7.0
    labels = torch.zeros(3, 4, 4, dtype=torch.uint8)
    labels[0, 0, 0] = 1
    labels[1, 2, 2] = IGNORE
    labels[2] = IGNORE
    plain = weighted_sum({"cross_entropy": 1.0})(logits[:, :1], labels)
    found = weighted_sum({"cross_entropy": 1.0}, has_presence_head=True)(logits, labels)
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert float(found - plain) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("has_dark_surround", [False, True])
def test_presence_passes_tiles_and_views(has_dark_surround: bool) -> None:
    """The last channel is the head's probability, in tiles the surest one's."""
    torch.manual_seed(2)
    network = build_model(
        "unet", channels=1, classes=1, arguments=KINDS["unet"], presence_head=True
    )
    one_pass = torch_pass(network, has_presence_head=True)
    image = np.zeros((96, 96), np.uint8)
    image[20:76, 20:76] = np.random.default_rng(0).integers(90, 250, (56, 56))

    def answer(**settings: object) -> tuple[np.ndarray, float]:
        segment = segmenter(
            one_pass,
            STILL,
            PredictSettings.model_validate(settings),
            4,
            has_dark_surround=has_dark_surround,
            has_presence_head=True,
        )
        return split_presence(segment([image])[0])

    maps, presence = answer(repeats="single")
    expected = one_pass(STILL(image[..., None])[None])[0, 1, 0, 0]
    assert maps.shape == (1, 96, 96)
    assert presence == pytest.approx(float(expected), abs=1e-6)
    assert (maps[0, :8] == 0).all() == has_dark_surround
    tiled = answer(repeats="single", tile_px=48, margin_px=8, blend_px=8)[1]
    assert 0 < tiled < 1
