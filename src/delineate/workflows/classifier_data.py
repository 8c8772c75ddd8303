"""Training and validation images of a classifier as the loop takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from torch import nn

from delineate.data.image_labels import require_both
from delineate.data.sample import Dataset
from delineate.files.image_files import read_image
from delineate.inference.classifier import whole_image_probabilities
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass
from delineate.recipe.recipe import Recipe
from delineate.training.loop import Validate
from delineate.training.patches import PatchSource, WorkingCase
from delineate.training.validate import JudgedImage, image_cross_entropy
from delineate.workflows.run_folder import RunFacts
from delineate.workflows.training_data import source_of

_NO_LABELS = np.zeros((0, 0), np.uint8)
_NO_PLACES = np.zeros(0, np.int32)


def classifier_patch_source(
    training: Dataset,
    labels: Mapping[str, bool],
    preparation: Preparation,
    recipe: Recipe,
    seed: int,
) -> PatchSource:
    """Whole training images at working size, each with its label.

    Raises:
        LayoutError: labels of one kind only, from which nothing can be learnt.
    """
    require_both(training, labels, "training")

    def read(index: int) -> WorkingCase:
        image = preparation.working_image(read_image(training.samples[index].image))
        return WorkingCase(image, _NO_LABELS, counted=_NO_PLACES, foreground=())

    found = [int(labels[sample.id]) for sample in training.samples]
    return source_of(
        read,
        len(found),
        preparation,
        recipe,
        seed,
        image_labels=found,
        is_positive=[each > 0 for each in found],
    )


class ClassifierCases:
    """The held-out images, judged whole by the network as it stands.

    Raises:
        LayoutError: labels of one kind only, which no threshold and no ranking can part.
    """

    def __init__(
        self,
        dataset: Dataset,
        labels: Mapping[str, bool],
        preparation: Preparation,
        facts: RunFacts,
        recipe: Recipe,
    ) -> None:
        require_both(dataset, labels, "validation")
        self._dataset = dataset
        self._labels = labels
        self._preparation = preparation
        self._facts = facts
        self._predict = recipe.predict

    def __len__(self) -> int:
        """How many there are."""
        return len(self._dataset.samples)

    def judged(self, network: nn.Module, settings: PredictSettings) -> Iterator[JudgedImage]:
        """Probability and label of each image."""
        one_pass = torch_pass(network, device=self._facts.device, precision=self._facts.precision)
        probabilities = whole_image_probabilities(one_pass, self._preparation, settings)
        for sample in self._dataset.samples:
            yield probabilities([read_image(sample.image)])[0], self._labels[sample.id]

    def judge(self, metric: Callable[[Iterable[JudgedImage]], float]) -> Validate:
        """A function that gives loss and score of a network, in one pass over an image."""
        quick = self._predict.model_copy(update={"repeats": "single"})

        def validate(network: nn.Module) -> tuple[float, float]:
            judged = list(self.judged(network, quick))
            loss = float(np.mean([image_cross_entropy(*case) for case in judged]))
            return loss, metric(judged)

        return validate
