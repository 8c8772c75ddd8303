"""Dice case by case, of one run and of the mean over several: what a board compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import LayoutError
from delineate.data.tables import read_table
from delineate.evaluation.case_table import FIXED, UNDEFINED
from delineate.metrics.intervals import Interval, bootstrap_pooled

Floats = NDArray[np.float64]
_DICE, _TRUTH, _PREDICTION = "dice", "truth_area_px", "prediction_area_px"


@dataclass(frozen=True)
class CaseScores:
    """The cases of one scoring against one observer in one region, a row each.

    `dice` (n, K) of K foreground classes, NaN where it is undefined; areas (n, K) in pixels, that
    of a prediction 0 where a case failed.
    """

    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    dice: Floats
    truth_px: Floats
    prediction_px: Floats

    def of_case(self) -> Floats:
        """(n,) means over the classes that have a value; NaN where none has."""
        return _row_means(self.dice)

    def answers_same(self, other: CaseScores) -> bool:
        """Whether both were held against the same truths of the same cases."""
        return self.ids == other.ids and np.array_equal(self.truth_px, other.truth_px)


def read_case_scores(path: Path, *, observer: str, region: str) -> CaseScores:
    """The rows of a cases.csv that speak of this observer and region, in order of ids.

    A case without a known subject is a subject of its own.

    Raises:
        LayoutError: no such table, or not one of cases.
    """
    rows = [
        row
        for _, row in read_table(path, required=FIXED)
        if (row["observer"], row["region"]) == (observer, region)
    ]
    if not rows:
        raise LayoutError(
            f"{path}: expected cases scored against {observer}, {region}, found none; "
            "evaluate again"
        )
    rows.sort(key=lambda row: row["id"])
    return CaseScores(
        ids=tuple(row["id"] for row in rows),
        subjects=tuple(row["subject"] or row["id"] for row in rows),
        dice=_columns(rows, _DICE, np.nan),
        truth_px=_columns(rows, _TRUTH, 0.0),
        prediction_px=_columns(rows, _PREDICTION, 0.0),
    )


def mean_of_cases(runs: Sequence[CaseScores]) -> Floats:
    """(n,) means over runs of each case, over those where it has a value."""
    return _row_means(np.stack([run.of_case() for run in runs], axis=1))


def interval_per_image(runs: Sequence[CaseScores], *, seed: int) -> Interval:
    """The interval over subjects of the mean Dice per image, itself the mean over runs."""
    dice = np.concatenate([run.dice for run in runs], axis=1)  # n, runs x K
    has_value = np.isfinite(dice)
    return bootstrap_pooled(np.where(has_value, dice, 0.0), has_value, runs[0].subjects, seed=seed)


def interval_pooled(runs: Sequence[CaseScores], *, seed: int) -> Interval:
    """The interval over subjects of the Dice of all pixels pooled, itself the mean over runs."""
    both = [run.truth_px + run.prediction_px for run in runs]
    # Pixels are whole: twice those in both masks come back exactly from the Dice of a case.
    hits = [
        np.rint(np.where(each > 0, np.nan_to_num(run.dice), 0.0) * each)
        for run, each in zip(runs, both, strict=True)
    ]
    above, below = np.concatenate(hits, axis=1), np.concatenate(both, axis=1)
    return bootstrap_pooled(above, below, runs[0].subjects, seed=seed)


def _columns(rows: Sequence[dict[str, str]], name: str, missing: float) -> Floats:
    """(n, K) values of a column, one a class; those without a value as `missing`."""
    names = [column for column in rows[0] if column.rpartition(": ")[2] == name]
    values = [
        [missing if row[each] == UNDEFINED else float(row[each]) for each in names] for row in rows
    ]
    return np.array(values, np.float64).reshape(len(rows), len(names))


def _row_means(values: Floats) -> Floats:
    """(n,) means of the finite values of each row; NaN where there is none."""
    has_value = np.isfinite(values)
    counts = has_value.sum(axis=1)
    sums = np.where(has_value, values, 0.0).sum(axis=1)
    means: Floats = np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
    return means
