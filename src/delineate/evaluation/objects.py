"""Objects of each class: average precision as COCO counts it, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, DrawnObject, LabelClass, Labels, Mask
from delineate.evaluation.cases import Prediction, ScoredCase
from delineate.evaluation.records import (
    CLASS_MEAN,
    INSIDE,
    MODEL,
    PER_IMAGE,
    POOLED,
    WHOLE,
    CaseTable,
    ObjectFigures,
    ScoreRecord,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.metrics.intervals import Interval, bootstrap_pooled
from delineate.metrics.objects import (
    COCO_RULE,
    MATCH_IOU,
    MOST_OBJECTS,
    EncodedObject,
    Matches,
    ObjectCase,
    coco_scores,
    components,
    encoded,
    matches,
)
from delineate.metrics.score import Score, undefined

COMPONENTS = "connected components (8 neighbours) of each class"
INSTANCES = "the single objects of the data set"
RANKED = "ranked over all cases"
NO_INTERVAL = "no interval: objects of all cases are ranked together"
HARD_SCORES = (
    "objects of hard masks all have the score 1: nothing ranks them, so that average precision is "
    "that of one order among many; object precision and object recall do not depend on it"
)
MODEL_SCORES = "the score of a predicted object is its mean probability"
# How objects found, missed and false become a figure: above and below the line.
_RATIOS = {
    "object_precision": ((1, 0, 0), (1, 0, 1), "no object is predicted"),
    "object_recall": ((1, 0, 0), (1, 1, 0), "the truth holds no object"),
    "object_f1": ((2, 0, 0), (2, 1, 1), "truth and prediction hold no object"),
}
_MATCH_RULE = f"an object is found where one of the other side covers it with IoU >= {MATCH_IOU}"
_COUNT_RULES = {
    "object_count_error": "predicted objects minus true objects of an image",
    "object_count_absolute_error": "the same without its sign",
}
_HEADER = (
    "id", "subject", "observer", "label_class", "truth_objects", "predicted_objects",
    "found", "missed", "false", "count_error",
)  # fmt: skip


@dataclass(frozen=True)
class _Counted:
    """The objects of one case against one observer."""

    id: str
    subject: str | None
    group: str
    is_failed: bool
    objects: ObjectCase
    matches: dict[int, Matches]


@dataclass
class ObjectTally:
    """Collects the objects of the model and of each observer, as run lengths.

    True objects are those that a case brings, else the connected components of its labels;
    predicted ones are always components. Both are cut to the pixels that count, inside the
    region where a case has one.
    """

    classes: Sequence[LabelClass]
    is_overlapping: bool = False
    has_instances: bool = False
    counted: dict[str, list[_Counted]] = field(default_factory=dict)
    is_ranked: bool = False
    has_region: bool = False

    def add(self, case: ScoredCase, model: Prediction | str) -> None:
        """Count the objects of one case; a failed case has found none of them."""
        self.has_region |= case.region is not None
        answer = model if isinstance(model, Prediction) else None
        self.is_ranked |= answer is not None and answer.probability is not None
        for observer, labels in case.truths.items():
            area = labels != IGNORE
            if case.region is not None:
                area = area & case.region
            objects = ObjectCase(
                list(self._truth(labels, case.objects.get(observer), area)),
                [] if answer is None else list(self._predicted(answer, area)),
            )
            of_class = {
                index: matches(
                    [one for one in objects.truth if one.label == index],
                    [one for one in objects.predicted if one.label == index],
                )
                for index in range(1, len(self.classes))
            }
            row = _Counted(case.id, case.subject, case.group, answer is None, objects, of_class)
            self.counted.setdefault(observer, []).append(row)

    def figures(self, settings: EvaluationSettings) -> ObjectFigures:
        """Every record, of each class and of their mean, against each observer."""
        records = [
            record
            for observer, cases in self.counted.items()
            for record in self._records(observer, cases, settings)
        ]
        return ObjectFigures(tuple(records), tuple(self._rules()), self._table())

    def _truth(
        self, labels: Labels, drawn: Sequence[DrawnObject] | None, area: Mask
    ) -> Iterator[EncodedObject]:
        if drawn is None:
            yield from self._components(labels, None, area)
            return
        for one in drawn:
            inside = one.mask & area
            if 0 < one.label < len(self.classes) and inside.any():
                yield EncodedObject(one.label, encoded(inside), is_crowd=one.is_crowd)

    def _predicted(self, answer: Prediction, area: Mask) -> Iterator[EncodedObject]:
        yield from self._components(answer.labels, answer, area)

    def _components(
        self, labels: Labels, answer: Prediction | None, area: Mask
    ) -> Iterator[EncodedObject]:
        for index in range(1, len(self.classes)):
            mask = is_class(labels, index, is_overlapping=self.is_overlapping) & area
            if mask.any():
                probability = None
                if answer is not None:
                    probability = answer.channel(index, is_overlapping=self.is_overlapping)
                yield from components(mask, index, probability)

    def _records(
        self, observer: str, cases: list[_Counted], settings: EvaluationSettings
    ) -> Iterator[ScoreRecord]:
        names = [one.name for one in self.classes[1:]]
        indices = list(range(1, len(self.classes)))
        groups = [(name, [index]) for name, index in zip(names, indices, strict=True)]
        if len(names) > 1:
            groups.append((CLASS_MEAN, indices))
        ranked = coco_scores([one.objects for one in cases], indices)
        writer = _Writer(observer, INSIDE if self.has_region else WHOLE, cases, settings)
        for name, chosen in groups:
            for score, field_name in _RANKED_SCORES.items():
                of_classes = [getattr(ranked[index], field_name) for index in chosen]
                yield writer.ranked(score, name, of_classes)
            for score in _RATIOS:
                yield writer.ratio(score, name, chosen)
            for score in _COUNT_RULES:
                yield writer.count_error(score, name, chosen)

    def _rules(self) -> Iterator[str]:
        truth = INSTANCES if self.has_instances else COMPONENTS
        yield f"true objects are {truth}, predicted ones are {COMPONENTS}"
        yield MODEL_SCORES if self.is_ranked else HARD_SCORES
        yield f"average precision and recall: {COCO_RULE}; crowds count for nothing (pycocotools)"
        most = max(
            (
                sum(one.label == index for one in case.objects.truth)
                for cases in self.counted.values()
                for case in cases
                for index in range(1, len(self.classes))
            ),
            default=0,
        )
        if most > MOST_OBJECTS:
            yield (
                f"an image holds up to {most:,} true objects of one class: COCO looks at "
                f"{MOST_OBJECTS} predicted ones, so that its recall cannot reach 1 there; object "
                "precision, recall and counts look at all"
            )

    def _table(self) -> CaseTable:
        rows = []
        for observer, cases in self.counted.items():
            for case in cases:
                for one in self.classes[1:]:
                    found = case.matches[one.index]
                    fixed = (case.id, case.subject or "", observer, one.name)
                    numbers = (found.truth, found.predicted, found.found, found.missed, found.false)
                    rows.append((*fixed, *numbers, found.predicted - found.truth))
        return CaseTable(_HEADER, tuple(rows))


_RANKED_SCORES = {
    "object_ap": "ap",
    "object_ap50": "ap50",
    "object_ap75": "ap75",
    "object_ar100": "ar100",
}


@dataclass(frozen=True)
class _Writer:
    observer: str
    region: str
    cases: list[_Counted]
    settings: EvaluationSettings

    def ranked(self, score: str, name: str, of_classes: Sequence[Score]) -> ScoreRecord:
        """COCO's figure of one class, or the mean of those that have one."""
        values = [one.value for one in of_classes if one.value is not None]
        value = Score(float(np.mean(values))) if values else of_classes[0]
        return self._record(score, name, RANKED, COCO_RULE, value, None)

    def ratio(self, score: str, name: str, indices: Sequence[int]) -> ScoreRecord:
        """Objects of all cases together, class by class; the mean over classes that have one."""
        above, below, reason = _RATIOS[score]
        counts = np.array(
            [
                [(m.found, m.missed, m.false) for m in (case.matches[index] for index in indices)]
                for case in self.cases
            ]
        )  # n, K, 3
        upper, lower = counts @ np.array(above), counts @ np.array(below)  # n, K
        sums = upper.sum(axis=0), lower.sum(axis=0)
        has_value = sums[1] > 0
        if not has_value.any():
            return self._record(score, name, POOLED, _MATCH_RULE, undefined(reason), None)
        value = Score(float((sums[0][has_value] / sums[1][has_value]).mean()))
        interval = self._resampled(upper, lower)
        return self._record(score, name, POOLED, _MATCH_RULE, value, interval)

    def count_error(self, score: str, name: str, indices: Sequence[int]) -> ScoreRecord:
        """The mean over images; over classes, the mean of their means."""
        errors = np.array(
            [
                [case.matches[index].predicted - case.matches[index].truth for index in indices]
                for case in self.cases
            ],
            np.float64,
        )  # n, K
        if score == "object_count_absolute_error":
            errors = np.abs(errors)
        interval = self._resampled(errors, np.ones_like(errors))
        rule = _COUNT_RULES[score]
        return self._record(score, name, PER_IMAGE, rule, Score(float(errors.mean())), interval)

    def _resampled(self, above: Any, below: Any) -> Interval:
        groups = [case.group for case in self.cases]
        seed, resamples = self.settings.seed, self.settings.resamples
        return bootstrap_pooled(above, below, groups, seed=seed, resamples=resamples)

    def _record(
        self, score: str, name: str, pooling: str, rule: str, value: Score,
        interval: Interval | None,
    ) -> ScoreRecord:  # fmt: skip
        why_none = NO_INTERVAL if interval is None else interval.why_none
        return ScoreRecord(
            score=score,
            label_class=name,
            predictor=MODEL,
            observer=self.observer,
            region=self.region,
            pooling=pooling,
            empty_rule=rule,
            value=value.value,
            why_undefined=None
            if value.why_undefined is None
            else f"{score}: {value.why_undefined}",
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            why_no_interval="the score is undefined" if value.value is None else why_none,
            note=None if interval is None else interval.note,
            cases=len(self.cases),
            subjects=len({case.group for case in self.cases}),
            undefined_cases=0,
            failed_cases=sum(case.is_failed for case in self.cases),
        )
