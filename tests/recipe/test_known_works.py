"""The recipes that repeat known works do what those works do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from delineate.losses.catalogue import weighted_sum
from delineate.models.catalogue import build_classifier, build_model
from delineate.recipe.recipe import Recipe, load_recipe

from .networks import WORKS

# Size of a patch, channels, scaling of pixels, losses, epochs; "Adam" is AdamW without decay.
STATED = {
    "nerve-vgg16": ((416, 576), "colour", "encoder", {"cross_entropy": 1, "dice": 1}, 50),
    "nerve-unet128": ((128, 128), "grey", "unit", {"cross_entropy": 1}, 50),
    "pneumothorax-gate": ((256, 256), "colour", "unit", {"cross_entropy": 1}, 30),
    "pneumothorax-uefficientnet": (
        (256, 256),
        "colour",
        "encoder",
        {"cross_entropy": 1, "dice": 1},
        40,
    ),
    "pneumothorax-unetpp": ((256, 256), "colour", "encoder", {"cross_entropy": 1, "dice": 1}, 40),
    "vessel-scratch": ((64, 64), "colour", "unit", {"cross_entropy": 1}, 100),
    "vessel-noaug": ((64, 64), "colour", "unit", {"cross_entropy": 1}, 100),
    "vessel-vgg16": ((64, 64), "colour", "unit", {"cross_entropy": 1}, 100),
    "unet-original": ((572, 572), "grey", "data", {"border": 1}, 250),
}
# Whole images brought to one size, rather than patches of them.
RESIZED = {"nerve-unet128", *(name for name in WORKS if name.startswith("pneumothorax"))}
STILL = {"nerve-vgg16", "nerve-unet128", "vessel-noaug"}


def network_of(recipe: Recipe) -> nn.Module:
    """The network of a recipe for a task of two classes, with random weights."""
    channels = {"grey": 1, "colour": 3}[recipe.prepare.channels]
    build, classes = (build_classifier, 2) if recipe.task == "classify" else (build_model, 1)
    torch.manual_seed(1)
    return build(
        recipe.model.architecture,
        channels=channels,
        classes=classes,
        arguments=recipe.model.arguments,
    )


def count(network: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(each.numel() for each in network.parameters())


def test_every_work_is_held_here():
    """No recipe of a known work goes without its facts."""
    assert set(STATED) == set(WORKS)


@pytest.mark.parametrize("name", WORKS)
def test_sizes_losses_and_epochs_are_stated(name):
    """Size, channels, scaling, losses and epochs are those of the work or of its recipe's text."""
    recipe = load_recipe(name)
    size_px, channels, scaling, losses, epochs = STATED[name]
    assert recipe.patches.size_px == size_px
    assert recipe.prepare.size_px == (size_px if name in RESIZED else None)
    assert recipe.prepare.channels == channels
    assert recipe.prepare.normalise == scaling
    assert {loss: term.weight for loss, term in recipe.loss.items()} == losses
    assert recipe.train.epochs == epochs
    weighted_sum(recipe.loss, task=recipe.task)


@pytest.mark.parametrize("name", WORKS)
def test_optimisers_are_stated(name):
    """Adam everywhere, but momentum of 0.99 and one tile a step for the U-Net of 2015."""
    train = load_recipe(name).train
    if name == "unet-original":
        assert (train.optimiser, train.momentum, train.batch) == ("sgd", 0.99, 1)
    else:
        assert (train.optimiser, train.weight_decay) == ("adamw", 0.0)
    assert (train.schedule, train.average_decay) == ("constant", 0.0)


@pytest.mark.parametrize("name", WORKS)
def test_augmentation_is_stated(name):
    """Works without augmentation change nothing; the others change what they name."""
    augment = load_recipe(name).augment
    still = (
        not augment.flips
        and not augment.turns
        and augment.rotation_degrees == augment.shear_degrees == augment.shift_px == 0
        and augment.zoom == augment.stretch == 1
        and augment.elastic_px == 0
        and augment.tone_chance == 0
    )
    assert still == (name in STILL)
    if name in ("vessel-scratch", "vessel-vgg16"):
        assert augment.flips
        assert min(augment.shear_degrees, augment.shift_px, augment.zoom - 1) > 0
    if name == "unet-original":
        assert (augment.elastic_px, augment.elastic_grid) == (10.0, 3)


def test_vessel_variants_differ_in_one_thing():
    """Without augmentation, or with another network: all else is that of the first variant."""
    scratch, still, vgg = (
        load_recipe(f"vessel-{each}").model_dump(exclude={"name", "description"})
        for each in ("scratch", "noaug", "vgg16")
    )
    assert {key for key in scratch if scratch[key] != still[key]} == {"augment"}
    assert {key for key in scratch if scratch[key] != vgg[key]} == {"model"}


def test_pretrained_encoders_are_never_left_to_chance():
    """A recipe with an encoder asks for weights, or leaves them to --encoder-weights."""
    asked = {name: load_recipe(name).model.encoder_weights for name in WORKS}
    assert {name for name, weights in asked.items() if weights == "imagenet"} == {
        "nerve-vgg16",
        "vessel-vgg16",
        "pneumothorax-uefficientnet",
        "pneumothorax-unetpp",
    }
    assert asked["pneumothorax-gate"] is None  # the weights of CheXNet, by file


def test_encoders_are_those_of_the_works():
    """Parameters of the encoders are the known ones of VGG-16 and DenseNet-121."""
    vgg = network_of(load_recipe("nerve-vgg16")).encoder
    # 13 convolutions; Simonyan and Zisserman (2015), arXiv:1409.1556, table 2 counts with the top.
    assert count(vgg) == 14_714_688
    gate = network_of(load_recipe("pneumothorax-gate"))
    head = (1024 * 1024 + 1024) + (1024 * 2 + 2)
    # 7,978,856 with a top of 1,000 classes: Huang et al. (2017), arXiv:1608.06993, as torchvision
    # builds it.
    assert count(gate) == 7_978_856 - (1024 * 1000 + 1000) + head


def test_the_original_has_the_known_parameters():
    """31,030,658 for one channel and two classes."""
    assert count(network_of(load_recipe("unet-original"))) == 31_030_658
