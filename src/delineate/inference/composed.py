"""Models inside a model folder: the members whose mean counts, and the gate before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import LayoutError, UnreadableFileError
from delineate.inference.model_card import ModelCard
from delineate.inference.model_folder import CARD, read_card

# Names of folders, joined by slashes: no drive, no root, and no way up.
_INSIDE = re.compile(r"(?!\.+(/|$))[\w.+-]+(/(?!\.+(/|$))[\w.+-]+)*")


@dataclass(frozen=True)
class Parts:
    """The folders of the models inside a model folder."""

    members: tuple[Path, ...] = ()
    gate: Path | None = None


def parts_of(folder: Path, card: ModelCard) -> Parts:
    """The folders that a card names, each of which holds a card that fits it.

    Raises:
        LayoutError: one of them is missing.
        UnreadableFileError: a name that leads out of the folder or stands there twice, or a model
            that does not fit: of the other task, of other classes, or behind a gate of its own.
    """
    file = folder / CARD
    if len(set(card.members)) < len(card.members):
        raise _unfit(file, "names a member twice")
    members = tuple(_inside(folder, name) for name in card.members)
    for each in members:
        _require_member(file, card, each)
    if card.gate is None or card.gate.folder is None:
        return Parts(members)
    gate = _inside(folder, card.gate.folder)
    _require_gate(file, card, gate)
    return Parts(members, gate)


def names_of(card: ModelCard) -> Sequence[str]:
    """The folders, inside its own, of all models that a card names."""
    gate = None if card.gate is None else card.gate.folder
    return card.members if gate is None else (*card.members, gate)


def _inside(folder: Path, name: str) -> Path:
    """The folder of that name, which is inside and holds a model itself."""
    file, found = folder / CARD, folder / name
    # Links are followed, so that none of them leads out, or back to the model that names it.
    is_inside = _INSIDE.fullmatch(name) and folder.resolve() in found.resolve().parents
    if not is_inside:
        raise _unfit(file, f"names the model {name!r}, which is not a folder inside its own")
    if not (found / CARD).is_file():
        raise LayoutError(
            f"{file}: names the model {name!r}, but {found / CARD} is missing; copy the whole "
            "folder"
        )
    return found


def _require_member(file: Path, card: ModelCard, folder: Path) -> None:
    member = read_card(folder)
    if member.task != card.task:
        raise _unfit(file, f"is of the task {card.task}, its member {folder.name} of {member.task}")
    if _outputs(member) != _outputs(card):
        raise _unfit(
            file,
            f"has {_said(card)}, its member {folder.name} has {_said(member)}: they must agree",
        )
    if member.gate is not None and member.gate.kind == "classifier":
        raise _unfit(
            file, f"has the member {folder.name}, which has a gate of its own: only the whole may"
        )


def _require_gate(file: Path, card: ModelCard, folder: Path) -> None:
    gate = read_card(folder)
    if card.task == "classify" or gate.task != "classify":
        raise _unfit(
            file,
            f"is of the task {card.task}, with a gate of {gate.task}: expected a classifier "
            "before a segmentation model",
        )


def _outputs(card: ModelCard) -> tuple[object, ...]:
    """What channels of probability mean."""
    return card.is_overlapping, *((each.index, each.name) for each in card.classes)


def _said(card: ModelCard) -> str:
    names = ", ".join(each.name for each in card.classes)
    return f"{'overlapping classes' if card.is_overlapping else 'classes'} {names}"


def _unfit(file: Path, what: str) -> UnreadableFileError:
    return UnreadableFileError(f"{file}: {what}; copy the model folder again, or train anew")
