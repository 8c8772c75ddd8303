"""What is said of each image by the models that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from delineate.files.writing import write_csv

FOLDER, TABLE = "out_of_fold", "out_of_fold.csv"
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


def write_out_of_fold(path: Path, cases: tuple[OutOfFold, ...]) -> None:
    """A CSV with a row for each image; repr keeps every bit of the probabilities."""
    write_csv(
        path,
        HEADER,
        [
            (
                each.id,
                each.subject or "",
                each.fold,
                "" if each.presence is None else repr(each.presence),
            )
            for each in cases
        ],
    )
