"""Two models on the same cases: the difference case by case, with its interval over subjects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from delineate.evaluation.case_table import UNDEFINED
from delineate.evaluation.pairing import Difference, paired_difference
from delineate.evaluation.records import Evaluation
from delineate.metrics.intervals import Interval
from delineate.report.paired_cells import said

SCORE = "dice"


@dataclass(frozen=True)
class Paired:
    """Mean Dice per image of both models on the cases that both were scored on."""

    cases: int
    first: float
    second: float
    interval: Interval

    @property
    def difference(self) -> Difference:
        """The second's mean less the first's."""
        return Difference(self.second - self.first, self.interval)

    def __str__(self) -> str:
        """Both means, and what can be said of their difference."""
        difference = said(self.difference.to_document())
        return f"{self.first:.3f} and {self.second:.3f}, difference {difference}"


def paired(
    first: Evaluation, second: Evaluation, *, without: Collection[str], seed: int
) -> Paired | None:
    """The comparison over all cases but those left out; None where no case remains.

    Scores are those of cases.csv, against the observer and in the region of reference; cases
    whose score is undefined for either model are left out.
    """
    one, other = _scores(first), _scores(second)
    ids = [id_ for id_ in one if id_ in other and id_ not in without]
    if not ids:
        return None
    before = np.array([one[id_][1] for id_ in ids])
    after = np.array([other[id_][1] for id_ in ids])
    found = paired_difference(after, before, [one[id_][0] for id_ in ids], seed=seed)
    return Paired(len(ids), float(before.mean()), float(after.mean()), found.interval)


def _scores(scores: Evaluation) -> dict[str, tuple[str, float]]:
    """Case -> its subject, or its own id, and its Dice."""
    header, rows = scores.case_rows()
    column = {name: place for place, name in enumerate(header)}
    wanted = (scores.observers[0], scores.reference_region)
    return {
        str(row[column["id"]]): (
            str(row[column["subject"]] or row[column["id"]]),
            float(row[column[SCORE]]),
        )
        for row in rows
        if (row[column["observer"]], row[column["region"]]) == wanted
        and row[column[SCORE]] != UNDEFINED
    }
