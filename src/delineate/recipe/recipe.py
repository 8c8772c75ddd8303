"""A recipe: everything that decides what a training does, as strict TOML."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import tomlkit
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    model_validator,
)
from tomlkit.exceptions import TOMLKitError

from delineate.augment.settings import AugmentSettings
from delineate.core.errors import SettingsError, unknown_name
from delineate.inference.settings import PredictSettings, PrepareSettings
from delineate.losses.settings import LossTerm, LossTerms
from delineate.models.settings import IMAGENET, RANDOM, ModelSettings
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.training.settings import (
    WATCHED_BY_TASK,
    PatchSettings,
    TrainSettings,
    ValidationSettings,
)

DEFAULT = "general"
# The section by which a recipe without a network is known.
CLASSICAL = "classical"

Task = Literal["segment", "classify"]


_CLASSICAL_SECTIONS = ClassicalRecipe.model_fields.keys()


class Recipe(BaseModel):
    """One section a stage, in the order in which the data meets them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    task: Task = "segment"
    prepare: PrepareSettings = PrepareSettings()
    patches: PatchSettings = PatchSettings()
    augment: AugmentSettings = AugmentSettings()
    model: ModelSettings = ModelSettings()
    loss: LossTerms = {"cross_entropy": LossTerm(), "dice": LossTerm()}
    train: TrainSettings = TrainSettings()
    validation: ValidationSettings = ValidationSettings()
    predict: PredictSettings = PredictSettings()

    @model_validator(mode="before")
    @classmethod
    def _suits_task(cls, given: Any) -> Any:
        """Loss and metric of a recipe that is to classify, where it names none."""
        if not isinstance(given, dict) or given.get("task") != "classify":
            return given
        validation = given.get("validation", {})
        if isinstance(validation, dict):
            validation = {"metric": "roc_auc"} | validation
        return {"loss": {"cross_entropy": 1.0}} | given | {"validation": validation}

    @model_validator(mode="after")
    def _watched_fits_task(self) -> Recipe:
        watched = self.validation.metric
        known = WATCHED_BY_TASK[self.task]
        if watched not in known:
            raise ValueError(
                f"validation.metric: a recipe that is to {self.task} watches one of "
                f"{', '.join(known)}; found {watched}"
            )
        return self

    @model_validator(mode="after")
    def _learns_every_depth(self) -> Recipe:
        if self.predict.depth is not None:
            raise ValueError(
                "predict.depth: every depth is trained, and one is chosen when predicting, with "
                f"--depth; found {self.predict.depth}, leave it out"
            )
        return self

    @model_validator(mode="after")
    def _sees_whole_images(self) -> Recipe:
        if self.task == "segment":
            return self
        if self.model.presence_head:
            raise ValueError(
                "model.presence_head: a recipe that is to classify says nothing else but whether "
                "anything is there; leave it out"
            )
        if self.patches.foreground_share:
            raise ValueError(
                "patches.foreground_share: a recipe that is to classify sees whole images; "
                f"expected 0, found {self.patches.foreground_share:g}"
            )
        if self.prepare.size_px != self.patches.size_px:
            raise ValueError(
                "prepare.size_px: a recipe that is to classify brings every image to the size of "
                f"a patch, {list(self.patches.size_px)}; found {self.prepare.size_px}"
            )
        return self


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    folder = files("delineate.recipe") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load_recipe(
    name_or_file: str = DEFAULT, changes: tuple[str, ...] = ()
) -> Recipe | ClassicalRecipe:
    """A recipe by its name or from a TOML file, with `key=value` changes such as `train.batch=4`.

    One with a section `classical` has no network, and none of the sections of networks.
    A file of `model.encoder_weights` is found from the folder of the TOML file, or where it is a
    change, from the working directory; the recipe holds its whole path.

    Raises:
        SettingsError: an unknown recipe, section or setting (the nearest is proposed), or a
            value that does not fit.
    """
    is_file = name_or_file.endswith(".toml") or "/" in name_or_file
    if is_file:
        where, text = name_or_file, _read(Path(name_or_file))
    elif name_or_file in recipe_names():
        where = f"recipe '{name_or_file}'"
        text = (files("delineate.recipe") / "recipes" / f"{name_or_file}.toml").read_text("utf-8")
    else:
        raise unknown_name("recipe", name_or_file, recipe_names())
    try:
        document = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise SettingsError(f"{where}: expected TOML; {error}") from error
    if is_file:
        _find_weights(document, Path(name_or_file).parent)
    for change in changes:
        _apply(change, document)
    _find_weights(document, Path())
    return _validated(document, where)


