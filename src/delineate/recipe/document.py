"""A recipe as TOML before it is checked: changes, paths and names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import tomlkit
from pydantic import BaseModel
from tomlkit.exceptions import TOMLKitError

from delineate.core.errors import SettingsError, unknown_name
from delineate.models.settings import IMAGENET, RANDOM, SEGMENTER

Document = dict[str, Any]


def parsed(text: str, where: str) -> Document:
    """TOML as plain dictionaries.

    Raises:
        SettingsError: something else.
    """
    try:
        return tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise SettingsError(f"{where}: expected TOML; {error}") from error


def find_weights(document: Document, folder: Path) -> None:
    """Give weights that are a file their whole path, so that they are found from any folder."""
    model = document.get("model")
    weights = model.get("encoder_weights") if isinstance(model, dict) else None
    if isinstance(weights, str) and weights not in (IMAGENET, RANDOM, SEGMENTER):
        document["model"]["encoder_weights"] = str((folder / weights).resolve())


def apply_change(change: str, document: Document) -> None:
    """Set what `section.setting=value` says.

    Raises:
        SettingsError: it says something else, or names a section where a value is.
    """
    path, text = change_parts(change)
    here = document
    for name in path[:-1]:
        here = here.setdefault(name, {})
        if not isinstance(here, dict):
            raise SettingsError(f"--set {change}: '{name}' is a value, not a section")
    here[path[-1]] = _value(text)


def change_parts(change: str) -> tuple[list[str], str]:
    """The names of `section.setting=value`, and the value as text.

    Raises:
        SettingsError: it says something else.
    """
    key, equals, text = change.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise SettingsError(
            f"--set {change}: expected section.setting=value, such as train.batch=4"
        )
    return path, text.strip()


def _value(text: str) -> Any:
    """The value as TOML reads it; a bare word is a string, `none` is no value."""
    if text.lower() == "none":
        return None
    try:
        return tomlkit.parse(f"value = {text}").unwrap()["value"]
    except TOMLKitError:
        return text


def check_names(document: Document, kind: type[BaseModel]) -> None:
    """Refuse names that a kind of recipe does not know, and propose the nearest, at any depth.

    Raises:
        SettingsError: naming the first of them.
    """
    _check_names(document, kind, (), kind)


def _check_names(
    document: Document,
    model: type[BaseModel],
    path: tuple[str, ...],
    kind: type[BaseModel],
) -> None:
    for name, value in document.items():
        if name not in model.model_fields:
            shown = ".".join((*path, name))
            if elsewhere := _same_name_elsewhere(name, path, kind):
                meant = " or ".join(f"'{each}'" for each in elsewhere)
                raise SettingsError(f"unknown setting '{shown}'; did you mean {meant}?")
            known = [".".join((*path, each)) for each in model.model_fields]
            raise unknown_name("setting", shown, known)
        if isinstance(value, dict):
            for inner in _sections_of(model.model_fields[name].annotation):
                _check_names(value, inner, (*path, name), kind)


def _same_name_elsewhere(name: str, path: tuple[str, ...], kind: type[BaseModel]) -> list[str]:
    """Settings of that very name, those nearest to where it stands: `batch` is `train.batch`."""
    places = [each for each in _settings(kind) if each[-1] == name]
    for length in range(len(path), -1, -1):
        if near := [".".join(each) for each in places if each[:length] == path[:length]]:
            return near
    return []


def _settings(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where every section and setting of a kind of recipe stands."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        for inner in _sections_of(field.annotation):
            yield from _settings(inner, (*path, name))


def _sections_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings that a field holds; none of a dict, whose keys are no settings."""
    if get_origin(annotation) is dict:
        return
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            yield each
