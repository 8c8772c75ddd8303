"""Training and validation cases as the loop takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch import nn

from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, LabelClass
from delineate.data.masks import foreground_shares
from delineate.data.sample import Dataset
from delineate.files.image_files import read_image
from delineate.inference.preparation import (
    Preparation,
    normalised_for,
    resize_labels,
)
from delineate.inference.presence import split_presence
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass
from delineate.models.catalogue import CLASSIFIERS, MODELS, encoder_of
from delineate.models.encoder_weights import UNET, encoder_normalisation, require_encoder_start
from delineate.models.settings import RANDOM
from delineate.recipe.recipe import Recipe
from delineate.training.loop import Validate
from delineate.training.patches import PatchSource, WorkingCase, working_case
from delineate.training.validate import Judged, JudgedImage, Metric, cross_entropy
from delineate.workflows.labelled_data import labelled_image
from delineate.workflows.run_folder import EncoderColours, RunFacts


def encoder_colours(recipe: Recipe) -> EncoderColours | None:
    """Mean and deviation that the encoder's weights expect; None where the recipe takes others.

    Raises:
        SettingsError: a network without an encoder by name, or no such encoder or file.
    """
    if recipe.prepare.normalise != "encoder":
        return None
    name = _encoder_of(recipe)
    if name is None:
        raise SettingsError(
            "prepare.normalise: 'encoder' takes mean and deviation from the weights of an encoder, "
            f"and architecture '{recipe.model.architecture}' has none by name; choose data, unit "
            "or imagenet"
        )
    return encoder_normalisation(name, recipe.model.encoder_weights)


def require_start(recipe: Recipe) -> None:
    """Refuse weights of an encoder that cannot be had, before any image is read.

    Raises:
        DelineateError: see `require_encoder_start`; or no such architecture, argument or encoder.
    """
    require_encoder_start(_encoder_of(recipe), recipe.model.encoder_weights)


def _encoder_of(recipe: Recipe) -> str | None:
    catalogue = CLASSIFIERS if recipe.task == "classify" else MODELS
    return encoder_of(catalogue, recipe.model.architecture, recipe.model.arguments)


def colours_note(recipe: Recipe, preparation: Preparation) -> str | None:
    """What must be said where pixels are scaled otherwise than pretrained weights expect."""
    name = _encoder_of(recipe)
    weights = recipe.model.encoder_weights
    if name in (None, UNET) or weights in (None, RANDOM):
        return None
    mean, deviation = normalised_for(encoder_normalisation(name, weights), preparation.channels)
    found = np.concatenate([preparation.mean, preparation.deviation])
    if np.allclose(found, np.concatenate([mean, deviation]), atol=1e-3):
        return None
    return (
        f'pixels are scaled as prepare.normalise = "{recipe.prepare.normalise}" says, mean '
        f"{_few(preparation.mean)} and deviation {_few(preparation.deviation)}; the weights were "
        f'made with mean {_few(mean)} and deviation {_few(deviation)}, which "encoder" takes'
    )


def _few(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def patch_source(
    training: Dataset,
    preparation: Preparation,
    recipe: Recipe,
    seed: int,
    *,
    lost_px: int = 0,
) -> PatchSource:
    """Patches of the training cases at working size; see `PatchSource` for what is lost."""

    def read(index: int) -> WorkingCase:
        image, labels = labelled_image(training, training.samples[index])
        size_px = preparation.working_size_px(labels.shape)
        return working_case(
            preparation.working_image(image),
            resize_labels(labels, size_px),
            is_overlapping=training.is_overlapping,
        )

    is_positive = None
    if recipe.patches.positive_share is not None:
        shares = foreground_shares(training)
        is_positive = [shares[sample.id] > 0 for sample in training.samples]
    return source_of(
        read,
        len(training.samples),
        preparation,
        recipe,
        seed,
        is_positive=is_positive,
        lost_px=lost_px,
    )


def source_of(
    read: Callable[[int], WorkingCase],
    count: int,
    preparation: Preparation,
    recipe: Recipe,
    seed: int,
    *,
    image_labels: Sequence[int] | None = None,
    is_positive: Sequence[bool] | None = None,
    lost_px: int = 0,
) -> PatchSource:
    """Patches of so many cases under the settings of a recipe; see `PatchSource` for the rest."""
    return PatchSource(
        read,
        count,
        preparation,
        patches=recipe.patches,
        augment=recipe.augment,
        batch=recipe.train.batch,
        seed=seed,
        image_labels=image_labels,
        is_positive=is_positive,
        lost_px=lost_px,
    )


class ValidationCases:
    """The held-out cases, judged at native size by the network as it stands."""

    def __init__(
        self,
        dataset: Dataset,
        preparation: Preparation,
        network: nn.Module,
        facts: RunFacts,
        recipe: Recipe,
    ) -> None:
        self._dataset = dataset
        self._preparation = preparation
        self._stride_px = int(network.stride)  # type: ignore[arg-type] # nn.Module types it Tensor
        self._lost_px = lost_px(network)
        self._facts = facts
        self._predict = recipe.predict
        self.has_presence_head = recipe.model.presence_head

    def __len__(self) -> int:
        """How many there are."""
        return len(self._dataset.samples)

    @property
    def is_overlapping(self) -> bool:
        """Whether a pixel may belong to several classes."""
        return self._dataset.is_overlapping

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes of their labels, background first."""
        return self._dataset.classes

    @property
    def first_size_px(self) -> Size:
        """The working size of the first of them."""
        height, width = read_image(self._dataset.samples[0].image).shape[:2]
        return self._preparation.working_size_px((height, width))

    def judged(
        self,
        network: nn.Module,
        settings: PredictSettings,
        noted: list[JudgedImage] | None = None,
    ) -> Iterator[Judged]:
        """Probability and labels of each case.

        What a head for presence says of it is `noted`, with whether anything is there.
        """
        noted = [] if noted is None else noted
        one_pass = torch_pass(
            network,
            device=self._facts.device,
            precision=self._facts.precision,
            is_overlapping=self.is_overlapping,
            has_presence_head=self.has_presence_head,
        )
        segment = segmenter(
            one_pass,
            self._preparation,
            settings,
            self._stride_px,
            lost_px=self._lost_px,
            has_presence_head=self.has_presence_head,
        )
        for sample in self._dataset.samples:
            image, labels = labelled_image(self._dataset, sample)
            (probability,) = segment([image])
            if self.has_presence_head:
                probability, presence = split_presence(probability)
                noted.append((presence, bool(((labels > 0) & (labels != IGNORE)).any())))
            yield probability, labels

    def judge(self, metric: Metric) -> Validate:
        """A function that gives loss and score of a network, in one pass over an image."""
        quick = self._predict.model_copy(update={"repeats": "single"})

        def validate(network: nn.Module) -> tuple[float, float]:
            losses: list[float] = []

            def noted() -> Iterator[Judged]:
                for case in self.judged(network, quick):
                    losses.append(cross_entropy(*case, self.is_overlapping))
                    yield case

            score = metric(noted(), is_overlapping=self.is_overlapping)
            return float(np.mean(losses)), score

        return validate


def lost_px(network: nn.Module) -> int:
    """The border that a network without padding takes from each side; 0 for all others."""
    return int(getattr(network, "lost_px", 0))
