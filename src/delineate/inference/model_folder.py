"""A model folder: `model.safetensors`, `model.json`, `README.md`. Never a pickle.

A method without a network has no `model.safetensors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from delineate.core.checks import sha256_of_file
from delineate.core.errors import LayoutError, SettingsError, UnreadableFileError, unknown_name
from delineate.core.overlapping import is_class
from delineate.core.types import Image, LabelClass, Labels, Mask, Probability
from delineate.files.writing import read_json
from delineate.inference.classical_segmenter import (
    classical_segmenter,
    read_method,
    require_no_tiles,
    require_processor,
)
from delineate.inference.model_card import SCHEMA, ModelCard, Task, Threshold
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.segmenter import Segmenter, segmenter
from delineate.inference.settings import PredictSettings
from delineate.metrics.thresholds import Cut

WEIGHTS, CARD, PAGE = "model.safetensors", "model.json", "README.md"
_KINDS: dict[Task, str] = {
    "segment": "a segmentation model, which gives masks",
    "classify": "a classifier, which gives a verdict on the whole image",
}
_LOADERS: dict[Task, str] = {"segment": "load_model", "classify": "load_classifier"}


@dataclass(frozen=True)
class Prediction:
    """Labels (H, W) and probability (C, H, W), both at the size of the image.

    Where classes overlap labels are the codes of `delineate.core.overlapping`, and `mask` gives
    the pixels of one class.
    """

    labels: Labels
    probability: Probability
    is_overlapping: bool = False

    def mask(self, index: int) -> Mask:
        """(H, W) whether a pixel belongs to the class of that index."""
        return is_class(self.labels, index, is_overlapping=self.is_overlapping)


@dataclass(frozen=True)
class Model:
    """A trained model, ready to predict.

    `probability(image)` gives (C, H, W) at the size of an (H, W) or (H, W, C) image.
    """

    card: ModelCard
    probability: Segmenter
    predict_settings: PredictSettings

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes of its masks, background first."""
        return self.card.label_classes

    @property
    def threshold(self) -> Threshold:
        """The threshold that was chosen for it, at the depth to which it is pruned."""
        depth = self.predict_settings.depth
        return self.card.threshold if depth is None else self.card.depths[depth - 1].threshold

    def predict(self, image: Image, *, threshold: float | None = None) -> Prediction:
        """Labels and probability of an image, at its own size.

        Models are cut where `cut` says.

        Raises:
            SettingsError: as `cut`.
        """
        chosen = self.cut(threshold)
        probability = self.probability(image)
        minimum_area_px = self.predict_settings.minimum_area_px
        labels = labels_from_probability(
            probability, threshold=chosen, minimum_area_px=minimum_area_px
        )
        return Prediction(labels, probability, self.card.is_overlapping)

    def cut(self, threshold: float | None = None) -> Cut:
        """The threshold that was chosen for it, unless another is given.

        A given one holds for each of the classes that overlap.

        Raises:
            SettingsError: one is given for several classes of which the likeliest is taken.
        """
        require_cut(self.card, threshold)
        if threshold is None:
            return self.threshold.cut
        return (threshold,) * self.card.output_channels if self.card.is_overlapping else threshold


def require_cut(card: ModelCard, threshold: float | None) -> None:
    """Refuse a threshold for a model that has no use for one.

    Raises:
        SettingsError: several classes, of which each pixel takes the likeliest.
    """
    if threshold is not None and len(card.classes) > 2 and not card.is_overlapping:
        raise SettingsError(
            "--threshold: a model of several classes takes the likeliest; leave the option out"
        )


def find_model_folder(path: Path) -> Path:
    """The model folder itself, or the one inside a run folder.

    Raises:
        LayoutError: neither; says what is missing.
    """
    for folder in (path, path / "model"):
        if (folder / CARD).is_file():
            return folder
    if not path.exists():
        raise LayoutError(f"{path}: no such folder; expected a run or a model folder")
    if (path / "checkpoints").is_dir():
        raise LayoutError(
            f"{path}: a run whose training has not finished, so it has no model yet; "
            f"finish it with `delineate train DATA --out {path} --resume`"
        )
    raise LayoutError(f"{path}: expected a run or a model folder with {CARD}; found none")


