"""What is said of each image by the models that never saw it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from delineate.core.errors import LayoutError
from delineate.core.progress import Progress, track
from delineate.core.types import Probability
from delineate.data.sample import Dataset, Sample
from delineate.data.tables import read_table
from delineate.files.image_files import read_image
from delineate.files.mask_files import read_probability, write_probability
from delineate.files.writing import write_csv
from delineate.inference.classifier import load_classifier
from delineate.inference.looking import mean_look
from delineate.inference.model import load_model
from delineate.inference.model_card import ModelCard
from delineate.workflows.scoring import file_name

# The folder of predictions and scores, by whether there are folds or only seeds.
OUT_OF_FOLD, VALIDATED = "out_of_fold", "validation"
TABLE = "out_of_fold.csv"
HEADER = ("id", "subject", "fold", "presence")


@dataclass(frozen=True)
class OutOfFold:
    """One image, and the mean over the seeds of its fold's members, none of which learnt from it.

    `maps` are files of 16 bits with the probability of each pixel, one a channel; none of a
    classifier. `presence` is the probability that there is something to find, of a classifier or
    of a segmenter's own head; None of a segmenter without one.
    """

    id: str
    subject: str | None
    fold: int
    maps: tuple[Path, ...]
    presence: float | None

    @property
    def probability(self) -> Probability:
        """(C, H, W) probability as its maps hold it."""
        return np.stack([read_probability(file) for file in self.maps])


def predicted(
    models: Sequence[Path],
    samples: Sequence[Sample],
    folder: Path,
    *,
    fold: int,
    device: str,
    threads: int,
    progress: Progress,
) -> Iterator[OutOfFold]:
    """What the mean of some models, given by their folders, says of images; maps are written.

    Raises:
        DelineateError: an image that cannot be read, or a folder that cannot be written.
    """
    seen = track(samples, f"predict fold {fold}", progress)
    loaded = [load_model(each, device=device, threads=threads) for each in models]
    look, card = mean_look([each.look for each in loaded]), loaded[0].card
    for sample in seen:
        (found,) = look([read_image(sample.image)])
        maps = map_files(folder, sample.id, card)
        for file, channel in zip(maps, found.probability, strict=True):
            # Means and sums of channels may round above 1.
            write_probability(file, np.clip(channel, 0, 1))
        yield OutOfFold(sample.id, sample.subject, fold, maps, found.presence)


def classified(
    models: Sequence[Path],
    samples: Sequence[Sample],
    *,
    fold: int,
    device: str,
    threads: int,
    progress: Progress,
) -> Iterator[OutOfFold]:
    """What the mean of some classifiers, given by their folders, says of images.

    Raises:
        DelineateError: an image that cannot be read.
    """
    seen = track(samples, f"classify fold {fold}", progress)
    loaded = [load_classifier(each, device=device, threads=threads) for each in models]
    for sample in seen:
        image = read_image(sample.image)
        presence = float(np.mean([each.probability(image) for each in loaded]))
        yield OutOfFold(sample.id, sample.subject, fold, (), presence)


def map_files(folder: Path, id_: str, card: ModelCard) -> tuple[Path, ...]:
    """The files of a case's maps, named as `predict --probabilities` names them."""
    stem = file_name(id_)
    if card.output_channels == 1:
        return (folder / f"{stem}_prob.png",)
    # Classes that overlap have no channel of background.
    first = 1 if card.is_overlapping else 0
    return tuple(folder / f"{stem}_prob_{first + at}.png" for at in range(card.output_channels))


def require_own_names(dataset: Dataset, samples: Sequence[Sample]) -> None:
    """Refuse images whose predictions would be written to one file.

    Raises:
        LayoutError: naming them.
    """
    names = Counter(file_name(sample.id) for sample in samples)
    for sample in samples:
        if names[file_name(sample.id)] > 1:
            raise LayoutError(
                f"{dataset.root}: the id {sample.id} and another would both be written as "
                f"{file_name(sample.id)}.png; give them other ids with a manifest CSV"
            )


def write_out_of_fold(path: Path, cases: Sequence[OutOfFold]) -> None:
    """A CSV with a row for each image; every bit of the probabilities is kept."""
    rows = [(case.id, case.subject or "", case.fold, _text(case.presence)) for case in cases]
    write_csv(path, HEADER, rows)


def read_out_of_fold(path: Path, card: ModelCard) -> tuple[OutOfFold, ...]:
    """The table that `write_out_of_fold` wrote, with the maps beside it; nothing without a table.

    Raises:
        LayoutError: columns missing, or cells that are no numbers.
    """
    if not path.is_file():
        return ()
    cases = []
    for number, row in read_table(path, required=HEADER):
        try:
            fold, presence = int(row["fold"]), float(row["presence"]) if row["presence"] else None
        except ValueError as error:
            raise LayoutError(f"{path}, row {number}: {error}; train anew") from error
        maps = () if card.task == "classify" else map_files(path.parent, row["id"], card)
        cases.append(OutOfFold(row["id"], row["subject"] or None, fold, maps, presence))
    return tuple(cases)


def _text(presence: float | None) -> str:
    return "" if presence is None else repr(presence)
