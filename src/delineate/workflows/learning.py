"""What the training loop is given, and what is chosen after it, by what is to be learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from delineate.core.errors import SettingsError
from delineate.core.geometry import Size, unpadded_output_px
from delineate.core.progress import Progress
from delineate.data.sample import TRAIN, VALIDATION, Dataset
from delineate.inference.preparation import Preparation
from delineate.losses.catalogue import Loss, weighted_sum
from delineate.models.catalogue import build_classifier, build_model
from delineate.recipe.recipe import Recipe
from delineate.training.loop import Validate
from delineate.training.patches import PatchSource
from delineate.training.validate import CLASSIFIER_METRICS, WATCHED
from delineate.workflows.classifier_data import ClassifierCases, classifier_patch_source
from delineate.workflows.run_folder import RunFacts
from delineate.workflows.training_data import ValidationCases, lost_px, patch_source
from delineate.workflows.validated import Validated, validated_classifier, validated_segmenter


@dataclass(frozen=True)
class Learning:
    """Patches to learn from, the loss on them, the judge on the way, what is chosen at the end."""

    feed: PatchSource
    loss: Loss
    judge: Validate
    validated: Callable[[nn.Module, Progress], Validated]


def built_network(recipe: Recipe, dataset: Dataset, preparation: Preparation) -> nn.Module:
    """The network of a recipe, with random weights."""
    classes, arguments = len(dataset.classes), recipe.model.arguments
    channels = preparation.channels
    if recipe.task == "classify":
        return build_classifier(
            recipe.model.architecture, channels=channels, classes=classes, arguments=arguments
        )
    # One channel is a class against all else; several share a softmax with the background.
    has_softmax = classes > 2 and not dataset.is_overlapping
    return build_model(
        recipe.model.architecture,
        channels=channels,
        classes=classes if has_softmax else classes - 1,
        arguments=arguments,
        presence_head=recipe.model.presence_head,
    )


def feed_of(
    recipe: Recipe, dataset: Dataset, preparation: Preparation, network: nn.Module, seed: int
) -> PatchSource:
    """Patches of the training images with the labels of their pixels, or of the whole images."""
    training = dataset.only(TRAIN)
    if recipe.task == "classify":
        return classifier_patch_source(training, dataset.image_labels, preparation, recipe, seed)
    return patch_source(training, preparation, recipe, seed, lost_px=lost_px(network))


def require_fitting_patches(size_px: Size, network: nn.Module) -> None:
    """Refuse patches of a size that an unpadded network cannot take.

    Raises:
        SettingsError: naming the next size that fits.
    """
    lost, stride = lost_px(network), int(network.stride)  # type: ignore[arg-type] # nn.Module types it Tensor
    if not lost:
        return
    fitting = [
        2 * lost + unpadded_output_px(max(side - 2 * lost, 1), stride, lost) for side in size_px
    ]
    if list(size_px) != fitting:
        raise SettingsError(
            f"patches.size_px {list(size_px)}: an unpadded network takes sides that its halvings "
            f"leave whole, the next of these are {fitting}; take them"
        )


def learning(
    recipe: Recipe,
    dataset: Dataset,
    preparation: Preparation,
    network: nn.Module,
    facts: RunFacts,
) -> Learning:
    """The loop's part of a segmentation, or of a classification."""
    feed = feed_of(recipe, dataset, preparation, network, facts.seed)
    held_out, watched = dataset.only(VALIDATION), recipe.validation.metric
    if recipe.task == "classify":
        verdicts = ClassifierCases(held_out, dataset.image_labels, preparation, facts, recipe)
        return Learning(
            feed,
            weighted_sum(recipe.loss, task="classify"),
            verdicts.judge(CLASSIFIER_METRICS[watched]),
            lambda network, progress: validated_classifier(network, verdicts, recipe, progress),
        )
    cases = ValidationCases(held_out, preparation, network, facts, recipe)
    return Learning(
        feed,
        weighted_sum(
            recipe.loss,
            is_overlapping=dataset.is_overlapping,
            has_presence_head=recipe.model.presence_head,
        ),
        cases.judge(WATCHED[watched]),
        lambda network, progress: validated_segmenter(network, cases, recipe, progress),
    )