def _find_weights(document: dict[str, Any], folder: Path) -> None:
    """Give weights that are a file their whole path, so that they are found from any folder."""
    model = document.get("model")
    weights = model.get("encoder_weights") if isinstance(model, dict) else None
    if isinstance(weights, str) and weights not in (IMAGENET, RANDOM):
        document["model"]["encoder_weights"] = str((folder / weights).resolve())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: cannot be read as a recipe ({error}); give a TOML file or one of "
            + ", ".join(recipe_names())
        ) from error


def recipe_text(recipe: Recipe | ClassicalRecipe) -> str:
    """The recipe as TOML that `load_recipe` reads back to an equal one."""
    return tomlkit.dumps(recipe.model_dump(mode="json", exclude_none=True))


def _apply(change: str, document: dict[str, Any]) -> None:
    key, equals, text = change.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise SettingsError(
            f"--set {change}: expected section.setting=value, such as train.batch=4"
        )
    here = document
    for name in path[:-1]:
        here = here.setdefault(name, {})
        if not isinstance(here, dict):
            raise SettingsError(f"--set {change}: '{name}' is a value, not a section")
    here[path[-1]] = _value(text.strip())


def _value(text: str) -> Any:
    """The value as TOML reads it; a bare word is a string, `none` is no value."""
    if text.lower() == "none":
        return None
    try:
        return tomlkit.parse(f"value = {text}").unwrap()["value"]
    except TOMLKitError:
        return text


def _validated(document: dict[str, Any], where: str) -> Recipe | ClassicalRecipe:
    kind: type[Recipe] | type[ClassicalRecipe] = Recipe
    if CLASSICAL in document:
        _refuse_sections_of_networks(document, where)
        kind = ClassicalRecipe
    _check_names(document, kind, (), kind)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ": ".join([where, ".".join(str(part) for part in first["loc"])]).rstrip(": ")
        if first["type"] == "value_error":  # one of ours, which says what was found
            raise SettingsError(f"{where}: {first['ctx']['error']}; see docs/recipes.md") from error
        found = f", found {first['input']!r}" if first["type"] != "missing" else ""
        raise SettingsError(f"{where}: {first['msg']}{found}; see docs/recipes.md") from error


def _refuse_sections_of_networks(document: dict[str, Any], where: str) -> None:
    """Say of settings that only a network has what there is instead."""
    only = [name for name in document if name in Recipe.model_fields.keys() - _CLASSICAL_SECTIONS]
    only += [
        f"{section}.{name}"
        for section in ("validation", "predict")
        if isinstance(document.get(section), dict)
        for name in document[section]
        if name in _fields(Recipe, section) and name not in _fields(ClassicalRecipe, section)
    ]
    if only:
        raise SettingsError(
            f"{where}: {', '.join(only)}: only a network has a use for it, and a recipe with a "
            f"section [{CLASSICAL}] has none; leave it out"
        )


def _fields(model: type[BaseModel], section: str) -> dict[str, Any]:
    annotation = model.model_fields[section].annotation
    assert isinstance(annotation, type)  # every section is a model of its own
    assert issubclass(annotation, BaseModel)
    return dict(annotation.model_fields)


def _check_names(
    document: dict[str, Any],
    model: type[BaseModel],
    path: tuple[str, ...],
    kind: type[BaseModel],
) -> None:
    """Unknown names get the nearest known one proposed, at any depth."""
    for name, value in document.items():
        if name not in model.model_fields:
            shown = ".".join((*path, name))
            if elsewhere := _same_name_elsewhere(name, kind):
                meant = " or ".join(f"'{each}'" for each in elsewhere)
                raise SettingsError(f"unknown setting '{shown}'; did you mean {meant}?")
            known = [".".join((*path, each)) for each in model.model_fields]
            raise unknown_name("setting", shown, known)
        annotation = model.model_fields[name].annotation
        if get_origin(annotation) is dict:  # names of losses, not of settings
            continue
        candidates = [annotation, *get_args(annotation)]
        for inner in candidates:
            if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, dict):
                _check_names(value, inner, (*path, name), kind)


def _same_name_elsewhere(name: str, kind: type[BaseModel]) -> list[str]:
    """Settings of that very name in other sections: `batch` is `train.batch`."""
    return [
        f"{section}.{name}"
        for section, field in kind.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        and name in field.annotation.model_fields
    ]
