"""One row a case, observer and region, for cases.csv; failures are rows, never absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from delineate.evaluation.aggregation import SCORES
from delineate.evaluation.cases import CaseFigures
from delineate.evaluation.records import ALL_CLASSES, MODEL, PIXEL_ACCURACY, CaseTable
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.tally import TOGETHER, Tally

Row = tuple[str | int | float, ...]
UNDEFINED = "undefined"
FIXED = ("id", "subject", "status", "failure", "observer", "region")


def case_table(tally: Tally, settings: EvaluationSettings) -> CaseTable:
    """The model's scores case by case, in the order in which the cases came.

    The mean of a score's column over the rows of an observer and region that hold a number
    is the mean per image that the evaluation reports: a failed case has 0 in every score.
    A case without any truth has one row, with the status `no truth`.
    """
    failures, unscored = dict(tally.failures), dict(tally.unscored)
    names = ("truth_area_px", "prediction_area_px", *SCORES)
    several = len(tally.classes) > 2
    header = FIXED + tuple(
        f"{label_class.name}: {name}" if several else name
        for label_class in tally.classes[1:]
        for name in names
    )
    indices = [one.index for one in tally.classes[1:]]
    if several and not tally.is_overlapping:
        header += (f"{ALL_CLASSES}: {PIXEL_ACCURACY}",)
        indices.append(TOGETHER)
    place = {id_: at for at, id_ in enumerate(tally.groups)}
    rows: list[Row] = [
        (id_, tally.subjects[id_] or "", "no truth", failure, "", "")
        + (UNDEFINED,) * (len(header) - len(FIXED))
        for id_, failure in unscored.items()
    ]
    for comparison, by_class in tally.figures.items():
        if comparison.predictor != MODEL:
            continue
        for figures in zip(*(by_class[index] for index in indices), strict=True):
            id_ = figures[0].id
            status = "failed" if figures[0].is_failed else "scored"
            where = (comparison.observer, comparison.region)
            start = (id_, tally.subjects[id_] or "", status, failures.get(id_, ""), *where)
            cells = _cells(figures[: len(tally.classes) - 1], settings.when_both_empty)
            together = (_cell(one, "accuracy", None) for one in figures[len(tally.classes) - 1 :])
            rows.append((*start, *cells, *together))
    return CaseTable(header, tuple(sorted(rows, key=lambda row: place[str(row[0])])))


def _cells(
    figures: Sequence[CaseFigures], when_both_empty: float | None
) -> Iterator[str | int | float]:
    for one in figures:  # of each class
        yield one.counts.truth_px
        yield UNDEFINED if one.is_failed else one.counts.prediction_px
        for name in SCORES:
            yield _cell(one, name, when_both_empty)


def _cell(one: CaseFigures, name: str, when_both_empty: float | None) -> str | float:
    value = one.score(name, when_both_empty).value
    return UNDEFINED if value is None else value
