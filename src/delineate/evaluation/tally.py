"""Counting, case by case, for every predictor, observer, region and class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SettingsError, SizeMismatchError
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, LabelClass, Labels, Mask
from delineate.evaluation.baselines import MeanTrainingMask
from delineate.evaluation.cases import (
    CaseFigures,
    Prediction,
    ScoredCase,
    answer,
    channel_count,
    highest_label,
)
from delineate.evaluation.objects import ObjectTally
from delineate.evaluation.records import (
    EMPTY,
    INSIDE,
    MEAN_MASK,
    MODEL,
    WHOLE,
    Confusion,
    observer_predictor,
)
from delineate.metrics.counts import Counts, confusion, count, one_against_rest
from delineate.metrics.levels import SomeRanking, at_levels
from delineate.metrics.ranking import Ranking, rank
from delineate.metrics.thresholds import Cut, decide

# The place, among classes, of what is counted of all of them together.
TOGETHER = 0


@dataclass(frozen=True)
class Comparison:
    """Who is compared with whom, and where."""

    predictor: str
    observer: str
    region: str


@dataclass
class Tally:
    """The figures of all cases: for each comparison, for each foreground class, a list.

    Of one foreground class the scores of all pixels are kept as float32 for the exact pooled
    rankings: 4 bytes for each pixel, observer and region, for the model and again for the mean
    training mask. Of several they are counted at levels: 64 KB at most for foreground and for
    background of each case, class, observer, region and predictor. Everything else is a few
    numbers a case. Classes that overlap are counted each by itself; of others `matrices` hold who
    was taken for whom, with failures in a last column.
    """

    classes: Sequence[LabelClass]
    threshold: Cut
    mean_training_mask: MeanTrainingMask | None
    is_overlapping: bool = False
    objects: ObjectTally | None = None
    matrices: dict[Comparison, NDArray[np.int64]] = field(default_factory=dict)
    figures: dict[Comparison, dict[int, list[CaseFigures]]] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    unscored: list[tuple[str, str]] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str | None] = field(default_factory=dict)
    observers: dict[str, None] = field(default_factory=dict)
    without_region: int = 0

    def add(self, case: ScoredCase) -> None:
        """Count one case for every predictor; its arrays can be forgotten afterwards.

        Raises:
            SettingsError: A truth holds classes that the model does not know, or the id
                came before.
            SizeMismatchError: Truths and region of the case differ in size.
        """
        if case.id in self.groups:
            raise SettingsError(f"case '{case.id}': expected each id once, found it again")
        self.groups[case.id] = case.group
        self.subjects[case.id] = case.subject
        self._check_truths(case)
        model = answer(case, self.classes, self.threshold, is_overlapping=self.is_overlapping)
        if self.objects is not None:
            self.objects.add(case, model)
        if isinstance(model, str):
            self.failures.append((case.id, model))
        if not case.truths:
            self.unscored.append((case.id, model if isinstance(model, str) else ""))
        self.without_region += case.region is None
        self.observers.update(dict.fromkeys(case.truths))
        for observer, truth in case.truths.items():
            for predictor, prediction in self._predictors(case, observer, truth, model):
                for region, area in _regions(case.region, truth):
                    there = Comparison(predictor, observer, region)
                    by_class = self.figures.setdefault(there, {})
                    for figures, index in self._count(case, truth, prediction, area, there):
                        by_class.setdefault(index, []).append(figures)

    def finish(self) -> None:
        """Say once all cases are in: failures among hard masks have nothing to rank either."""
        for by_class in self.figures.values():
            for index, figures in by_class.items():
                by_class[index] = ranked_alike(figures)

    def _predictors(
        self, case: ScoredCase, observer: str, truth: Labels, model: Prediction | str
    ) -> Iterator[tuple[str, Prediction | None]]:
        yield MODEL, model if isinstance(model, Prediction) else None
        reference = next(iter(self.observers))
        if observer == reference:
            for other, labels in case.truths.items():
                if other != reference:
                    yield observer_predictor(other), Prediction(labels, None)
        if self.mean_training_mask is not None:
            probability = self.mean_training_mask(truth.shape)
            labels = decide(probability, self.mean_training_mask.threshold)
            yield MEAN_MASK, Prediction(labels, probability)
        channels = channel_count(self.classes, is_overlapping=self.is_overlapping)
        nothing = np.broadcast_to(np.float32(0), (channels, *truth.shape))
        yield EMPTY, Prediction(np.zeros_like(truth), nothing)

    def _count(
        self,
        case: ScoredCase,
        truth: Labels,
        prediction: Prediction | None,
        area: Mask,
        there: Comparison,
    ) -> Iterator[tuple[CaseFigures, int]]:
        if prediction is None:
            yield from self._failed(case, truth[area], there)
            return
        # Where the other observer knows nothing there is nothing to compare.
        area = area & (prediction.labels != IGNORE)
        true, predicted = truth[area], prediction.labels[area]
        matrix = None if self.is_overlapping else confusion(true, predicted, len(self.classes))
        for index in range(1, len(self.classes)):
            is_true = self._is_class(true, index)
            channel = prediction.channel(index, is_overlapping=self.is_overlapping)
            ranking = _ranking(channel, is_true, area)
            scores = None
            if ranking is not None:
                scores = {
                    "roc_auc": ranking.roc_auc(),
                    "average_precision": ranking.average_precision(),
                }
            counts = (
                count(is_true, self._is_class(predicted, index))
                if matrix is None
                else one_against_rest(matrix, index)
            )
            pooled = self._to_pool(ranking)
            yield CaseFigures(case.id, case.group, counts, pooled, rankings=scores), index
        if matrix is not None:
            self._matrix(there)[:, :-1] += matrix
            right = int(np.trace(matrix))
            together = Counts(tp=right, fn=int(matrix.sum()) - right)
            yield CaseFigures(case.id, case.group, together, None), TOGETHER

    def _failed(
        self, case: ScoredCase, true: Labels, there: Comparison
    ) -> Iterator[tuple[CaseFigures, int]]:
        for index in range(1, len(self.classes)):
            missed = int(np.count_nonzero(self._is_class(true, index)))
            lowest = self._to_pool(
                Ranking(np.full(missed, -1, np.float32), np.empty(0, np.float32))
            )
            counts = Counts(fn=missed)
            yield CaseFigures(case.id, case.group, counts, lowest, is_failed=True), index
        if not self.is_overlapping:
            self._matrix(there)[:, -1] += np.bincount(true, minlength=len(self.classes))
            missed = int(np.count_nonzero(true))
            yield (
                CaseFigures(case.id, case.group, Counts(fn=missed), None, is_failed=True),
                TOGETHER,
            )

    def _to_pool(self, ranking: Ranking | None) -> SomeRanking | None:
        """What is kept of it: all of one foreground class, of several how many at each level."""
        return ranking if ranking is None or len(self.classes) == 2 else at_levels(ranking)

    def _is_class(self, labels: Labels, index: int) -> Mask:
        return is_class(labels, index, is_overlapping=self.is_overlapping)

    def _matrix(self, there: Comparison) -> NDArray[np.int64]:
        classes = len(self.classes)
        return self.matrices.setdefault(there, np.zeros((classes, classes + 1), np.int64))

    def confusions(self) -> tuple[Confusion, ...]:
        """Who was taken for whom by the model, for each observer and region."""
        return tuple(
            Confusion(
                there.observer,
                there.region,
                tuple(tuple(row) for row in matrix[:, :-1].tolist()),
                tuple(matrix[:, -1].tolist()),
            )
            for there, matrix in self.matrices.items()
            if there.predictor == MODEL
        )

    def _check_truths(self, case: ScoredCase) -> None:
        for observer, truth in case.truths.items():
            sizes = {"region": case.region, **case.truths}
            for name, other in sizes.items():
                if other is not None and other.shape != truth.shape:
                    raise SizeMismatchError(
                        f"case '{case.id}': expected the size of {observer} {truth.shape} "
                        f"everywhere, found {other.shape} for {name}"
                    )
            highest = int(np.where(truth == IGNORE, 0, truth).max(initial=0))
            most = highest_label(self.classes, is_overlapping=self.is_overlapping)
            if highest > most:
                raise SettingsError(
                    f"case '{case.id}': expected classes below {most + 1} from "
                    f"{observer}, found {highest}; check how the masks are decoded"
                )


def ranked_alike(figures: list[CaseFigures]) -> list[CaseFigures]:
    """The figures of one class, none of them with a ranking where no answered case has one."""
    answered = [one for one in figures if not one.is_failed]
    if answered and all(one.ranking is None for one in answered):
        return [replace(one, ranking=None) for one in figures]
    return figures


def _regions(region: Mask | None, truth: Labels) -> Iterator[tuple[str, Mask]]:
    known = truth != IGNORE
    if region is not None:
        yield INSIDE, known & region
    yield WHOLE, known


def _ranking(channel: NDArray[np.float32] | None, is_true: Mask, area: Mask) -> Ranking | None:
    if channel is None:
        return None
    if channel.strides == (0, 0) and channel.size:  # a constant: no memory for its copies
        positives = int(np.count_nonzero(is_true))
        value = channel.flat[0]
        return Ranking(
            np.broadcast_to(value, positives), np.broadcast_to(value, is_true.size - positives)
        )
    scores = channel[area]
    return rank(scores[is_true], scores[~is_true])
