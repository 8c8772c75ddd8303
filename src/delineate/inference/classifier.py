"""A trained classifier: is there anything to find in an image, how sure is that, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.core.types import HeatMap, Image, Probability
from delineate.inference.batches import in_passes
from delineate.inference.composed import parts_of
from delineate.inference.model_card import PRESENT, ModelCard
from delineate.inference.model_folder import changed_settings, opened
from delineate.inference.preparation import Preparation
from delineate.inference.repeats import view_average
from delineate.inference.settings import PredictSettings, Repeats
from delineate.inference.tiles import Pass
from delineate.inference.verdict import Verdict, verdict_of


@dataclass(frozen=True)
class ImageClassifier:
    """A trained classifier, ready to predict.

    `probabilities(images)` says of (H, W) or (H, W, C) images how probable it is that there is
    something to find in each; `grad_cam(image)` shows where that comes from, 0 to 1 at the image's
    size. `members` are the classifiers whose mean counts.
    """

    card: ModelCard
    probabilities: Callable[[Sequence[Image]], list[float]]
    grad_cam: Callable[[Image], HeatMap]
    predict_settings: PredictSettings
    members: tuple[ImageClassifier, ...] = ()

    def probability(self, image: Image) -> float:
        """How probable it is that there is something to find in an image."""
        return self.probabilities([image])[0]

    def predict(self, image: Image, *, threshold: float | None = None) -> Verdict:
        """The verdict on an image: present at or above the threshold, the card's if none is given.

        Raises:
            SettingsError: an image of another shape or range than those of training.
        """
        probability = self.probability(image)
        return verdict_of(probability, self.threshold if threshold is None else threshold)

    @property
    def threshold(self) -> float:
        """The threshold of the card."""
        value = self.card.threshold.value
        assert value is not None  # load_classifier refuses such a card
        return value


def whole_image_probabilities(
    one_pass: Pass, preparation: Preparation, settings: PredictSettings
) -> Callable[[Sequence[Image]], list[float]]:
    """Prepared as a whole and judged in every view: the mean probability that something is there.

    The pass goes from (N, C, H, W) input to (N, 2) probability. No image is cut into tiles; those
    of one working size share passes, as `in_passes` has it.
    """

    def as_maps(images: NDArray[np.float32]) -> Probability:
        return one_pass(images)[:, :, None, None]  # maps of one pixel, the same in every view

    views = view_average(as_maps, settings.repeats)

    def probabilities(images: Sequence[Image]) -> list[float]:
        inputs = [preparation(each[..., None] if each.ndim == 2 else each) for each in images]
        found = in_passes(views, inputs)
        return [float(each[PRESENT, 0, 0]) for each in found]

    return probabilities


def load_classifier(
    path: Path | str,
    *,
    device: str | None = None,
    threads: int | None = None,
    repeats: Repeats | None = None,
) -> ImageClassifier:
    """The classifier of a run or model folder, ready to predict.

    `repeats` replaces the views that its card averages over; of a classifier with members those
    of each of them.

    Raises:
        LayoutError: no model there, or one that gives masks.
        UnreadableFileError: weights that are damaged or do not belong to the card, a card without
            a threshold, or members that do not fit it.
        SettingsError: an architecture that this version does not know, or a wrong setting.
    """
    card, file = opened(Path(path), task="classify")
    if card.threshold.value is None:
        raise UnreadableFileError(
            f"{file.parent}: expected a threshold of probability in the card of a classifier, "
            "found none; train or export the model again"
        )
    parts = parts_of(file.parent, card)
    changes: dict[str, Any] = {} if repeats is None else {"repeats": repeats}
    settings = changed_settings(card.predict, changes)
    if not card.members:
        return _of_network(card, file, settings, device=device, threads=threads)
    members = tuple(
        load_classifier(each, device=device, threads=threads, repeats=repeats)
        for each in parts.members
    )
    # How an image is put together is said by each member for itself.
    return ImageClassifier(
        card,
        _mean_probabilities(members),
        _mean_heat(members),
        members[0].predict_settings,
        members,
    )


def _of_network(
    card: ModelCard,
    file: Path,
    settings: PredictSettings,
    *,
    device: str | None,
    threads: int | None,
) -> ImageClassifier:
    from delineate.inference.grad_cam import grad_cam_pass, heat_mapper
    from delineate.inference.torch_segmenter import chosen_device, torch_pass
    from delineate.inference.weights import read_network

    network = read_network(file, card, threads=threads)
    where = chosen_device(device)
    one_pass = torch_pass(network, device=where, precision=card.precision)
    probabilities = whole_image_probabilities(one_pass, card.preparation, settings)
    heat_map = heat_mapper(grad_cam_pass(network, device=where), card.preparation, settings)
    return ImageClassifier(card, probabilities, heat_map, settings)


def _mean_probabilities(
    members: Sequence[ImageClassifier],
) -> Callable[[Sequence[Image]], list[float]]:
    def probabilities(images: Sequence[Image]) -> list[float]:
        of_members = [each.probabilities(images) for each in members]
        return [float(np.mean(each)) for each in zip(*of_members, strict=True)]

    return probabilities


def _mean_heat(members: Sequence[ImageClassifier]) -> Callable[[Image], HeatMap]:
    """The mean of the heat maps, each a share of its own maximum, as a share of its maximum."""

    def heat_map(image: Image) -> HeatMap:
        total: HeatMap = np.stack([each.grad_cam(image) for each in members]).sum(axis=0)
        highest = float(total.max())
        return total / np.float32(highest) if highest > 0 else total

    return heat_map