def read_card(path: Path) -> ModelCard:
    """The card of a run or model folder; needs no torch.

    Raises:
        LayoutError: no model there, or one without its weights.
        UnreadableFileError: a card that is damaged or of another version.
    """
    folder = find_model_folder(path)
    file = folder / CARD
    document = read_json(file, schema=SCHEMA)
    fields = {key: value for key, value in document.items() if key in ModelCard.model_fields}
    try:
        card = ModelCard.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UnreadableFileError(
            f"{file}: {where}: {first['msg']}; expected a model card of this version, so "
            "train or export the model again"
        ) from error
    if card.weights_sha256 is not None and not (folder / WEIGHTS).is_file():
        raise LayoutError(
            f"{folder}: {CARD} is here, but {WEIGHTS} is missing; copy the whole folder"
        )
    return card


def load_model(
    path: Path | str, *, device: str | None = None, threads: int | None = None, **predict: Any
) -> Model:
    """The model of a run or model folder, ready to predict.

    Further keyword arguments replace single prediction settings, such as `repeats="turns"`.

    Raises:
        LayoutError: no model there, or a classifier.
        UnreadableFileError: weights that are damaged or do not belong to the card.
        SettingsError: an architecture that this version does not know, or a wrong setting.
    """
    card, file = opened(Path(path), task="segment")
    if card.classical is not None:
        require_no_tiles(predict)
    settings = changed_settings(card.predict, predict)
    require_depth(card, settings.depth)
    if card.classical is not None:
        require_processor(device)
        segment = classical_segmenter(
            read_method(file.parent / CARD, card),
            card.preparation,
            settings,
            has_dark_surround=card.has_dark_surround,
            threads=threads,
        )
        return Model(card, segment, settings)
    from delineate.inference.weights import load_network

    one_pass = load_network(file, card, device=device, threads=threads, depth=settings.depth)
    segment = segmenter(
        one_pass,
        card.preparation,
        settings,
        card.stride_px,
        lost_px=card.lost_px,
        has_dark_surround=card.has_dark_surround,
        is_overlapping=card.is_overlapping,
    )
    return Model(card, segment, settings)


def opened(path: Path, *, task: Task) -> tuple[ModelCard, Path]:
    """The card of a run or model folder, and its weights, which are those of the card.

    A method without a network has none, and the file is not there.

    Raises:
        LayoutError: no model there, or one for the other task.
        UnreadableFileError: weights that do not belong to the card.
    """
    folder = find_model_folder(path)
    card = read_card(folder)
    if card.task != task:
        raise LayoutError(
            f"{folder}: expected {_KINDS[task]}, found {_KINDS[card.task]}; "
            f"open it with `{_LOADERS[card.task]}`"
        )
    file = folder / WEIGHTS
    if card.weights_sha256 is not None and sha256_of_file(file) != card.weights_sha256:
        raise UnreadableFileError(
            f"{file}: the weights are not those that {CARD} describes (their digest differs); "
            "copy the whole model folder again"
        )
    return card, file


def require_depth(card: ModelCard, depth: int | None) -> None:
    """Refuse a depth that the network of a card does not have.

    Raises:
        SettingsError: naming the depths there are.
    """
    if depth is not None and depth > len(card.depths):
        there = f"1 to {len(card.depths)}" if card.depths else "none"
        raise SettingsError(
            f"depth {depth}: expected a depth that this model can be pruned to, it has {there}; "
            "only networks of architecture unetpp with deep supervision have several"
        )


def changed_settings(settings: PredictSettings, changes: dict[str, Any]) -> PredictSettings:
    """The settings with some replaced by name.

    Raises:
        SettingsError: an unknown name, or a value that does not fit.
    """
    for name in changes:
        if name not in PredictSettings.model_fields:
            raise unknown_name("prediction setting", name, PredictSettings.model_fields)
    try:
        return PredictSettings.model_validate(settings.model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"{'.'.join(map(str, first['loc'])) or 'prediction settings'}: {first['msg']}"
        ) from error
