"""Several models into one model folder: the members whose mean counts, and a gate."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from delineate.files.writing import atomic_write, cannot_write, write_json, write_text
from delineate.inference.composed import names_of, parts_of
from delineate.inference.model_card import SCHEMA, ModelCard
from delineate.inference.model_folder import CARD, PAGE, WEIGHTS, find_model_folder, read_card


def write_composed(
    folder: Path,
    card: ModelCard,
    *,
    members: Mapping[str, Path],
    gate: Path | None = None,
    page: str,
) -> None:
    """Write a model folder of whole models: those of the members and the gate, page and card.

    `members` goes from the names in the card to the run or model folders to take; `gate` is that
    of the classifier that the card names. What stood in their places is replaced. Weights take
    no room twice where the file system can have one file in two folders.

    Raises:
        LayoutError: a folder without a model.
        UnreadableFileError: a model that does not fit the card.
        CannotWriteError: the folder cannot be written.
    """
    sources = dict(members)
    if card.gate is not None and card.gate.folder is not None and gate is not None:
        sources[card.gate.folder] = gate
    if set(sources) != set(names_of(card)):
        raise ValueError(f"expected the models {names_of(card)}, found {sorted(sources)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD).unlink(missing_ok=True)
        for name, source in sources.items():
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
            _copy(find_model_folder(source), folder / name)
    except OSError as error:
        raise cannot_write(folder, error) from error
    parts_of(folder, card)
    write_text(folder / PAGE, page)
    # The card comes last: a folder with a card is a whole model.
    write_json(folder / CARD, card.model_dump(mode="json"), schema=SCHEMA)


def _copy(source: Path, target: Path) -> None:
    """Copy what makes a model, and nothing that lies beside it."""
    card = read_card(source)
    parts_of(source, card)
    target.mkdir(parents=True)
    for name in names_of(card):
        _copy(source / name, target / name)
    for name in (WEIGHTS, PAGE, CARD):
        if (source / name).is_file():
            _copy_file(source / name, target / name)


def _copy_file(source: Path, target: Path) -> None:
    """Weights, which are only ever replaced and never changed, as one file in two folders."""
    with atomic_write(target) as draft:
        if source.name == WEIGHTS:
            try:
                os.link(source, draft)
            except OSError:
                pass  # another disk, or a file system without links
            else:
                return
        shutil.copyfile(source, draft)
