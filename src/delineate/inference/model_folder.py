"""A model folder: `model.safetensors`, `model.json`, `README.md`. Never a pickle.

A method without a network has no `model.safetensors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from delineate.core.checks import sha256_of_file
from delineate.core.errors import LayoutError, SettingsError, UnreadableFileError, unknown_name
from delineate.files.writing import read_json
from delineate.inference.about import About
from delineate.inference.model_card import SCHEMA, ModelCard, Task
from delineate.inference.settings import PredictSettings

WEIGHTS, CARD, PAGE = "model.safetensors", "model.json", "README.md"
_KINDS: dict[Task, str] = {
    "segment": "a segmentation model, which gives masks",
    "classify": "a classifier, which gives a verdict on the whole image",
}
_LOADERS: dict[Task, str] = {"segment": "load_model", "classify": "load_classifier"}


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
    if (path / "checkpoints").is_dir() or (path / "run.json").is_file():
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
    if outside := [name for name in About.model_fields if name in document]:
        raise UnreadableFileError(
            f"{file}: {outside[0]}: expected it inside of `about`; move it there"
        )
    fields = {key: value for key, value in document.items() if key in ModelCard.model_fields}
    try:
        card = ModelCard.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        remedy = "expected a model card of this version, so train or export the model again"
        if first["loc"][:1] == ("about",):
            remedy = f"`about` has {', '.join(About.model_fields)}; mend it there"
        said = first["msg"].removeprefix("Value error, ")
        raise UnreadableFileError(f"{file}: {where}: {said}; {remedy}") from error
    if card.weights_sha256 is not None and not (folder / WEIGHTS).is_file():
        raise LayoutError(
            f"{folder}: {CARD} is here, but {WEIGHTS} is missing; copy the whole folder"
        )
    return card


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
