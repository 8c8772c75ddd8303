"""Every recipe of a known work learns two images by heart, only their augmentation left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from delineate.augment.settings import AugmentSettings
from delineate.core.colours import IMAGENET_COLOURS
from delineate.core.seeds import stream
from delineate.core.types import Image, Labels
from delineate.inference.preparation import fit_preparation
from delineate.losses.catalogue import weighted_sum
from delineate.models.catalogue import build_classifier, build_model
from delineate.recipe.recipe import Recipe, load_recipe
from delineate.training.budget import Budget, Clock
from delineate.training.loop import fit
from delineate.training.patches import PatchSource, working_case

from .networks import WORKS

STILL = AugmentSettings(
    flips=False,
    rotation_degrees=0.0,
    shear_degrees=0.0,
    shift_px=0.0,
    zoom=1.0,
    stretch=1.0,
    tone_chance=0.0,
)
# Steps that are enough, of both images, or of one where the recipe's batch is one.
STEPS = {
    "vessel-scratch": 30,
    "vessel-noaug": 30,
    "vessel-vgg16": 120,
    "nerve-unet128": 60,
    "nerve-vgg16": 40,
    "pneumothorax-gate": 40,
    "pneumothorax-uefficientnet": 60,
    "pneumothorax-unetpp": 40,
    "unet-original": 150,
}
SECONDS = {"vessel-scratch", "vessel-noaug"}


def works() -> list[object]:
    """The recipes of known works, those of large networks or images marked slow."""
    return [pytest.param(name, marks=() if name in SECONDS else pytest.mark.slow) for name in WORKS]


def picture(index: int, size_px: tuple[int, int], channels: int) -> tuple[Image, Labels]:
    """Noise, and in it an ellipse of foreground that is brighter, elsewhere in each picture."""
    rng = stream(index, "by heart")
    rows, columns = np.mgrid[: size_px[0], : size_px[1]]
    centre, radii = ((0.35, 0.4), (0.2, 0.12)) if index == 0 else ((0.6, 0.55), (0.12, 0.25))
    across = (rows / size_px[0] - centre[0]) / radii[0]
    along = (columns / size_px[1] - centre[1]) / radii[1]
    labels = (across**2 + along**2 < 1).astype(np.uint8)
    noise = rng.integers(0, 120, (*size_px, channels))
    return (noise + 80 * labels[..., None]).astype(np.uint8), labels


def network_of(recipe: Recipe, channels: int) -> nn.Module:
    """The recipe's network with random weights, always the same."""
    torch.manual_seed(1)
    build, classes = (build_classifier, 2) if recipe.task == "classify" else (build_model, 1)
    return build(
        recipe.model.architecture,
        channels=channels,
        classes=classes,
        arguments=recipe.model.arguments,
    )


def fitted(name: str, steps: int, folder) -> tuple[nn.Module, PatchSource]:
    """The recipe's network after some steps on two pictures, and their source.

    Loss, optimiser, rate, normalisation, size and dropout are the recipe's; a batch is no more
    than the two.
    """
    recipe = load_recipe(name)
    channels = {"grey": 1, "colour": 3}[recipe.prepare.channels]
    network = network_of(recipe, channels)
    lost_px = int(getattr(network, "lost_px", 0))
    height, width = (side - 2 * lost_px for side in recipe.patches.size_px)
    pictures = [picture(index, (height, width), channels) for index in range(2)]
    if recipe.task == "classify":
        pictures[1] = (picture(1, (height, width), channels)[0] // 2, pictures[1][1] * 0)
    shown = (image for image, _ in pictures)
    preparation = fit_preparation(shown, recipe.prepare, encoder=IMAGENET_COLOURS)
    feed = PatchSource(
        lambda index: working_case(*pictures[index]),
        2,
        preparation,
        patches=recipe.patches,
        augment=STILL,
        batch=min(recipe.train.batch, 2),
        seed=1,
        lost_px=lost_px,
        image_labels=[1, 0] if recipe.task == "classify" else None,
    )
    fit(
        network,
        feed,
        lambda _: (0.0, 0.0),
        weighted_sum(recipe.loss, task=recipe.task),
        settings=recipe.train.model_copy(update={"keep": "last"}),
        validation=recipe.validation.model_copy(update={"times": 1}),
        budget=Budget(steps=steps),
        clock=Clock(),
        reserve_s=lambda _: 0.0,
        folder=folder,
        seed=1,
        precision="float32",
        device="cpu",
        is_resumed=False,
    )
    return network.eval(), feed


def answers(network: nn.Module, feed: PatchSource) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Probability of the foreground, or of its presence, in both pictures, and their labels."""
    batches = [feed.batch(step) for step in range(feed.steps_per_epoch)][:2]
    images, labels = (torch.cat(parts)[:2] for parts in zip(*batches, strict=True))
    with torch.inference_mode():
        logits = network(images)
    if logits.shape[1] == 1:
        probability = torch.sigmoid(logits[:, 0])
    else:
        probability = torch.softmax(logits, dim=1)[:, 1]
    truth = labels.numpy()
    if probability.ndim == 3 and truth.shape != tuple(probability.shape):
        lost_px = (truth.shape[1] - probability.shape[1]) // 2
        truth = truth[:, lost_px:-lost_px, lost_px:-lost_px]
    return probability.numpy(), truth


@pytest.mark.parametrize("name", works())
def test_two_images_are_learnt_by_heart(name, tmp_path):
    """Dice of at least 0.95 in both images as in prediction, or both verdicts right and sure."""
    network, feed = fitted(name, STEPS[name], tmp_path)
    probability, truth = answers(network, feed)
    if truth.ndim == 1:
        assert (np.where(truth == 1, probability, 1 - probability) > 0.9).all()
        return
    for found, wanted in zip(probability > 0.5, truth == 1, strict=True):
        assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.95
